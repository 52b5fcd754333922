"""The outbox in SQLite or Postgres. Each method is one transaction; times are the database's."""

from typing import Any

import structlog
from sqlalchemy import Connection, Row, and_, case, func, or_, select, text, update

from services.agent.adapters.sql_database import Database, DatabaseTime
from services.agent.adapters.sql_rows import OF_NEWER_SOFTWARE, digest_columns, read_report, write_audit
from services.agent.adapters.sql_schema import outbox, violations
from services.agent.application.ports import LeaseLostError, OutboxCounts
from services.agent.domain.letter import MAX_IN_DIGEST, FiledReport, Letter
from shared.errors import PermanentError
from shared.vocabulary import Severity

HOUR_S = 3600.0
LEFT_TO_NEWER_S = 24 * HOUR_S  # how long a mail that only newer software can read waits for that
ASK_NEWER_S = 600.0
NOTHING_TO_TELL = "nothing is left to tell: its reports were erased, or cannot be read by this version"

_TO: tuple[Any, ...] = (outbox.c.id, outbox.c.kind, outbox.c.recipient)
_TRY: tuple[Any, ...] = (outbox.c.fence, outbox.c.attempts, outbox.c.unfinished, outbox.c.first_tried_at)

log = structlog.get_logger()


class SqlOutbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, lease_s: float, cap_per_hour: int) -> Letter | None:
        while True:  # a transaction for each mail, so that none waits for the locks of two recipients
            with self._database.write() as db:
                row = db.execute(_next_due()).one_or_none()
                if row is None:
                    return None
                if not self._fits(db, row, cap_per_hour):
                    db.execute(update(outbox).where(outbox.c.id == row.id).values(state="held"))
                elif contents := _contents(db, row.id):
                    return _begin(db, row, contents, lease_s)
                else:
                    _drop_empty(db, row)

    def gather(self, cap_per_hour: int, *, at_once: bool) -> int:
        with self._database.write() as db:
            held = select(outbox.c.recipient).where(outbox.c.state == "held").distinct()
            recipients = sorted(db.execute(held).scalars())  # two workers take the locks in one order
            ready = [r for r in recipients if at_once or self._used(db, r, None) < cap_per_hour]
            return sum(_make_digests(db, recipient) for recipient in ready)

    def extend(self, letter: Letter, lease_s: float) -> None:
        with self._database.write() as db:
            _update(db, letter, lease_until=DatabaseTime(lease_s))

    def sent(self, letter: Letter, message_id: str) -> None:
        with self._database.write() as db:
            _update(db, letter, state="sent", sent_at=DatabaseTime(), message_id=message_id, error="")
            for filed in letter.contents:
                write_audit(db, "mail.sent", filed.violation_id, recipient=letter.recipient, kind=letter.kind)

    def retry(self, letter: Letter, delay_s: float, why: str, *, counted: bool) -> None:
        values: dict[str, Any] = {
            "state": "pending",
            "due_at": DatabaseTime(delay_s),
            "error": why[:1000],
            "unfinished": 0,
        }
        if not counted:
            values["attempts"] = outbox.c.attempts - 1
            values["first_tried_at"] = case(
                (outbox.c.attempts > 1, outbox.c.first_tried_at), else_=None
            )  # a server that was down all day has used up no mail's time
        with self._database.write() as db:
            _update(db, letter, **values)

    def refused(self, letter: Letter, why: str) -> None:
        with self._database.write() as db:
            _update(db, letter, state="refused", error=why[:1000])
            for filed in letter.contents:
                write_audit(
                    db, "mail.refused", filed.violation_id, recipient=letter.recipient, why=why[:1000]
                )

    def counts(self) -> OutboxCounts:
        due = or_(
            outbox.c.state == "sending",
            and_(outbox.c.state == "pending", outbox.c.due_at <= DatabaseTime()),
        )
        later = and_(outbox.c.state == "pending", outbox.c.due_at > DatabaseTime())
        with self._database.read() as db:
            row = db.execute(
                select(
                    func.count().filter(due).label("due"),
                    func.count().filter(later).label("later"),
                    func.count().filter(outbox.c.state == "held").label("held"),
                )
                .select_from(outbox)
                .where(outbox.c.state.in_(("pending", "sending", "held")))
            ).one()
        return OutboxCounts(due=row.due, later=row.later, held=row.held)

    def _fits(self, db: Connection, row: Row[Any], cap_per_hour: int) -> bool:
        if row.severity == Severity.CRITICAL or row.kind == "digest":
            return True
        return self._used(db, row.recipient, row.id) < cap_per_hour

    def _used(self, db: Connection, recipient: str, besides: int | None) -> int:
        """Mails to *recipient* within the last hour, those on their way included; critical ones take no place."""
        if self._database.is_postgres:  # or two workers would both see the last free place
            db.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"outbox {recipient}"})
        return db.execute(
            select(func.count())
            .select_from(outbox)
            .where(
                outbox.c.recipient == recipient,
                outbox.c.id != (besides or 0),
                outbox.c.severity != Severity.CRITICAL.value,
                or_(outbox.c.state == "sending", outbox.c.sent_at > DatabaseTime(-HOUR_S)),
            )
        ).scalar_one()


