"""How many tries of a mail ended without a word, so that one which kills its worker is given up."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is for older software, which writes none.
    op.add_column("outbox", sa.Column("unfinished", sa.Integer, nullable=False, server_default="0"))
