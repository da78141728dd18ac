"""A further kind of file: vouchers that a till took while it had no network."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_import_file_kind"), "import_file", type_="check")
    op.create_check_constraint(
        op.f("ck_import_file_kind"),
        "import_file",
        "kind IN ('purchases', 'members', 'balances', 'codes', 'used_vouchers')",
    )