def _next_due() -> Any:
    due = or_(
        and_(outbox.c.state == "pending", outbox.c.due_at <= DatabaseTime()),
        and_(outbox.c.state == "sending", outbox.c.lease_until <= DatabaseTime()),  # its worker was killed
    )
    critical_first = case((outbox.c.severity == Severity.CRITICAL.value, 0), else_=1)
    return (
        select(*_TO, outbox.c.severity)
        .where(due)
        .order_by(critical_first, outbox.c.due_at, outbox.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite leaves it out: its write lock is already ours
    )


def _begin(db: Connection, row: Row[Any], contents: list[FiledReport], lease_s: float) -> Letter:
    taken = db.execute(
        update(outbox)
        .where(outbox.c.id == row.id)
        .values(
            state="sending",
            fence=outbox.c.fence + 1,
            attempts=outbox.c.attempts + 1,
            unfinished=outbox.c.unfinished + 1,
            lease_until=DatabaseTime(lease_s),
            first_tried_at=func.coalesce(outbox.c.first_tried_at, DatabaseTime()),
        )
        .returning(*_TRY, DatabaseTime().label("now"))
    ).one()
    return Letter(
        id=row.id,
        kind=row.kind,
        recipient=row.recipient,
        fence=taken.fence,
        attempts=taken.attempts,
        unfinished=taken.unfinished - 1,
        tried_for_s=(taken.now - taken.first_tried_at).total_seconds(),
        contents=tuple(contents),
    )


def _contents(db: Connection, outbox_id: int) -> list[FiledReport]:
    """What the mail tells of; what this version cannot read is refused, or left to a newer one that is at work, too."""
    v, young = violations.c, (outbox.c.created_at > DatabaseTime(-LEFT_TO_NEWER_S)).label("young")
    rows = db.execute(
        select(*_TO, young, v.violation_id, v.report, v.pdf_key, v.pdf_sha256, v.pdf_bytes)
        .join(outbox, outbox.c.violation_id == violations.c.violation_id)
        .where(or_(outbox.c.id == outbox_id, outbox.c.digest_id == outbox_id))
        .order_by(violations.c.first_seen, violations.c.violation_id)
    )
    return [filed for row in rows.all() if (filed := _filed(db, row))]


def _filed(db: Connection, row: Any) -> FiledReport | None:
    try:
        return FiledReport(read_report(row.report), row.pdf_key, row.pdf_sha256, row.pdf_bytes)
    except PermanentError as error:
        if error.code == OF_NEWER_SOFTWARE and row.young:
            later = {"state": "pending", "digest_id": None, "due_at": DatabaseTime(ASK_NEWER_S)}
            db.execute(update(outbox).where(outbox.c.id == row.id).values(later))
        else:
            _refuse(db, row, str(error), row.violation_id)
        return None


def _drop_empty(db: Connection, row: Row[Any]) -> None:
    """A report that cannot be read has been refused already: what is left is a digest."""
    if row.kind == "digest":
        _refuse(db, row, NOTHING_TO_TELL, None)


def _refuse(db: Connection, row: Row[Any], why: str, violation_id: str | None) -> None:
    values = {"state": "refused", "digest_id": None, "error": why}
    db.execute(update(outbox).where(outbox.c.id == row.id).values(values))
    write_audit(db, "mail.refused", violation_id, recipient=row.recipient, why=why)
    about = {"recipient": row.recipient, "kind": row.kind, "outbox_id": row.id, "violation_id": violation_id}
    log.error("mail.refused", problem=why, **about)


def _make_digests(db: Connection, recipient: str) -> int:
    ours = and_(outbox.c.recipient == recipient, outbox.c.state == "held")
    held = db.execute(select(outbox.c.id, outbox.c.severity).where(ours).order_by(outbox.c.id)).all()
    parts = [held[at : at + MAX_IN_DIGEST] for at in range(0, len(held), MAX_IN_DIGEST)]
    for part in parts:
        worst = max((Severity(row.severity) for row in part), key=tuple(Severity).index)
        digest_id = db.execute(
            outbox.insert().values(digest_columns(recipient, worst.value)).returning(outbox.c.id)
        ).scalar_one()
        told = update(outbox).where(outbox.c.id.in_([row.id for row in part]))
        db.execute(told.values(state="in-digest", digest_id=digest_id))
    return len(parts)


def _update(db: Connection, letter: Letter, **values: Any) -> None:
    ours = (outbox.c.id == letter.id, outbox.c.state == "sending", outbox.c.fence == letter.fence)
    if db.execute(update(outbox).where(*ours).values(values)).rowcount != 1:
        raise LeaseLostError(f"mail {letter.id} has passed to another worker")
