"""The first tables."""

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    context.config.attributes["metadata"].create_all(op.get_bind())
    for sql in context.config.attributes["functions"]:
        op.execute(sql)
