"""What a member's Telegram speaks: for messages that nobody's update is behind."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "what their Telegram said last; null: nothing yet"
    op.add_column("member", sa.Column("telegram_language", sa.Text(), nullable=True, comment=comment))
