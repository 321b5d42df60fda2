"""A fast provider: answers every request with the same Twilio-like 201, and counts them.

nginx where it is installed or apt may install it; else a small server of our own, which is slower.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cores import keep_to
from tests.faults.processes import free_port
from tests.system import apt_install, say

COUNT_PATH = "/count"
STARTS_WITHIN_S = 20.0
SID = "SM00000000000000000000000000000000"
BODY = (
    '{"account_sid":"AC00000000000000000000000000000000","api_version":"2010-04-01","body":"...",'
    '"date_created":"Mon, 02 Mar 2026 01:00:00 +0000","date_sent":null,'
    '"date_updated":"Mon, 02 Mar 2026 01:00:00 +0000","direction":"outbound-api","error_code":null,'
    '"error_message":null,"from":"+82310000000","messaging_service_sid":null,"num_media":"0",'
    '"num_segments":"1","price":null,"price_unit":"USD","sid":"%s","status":"queued",'
    '"subresource_uris":{"media":"/2010-04-01/Accounts/AC/Messages/SM/Media.json"},'
    '"to":"+821000000000","uri":"/2010-04-01/Accounts/AC/Messages/SM.json"}'
)

NGINX = """
worker_processes 1;
{affinity}
pid {folder}/pid;
error_log {folder}/error.log error;
daemon off;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = /count {{ stub_status; }}
        location / {{ default_type application/json; return 201 '{body}'; }}
    }}
}}
"""


@dataclass(slots=True)
class Sink:
    url: str
    name: str
    port: int
    _counted: int = 0

    def count(self) -> int:
        """Requests answered so far, those for the count itself left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", COUNT_PATH)
        text = connection.getresponse().read().decode()
        connection.close()
        numbers = re.findall(r"\d+", text)
        if "server accepts" not in text:
            return int(numbers[0])
        self._counted += 1  # nginx counts these too
        return int(numbers[3]) - self._counted


@contextmanager
def running(core: int | None) -> Iterator[Sink]:
    """The sink in a process of its own, on the given core."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="maeul-sink-") as folder:
        nginx = shutil.which("nginx") or _installed()
        command = _nginx(nginx, Path(folder), port, core) if nginx else _own(port, core)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        sink = Sink(f"http://127.0.0.1:{port}", "nginx" if nginx else "a server of our own", port)
        try:
            _wait(sink, process)
            yield sink
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def _installed() -> str | None:
    return shutil.which("nginx") if apt_install(["nginx-light"]) else None


def _nginx(program: str, folder: Path, port: int, core: int | None) -> list[str]:
    mask = "" if core is None else f"worker_cpu_affinity {1 << core:b};"
    config = folder / "nginx.conf"
    body = BODY % "SM$request_id"  # another one for each request, as long as a true one
    config.write_text(NGINX.format(folder=folder, port=port, affinity=mask, body=body))
    return [program, "-c", str(config), "-e", str(folder / "error.log")]


def _own(port: int, core: int | None) -> list[str]:
    say("no nginx here: a slower sink of our own answers")
    return [sys.executable, "-m", "tests.bench.sink", str(port), "" if core is None else str(core)]


def _wait(sink: Sink, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            sink.count()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the sink does not start") from None
            time.sleep(0.02)


# --- the server of our own --------------------------------------------------------------------


class Answering(asyncio.Protocol):
    """Reads requests as far as their length and answers each."""

    answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._kept = b""

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while (end := self._kept.find(b"\r\n\r\n")) >= 0:
            head = self._kept[:end].lower()
            found = re.search(rb"content-length: *(\d+)", head)
            length = end + 4 + (int(found[1]) if found else 0)
            if len(self._kept) < length:
                return
            self._kept = self._kept[length:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        is_count = head.startswith(b"get " + COUNT_PATH.encode())
        Answering.answered += not is_count
        body = str(Answering.answered) if is_count else BODY % f"SM{Answering.answered:032x}"
        status = "200 OK" if is_count else "201 Created"
        self._transport.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    keep_to(int(sys.argv[2]) if sys.argv[2:] and sys.argv[2] else None)
    uvloop.run(serve(int(sys.argv[1])))
