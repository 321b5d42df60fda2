"""Brings a database to the newest schema with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

LOCK = 0x6D61_6575  # "maeu": processes that start together migrate one after another

HERE = Path(__file__).parent / "migrations"


def config() -> Config:
    configured = Config()
    configured.set_main_option("script_location", str(HERE))
    return configured


def _upgrade(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    configured = config()
    configured.attributes["connection"] = connection
    command.upgrade(configured, revision)


async def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` (SQLAlchemy's async form) to `revision`."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def newest() -> str:
    """The revision that this program was written for."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


def present(connection: Connection) -> str | None:
    """The revision of the database behind this connection, None if it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()
