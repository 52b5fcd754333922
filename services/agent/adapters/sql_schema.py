"""The tables, documented in docs/database.md; migrations/ makes them, a test holds the two together."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.agent.adapters.sql_database import UtcDateTime

JSON_DOCUMENT = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

violations = Table(
    "violations",
    metadata,
    Column("violation_id", String(32), primary_key=True),
    Column("site_id", String(64), nullable=False),
    Column("camera_id", String(64), nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    # from `opened`; all empty until the report stands
    Column("reported_at", UtcDateTime),
    Column("site", String(200)),
    Column("site_timezone", String(64)),
    Column("camera", String(200)),
    Column("zone_id", String(64)),
    Column("zone", String(200)),
    Column("rule_id", String(64)),
    Column("rule_kind", String(32)),
    Column("rule", String(200)),
    Column("rule_version", String(200)),
    Column("findings", JSON_DOCUMENT),
    Column("severity", String(16)),
    Column("headline", Text),
    Column("people", Integer),
    Column("confidence", Double),
    Column("source_kind", String(16)),
    Column("source_name", String(200)),
    Column("offset_s", Double),
    Column("evidence_key", Text),
    Column("evidence_sha256", String(64)),
    Column("pdf_key", Text),
    Column("pdf_sha256", String(64)),
    Column("pdf_bytes", Integer),
    Column("model", String(200)),
    Column("model_sha256", String(64)),
    Column("software_version", String(40)),
    Column("table_version", Text),
    Column("writer", Text),
    Column("prompt_version", Text),
    Column("fallback_reason", Text),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("cost_usd", Double),
    Column("opened_message", JSON_DOCUMENT),
    Column("report", JSON_DOCUMENT),
    # from `closed`; all empty while the violation goes on
    Column("closed_reason", String(32)),
    Column("duration_s", Double),
    Column("people_peak", Integer),
    Column("looks", Integer),
    Column("looks_supporting", Integer),
    Column("closed_message", JSON_DOCUMENT),
    # from a person; empty until somebody has looked
    Column("verdict", String(16)),
    Column("reviewed_at", UtcDateTime),
    CheckConstraint(
        "reported_at IS NULL OR (pdf_sha256 IS NOT NULL AND evidence_sha256 IS NOT NULL AND severity IS NOT NULL)",
        name="report_is_whole",
    ),
    CheckConstraint("reported_at IS NOT NULL OR closed_reason IS NOT NULL", name="opened_or_closed"),
    Index("ix_violations_recurrence", "site_id", "camera_id", "rule_id", "first_seen"),
    Index("ix_violations_first_seen", "first_seen"),
)

claims = Table(
    "claims",
    metadata,
    Column("violation_id", String(32), primary_key=True),
    Column("phase", String(8), primary_key=True),
    Column("payload_sha256", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("first_claimed_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("report", JSON_DOCUMENT),
    CheckConstraint("state IN ('open', 'done', 'quarantined', 'erased')", name="state"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),
    Column("violation_id", String(32), ForeignKey("violations.violation_id", ondelete="CASCADE")),
    Column("recipient", String(254), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("digest_id", Integer, ForeignKey("outbox.id")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unfinished", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcDateTime),
    Column("first_tried_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("message_id", Text, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("violation_id", "recipient"),
    CheckConstraint("kind IN ('report', 'digest')", name="kind"),
    CheckConstraint(
        "state IN ('pending', 'sending', 'sent', 'held', 'in-digest', 'refused', 'presumed-sent')",
        name="state",
    ),
    Index("ix_outbox_due", "state", "due_at"),
    Index("ix_outbox_hour", "recipient", "sent_at"),
    Index("ix_outbox_digest", "digest_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("payload_sha256", String(64), primary_key=True),
    Column("violation_id", String(32)),
    Column("phase", String(8)),
    Column("code", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("payload_bytes", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("event", String(64), nullable=False),
    Column("violation_id", String(32)),
    Column("detail", JSON_DOCUMENT, nullable=False),
    Index("ix_audit_violation", "violation_id", "id"),
)

schema_works_with = Table(
    "schema_works_with",
    metadata,
    Column("oldest", String(32), primary_key=True),
)
"""One row: the first step whose software works with the tables as they are. A step that older software would not
survive sets it to itself; one that only adds leaves it.
"""
