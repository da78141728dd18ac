"""Alembic's entry: runs the revisions on the connection that `bot.migrate` hands over, within its transaction."""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes.get("metadata"),
    compare_type=True,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
