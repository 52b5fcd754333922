"""What a person made of a violation: verdict and time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("violations", sa.Column("verdict", sa.String(length=16)))
    op.add_column("violations", sa.Column("reviewed_at", sa.DateTime(timezone=True)))
