"""Alembic's entry: runs the migrations on the connection that `migrate.py` passes."""

from alembic import context
from sqlmodel import SQLModel

from broadcast.store import tables  # noqa: F401  (the import fills SQLModel.metadata)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
