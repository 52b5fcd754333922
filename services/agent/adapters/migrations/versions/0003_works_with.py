"""Which older software works with these tables, so that an upgrade can be gone back from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table("schema_works_with", sa.Column("oldest", sa.String(length=32), primary_key=True))
    op.bulk_insert(table, [{"oldest": revision}])
