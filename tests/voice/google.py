"""A stand-in for translate.google.com: a proxy on this machine that ends the TLS itself."""

from __future__ import annotations

import base64
import datetime
import socketserver
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Google:
    """Answers every CONNECT with one HTTPS exchange in the form that gTTS reads."""

    def __init__(self, folder: Path) -> None:
        self.sound, self.status, self.requests = b"", 200, 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(folder))
        google = self

        class Exchange(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _read_head(self.rfile.readline)
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with context.wrap_socket(self.connection, server_side=True) as secure:
                    reader = secure.makefile("rb")
                    reader.read(_read_head(reader.readline))
                    secure.sendall(google._answer())
                    reader.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Exchange)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self) -> bytes:
        self.requests += 1
        body = b'[["wrb.fr","jQ1olc","[\\"' + base64.b64encode(self.sound) + b'\\"]",null]]\n'
        head = f"HTTP/1.1 {self.status} Said\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + body


def _read_head(readline: object) -> int:
    """Read up to the empty line; the length of the body that follows."""
    assert callable(readline)
    length = 0
    while (line := readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return length


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "translate.google.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "google.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
