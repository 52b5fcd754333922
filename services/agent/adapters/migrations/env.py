"""Alembic's entry: runs the steps on the connection that `sql_migrations` hands over."""

from alembic import context

from services.agent.adapters.sql_schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most things in place
)
with context.begin_transaction():
    context.run_migrations()
