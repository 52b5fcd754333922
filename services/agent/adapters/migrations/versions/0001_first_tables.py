"""The first tables: violations, claims, outbox, quarantine, audit. Later steps never change this file."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("violation_id", sa.String(length=32)),
        sa.Column("detail", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_violation", "audit", ["violation_id", "id"])

    op.create_table(
        "claims",
        sa.Column("violation_id", sa.String(length=32), nullable=False),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", TIME, nullable=False),
        sa.Column("first_claimed_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("report", DOCUMENT),
        sa.CheckConstraint("state IN ('open', 'done', 'quarantined', 'erased')", name="ck_claims_state"),
        sa.PrimaryKeyConstraint("violation_id", "phase", name="pk_claims"),
    )
    op.create_table(
        "quarantine",
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("violation_id", sa.String(length=32)),
        sa.Column("phase", sa.String(length=8)),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_bytes", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("payload_sha256", name="pk_quarantine"),
    )
    op.create_table(
        "violations",
        sa.Column("violation_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("camera_id", sa.String(length=64), nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        sa.Column("reported_at", TIME),
        sa.Column("site", sa.String(length=200)),
        sa.Column("site_timezone", sa.String(length=64)),
        sa.Column("camera", sa.String(length=200)),
        sa.Column("zone_id", sa.String(length=64)),
        sa.Column("zone", sa.String(length=200)),
        sa.Column("rule_id", sa.String(length=64)),
        sa.Column("rule_kind", sa.String(length=32)),
        sa.Column("rule", sa.String(length=200)),
        sa.Column("rule_version", sa.String(length=200)),
        sa.Column("findings", DOCUMENT),
        sa.Column("severity", sa.String(length=16)),
        sa.Column("headline", sa.Text()),
        sa.Column("people", sa.Integer()),
        sa.Column("confidence", sa.Double()),
        sa.Column("source_kind", sa.String(length=16)),
        sa.Column("source_name", sa.String(length=200)),
        sa.Column("offset_s", sa.Double()),
        sa.Column("evidence_key", sa.Text()),
        sa.Column("evidence_sha256", sa.String(length=64)),
        sa.Column("pdf_key", sa.Text()),
        sa.Column("pdf_sha256", sa.String(length=64)),
        sa.Column("pdf_bytes", sa.Integer()),
        sa.Column("model", sa.String(length=200)),
        sa.Column("model_sha256", sa.String(length=64)),
        sa.Column("software_version", sa.String(length=40)),
        sa.Column("table_version", sa.Text()),
        sa.Column("writer", sa.Text()),
        sa.Column("prompt_version", sa.Text()),
        sa.Column("fallback_reason", sa.Text()),
        sa.Column("input_tokens", sa.Integer()),
        sa.Column("output_tokens", sa.Integer()),
        sa.Column("cost_usd", sa.Double()),
        sa.Column("opened_message", DOCUMENT),
        sa.Column("report", DOCUMENT),
        sa.Column("closed_reason", sa.String(length=32)),
        sa.Column("duration_s", sa.Double()),
        sa.Column("people_peak", sa.Integer()),
        sa.Column("looks", sa.Integer()),
        sa.Column("looks_supporting", sa.Integer()),
        sa.Column("closed_message", DOCUMENT),
        sa.CheckConstraint(
            "reported_at IS NOT NULL OR closed_reason IS NOT NULL", name="ck_violations_opened_or_closed"
        ),
        sa.CheckConstraint(
            "reported_at IS NULL OR (pdf_sha256 IS NOT NULL AND evidence_sha256 IS NOT NULL AND severity IS NOT NULL)",
            name="ck_violations_report_is_whole",
        ),
        sa.PrimaryKeyConstraint("violation_id", name="pk_violations"),
    )
    op.create_index("ix_violations_first_seen", "violations", ["first_seen"])
    op.create_index(
        "ix_violations_recurrence", "violations", ["site_id", "camera_id", "rule_id", "first_seen"]
    )

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("violation_id", sa.String(length=32)),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("digest_id", sa.Integer()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", TIME),
        sa.Column("first_tried_at", TIME),
        sa.Column("sent_at", TIME),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('report', 'digest')", name="ck_outbox_kind"),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'held', 'in-digest', 'refused', 'presumed-sent')",
            name="ck_outbox_state",
        ),
        sa.ForeignKeyConstraint(["digest_id"], ["outbox.id"], name="fk_outbox_digest_id"),
        sa.ForeignKeyConstraint(
            ["violation_id"], ["violations.violation_id"], name="fk_outbox_violation_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("violation_id", "recipient", name="uq_outbox_violation_id_recipient"),
    )
    op.create_index("ix_outbox_digest", "outbox", ["digest_id"])
    op.create_index("ix_outbox_due", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_hour", "outbox", ["recipient", "sent_at"])
