"""Settings of the service: environment variables with the prefix MAEUL_, and the key file of a single machine."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from broadcast.errors import InvalidInput
from broadcast.store.vault import Vault, derive, secret_from_base64

KEY_FILE = "secret.key"


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


class Settings(BaseSettings):
    """What one process needs to know. `data_dir` gives the defaults of the single machine."""

    model_config = SettingsConfigDict(env_prefix="MAEUL_", env_ignore_empty=True, extra="ignore", frozen=True)

    data_dir: Path = Field(default=Path("var"), description="Database, media and key of a single machine")
    county_name: str = Field(default="우리군", min_length=1, description="What the county is called")
    database_url: str = Field(
        default="", description="SQLAlchemy's async form; default: SQLite in the data folder"
    )
    media_url: str = Field(default="", description="file:// or s3://; default: a folder in the data folder")
    public_url: str = Field(default="", description="Where providers and residents reach this service")
    secret_key: SecretStr = Field(default=SecretStr(""), description="32 bytes in base64")
    data_keys: SecretStr = Field(default=SecretStr(""), description="Keys of sealed values, newest first")
    blind_index_key: SecretStr = Field(default=SecretStr(""), description="Key of the blind index")
    carriers: Annotated[str, NoDecode] = Field(default="simulator", description="Adapters in use")
    simulator_url: str = Field(default="", description="Where the simulator runs as a process of its own")
    tts_engines: Annotated[str, NoDecode] = Field(default="espeak", description="Speech engines in order")
    lines: int = Field(default=30, ge=1, description="Telephone lines for outbound calls")
    lease_seconds: float = Field(default=60, gt=0, description="How long a worker's claim lasts")
    durable_calls: bool = Field(default=False, description="SQLite: every micro-commit outlives a power cut")

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'maeul.db'}"

    @property
    def media(self) -> str:
        return self.media_url or (self.data_dir.resolve() / "media").as_uri()

    @property
    def adapters(self) -> tuple[str, ...]:
        return _listed(self.carriers)

    @property
    def is_simulated(self) -> bool:
        return self.adapters == ("simulator",)

    @property
    def engines(self) -> tuple[str, ...]:
        return _listed(self.tts_engines)

    def secret(self) -> bytes:
        """The key, from the environment or the key file; a single machine makes its own at the first start."""
        given = self.secret_key.get_secret_value()
        if given:
            return secret_from_base64(given, "MAEUL_SECRET_KEY")
        if not self.database.startswith("sqlite"):
            raise InvalidInput(
                "MAEUL_SECRET_KEY must be set where several machines share a database "
                "(make one with: openssl rand -base64 32).",
                "여러 대가 데이터베이스를 함께 쓰려면 MAEUL_SECRET_KEY를 정해야 합니다.",
                field="MAEUL_SECRET_KEY",
            )
        return secret_from_base64(_key_file(self.data_dir / KEY_FILE), str(KEY_FILE))

    def vault(self) -> Vault:
        keys = [secret_from_base64(k, "MAEUL_DATA_KEYS") for k in _listed(self.data_keys.get_secret_value())]
        blind = self.blind_index_key.get_secret_value()
        secret = self.secret()
        return Vault(
            keys or [derive(secret, "data")],
            secret_from_base64(blind, "MAEUL_BLIND_INDEX_KEY") if blind else derive(secret, "blind index"),
        )

    def make_room(self) -> None:
        """Make the folder of the SQLite file, readable by its owner alone. Blocking."""
        kind, _, path = self.database.partition(":///")
        if kind.startswith("sqlite") and path and path != ":memory:":
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def require_consistent(self) -> None:
        """Raises InvalidInput for settings that contradict each other."""
        if "simulator" in self.adapters and not self.is_simulated:
            raise InvalidInput(
                "MAEUL_CARRIERS names the simulator together with real carriers; choose one or the other.",
                "MAEUL_CARRIERS에 시뮬레이터와 실제 통신사를 함께 쓸 수 없습니다.",
                field="MAEUL_CARRIERS",
            )
        if self.simulator_url and not self.is_simulated:
            raise InvalidInput(
                "MAEUL_SIMULATOR_URL is set but MAEUL_CARRIERS is not simulator.",
                "MAEUL_CARRIERS가 simulator가 아닌데 MAEUL_SIMULATOR_URL이 있습니다.",
                field="MAEUL_SIMULATOR_URL",
            )
        if self.public_url and urlsplit(self.public_url).scheme not in ("http", "https"):
            raise InvalidInput(
                "MAEUL_PUBLIC_URL must begin with https:// (or http:// for a trial).",
                "MAEUL_PUBLIC_URL은 https://로 시작해야 합니다.",
                field="MAEUL_PUBLIC_URL",
            )


def _key_file(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        key = base64.b64encode(os.urandom(32)).decode()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(handle, "w") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        return key
