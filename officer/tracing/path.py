"""The way of one violation as steps with times: what was found, put in order, and where it stands now."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from officer.tracing.finds import Finds
from officer.tracing.log_files import Line, time_of
from shared.contracts.violation import Closed, Opened
from shared.objects import StoredObject

TROUBLE = ("warning", "error", "critical")
TOLD_BY_AUDIT = frozenset({"mail.refused", "message.quarantined", "report.adopted", "violation.erased"})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    Attributes:
        at: by the clock of who wrote it down, aware UTC.
        what: in a few words.
        detail: more about it; empty for nothing.
        gap_s: seconds since the step before; None for the first.
    """

    at: datetime
    what: str
    detail: str = ""
    gap_s: float | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """All steps.

    Attributes:
        in_recording: by the recording's own clock; empty for a live camera, whose clock is that of its host.
        steps: by the clocks of the machines that did the work.
        now: where it stands, in one sentence.
        objects: what was stored, and its key.
    """

    in_recording: tuple[Step, ...]
    steps: tuple[Step, ...]
    now: str
    objects: tuple[tuple[str, str], ...]


def path_of(found: Finds) -> Path:
    """Put *found* in order."""
    seen, live = list(_seen(found)), _is_live(found)
    chains = [_opened(found), _closed(found), list(_troubles(found.lines)), list(_audited(found))]
    if live:
        chains[0] = [step for step in seen if step.what != _LAST] + chains[0]
        chains[1] = [step for step in seen if step.what == _LAST] + chains[1]
    objects = tuple((what, stored.key) for what, stored in _stored(found))
    return Path(() if live else _with_gaps([seen]), _with_gaps(chains), _now(found), objects)


_LAST = "last seen"


def _is_live(found: Finds) -> bool:
    opened = _data(found, "opened")
    return isinstance(opened, Opened) and opened.source.kind == "live"


def _seen(found: Finds) -> Iterator[Step]:
    """What the message and the row tell by the camera's clock or the recording's."""
    opened, closed = _data(found, "opened"), _data(found, "closed")
    if isinstance(opened, Opened):
        what = ", ".join(finding.finding.replace("_", " ") for finding in opened.findings)
        yield Step(opened.first_seen, "first seen", f"camera {opened.camera.id}, zone {opened.zone.id}")
        confirmed_at = found.sidecars["opened"].message.time
        yield Step(
            confirmed_at, "confirmed", f"{what}; rule {opened.rule.id}, confidence {opened.confidence:.0%}"
        )
    elif found.history and found.history.first_seen:
        yield Step(found.history.first_seen, "first seen")
    if isinstance(closed, Closed):
        yield Step(closed.last_seen, _LAST, f"{closed.reason} after {closed.duration_s:.1f} s")


def _data(found: Finds, phase: str) -> Opened | Closed | None:
    sidecar = found.sidecars.get(phase)
    return sidecar.message.data if sidecar else None


def _stored(found: Finds) -> Iterator[tuple[str, StoredObject]]:
    if found.picture:
        yield "picture", found.picture
    for phase, sidecar in found.sidecars.items():
        yield f"message, {phase}", sidecar.stored
    if found.pdf:
        yield "PDF", found.pdf


def _opened(found: Finds) -> list[Step]:
    """From acceptance to the last mail, in the order in which these follow from each other."""
    steps = [*_accepted(found, "opened", "violation.opened", "opened: accepted into the spool")]
    if found.picture:
        steps.append(Step(found.picture.stored_at, "picture stored", _size(found.picture)))
    return [*steps, *_delivered(found, "opened"), *_reported(found), *_mailed(found)]


def _closed(found: Finds) -> list[Step]:
    return [
        *_accepted(found, "closed", "violation.closed", "closed: accepted into the spool"),
        *_delivered(found, "closed"),
        *_finished(found, "closed", "closed: row completed"),
    ]


def _accepted(found: Finds, phase: str, event: str, what: str) -> Iterator[Step]:
    told = next((line for line in found.lines if line["event"] == event), None)
    if told:
        yield Step(time_of(told), what)
    elif phase in found.spooled:
        yield Step(found.spooled[phase], what, "and still there")


def _delivered(found: Finds, phase: str) -> Iterator[Step]:
    """Store, queue, and who took it from there."""
    if sidecar := found.sidecars.get(phase):
        yield Step(sidecar.stored.stored_at, f"{phase}: message stored", _size(sidecar.stored))
    lines = [line for line in found.lines if line.get("phase") == phase]
    received = [line for line in lines if line["event"] == "message.received"]
    sent = next((line for line in lines if line["event"] == "violation.delivered"), None)
    if received:
        yield Step(datetime.fromisoformat(received[0]["sent_at"]), f"{phase}: sent to the queue")
    elif sent:
        yield Step(time_of(sent), f"{phase}: sent to the queue")
    for number, line in enumerate(received, 1):
        times = f"; time {number}" if number > 1 else ""
        yield Step(time_of(line), f"{phase}: received", f"waited {line['waited_s']:.1f} s{times}")


def _reported(found: Finds) -> Iterator[Step]:
    history = found.history
    if history is None:
        return
    if claim := history.claims.get("opened"):
        tries = f"{claim.attempts} attempts" if claim.attempts > 1 else ""
        yield Step(claim.first_claimed_at, "claimed", tries)
    if history.reported_at:
        instead = f", for the model did not: {history.fallback_reason}" if history.fallback_reason else ""
        yield Step(history.reported_at, "narrative written", f"by {history.writer}{instead}")
    if found.pdf:
        yield Step(found.pdf.stored_at, "PDF stored", _size(found.pdf))
    yield from _finished(found, "opened", "report committed")


def _size(stored: StoredObject) -> str:
    return f"{stored.size_bytes / 1000:,.1f} kB"


def _finished(found: Finds, phase: str, what: str) -> Iterator[Step]:
    claim = found.history.claims.get(phase) if found.history else None
    if claim and claim.finished_at and claim.state == "done":
        yield Step(claim.finished_at, what)


def _mailed(found: Finds) -> Iterator[Step]:
    mails = found.history.mails if found.history else ()
    sent = sorted((mail.sent_at, mail) for mail in mails if mail.sent_at)
    for at, mail in sent:
        how = "in a digest" if mail.state.startswith("digest-") else ""
        yield Step(at, f"mailed to {mail.recipient}", how)


def _troubles(lines: Sequence[Line]) -> Iterator[Step]:
    """Warnings and errors; the same one again and again is one step."""
    troubles = [line for line in lines if line.get("level") in TROUBLE]
    while troubles:
        first = troubles[0]
        same = [line for line in troubles if _trouble(line) == _trouble(first)]
        troubles = [line for line in troubles if _trouble(line) != _trouble(first)]
        again = f" ({len(same)} times, last {time_of(same[-1]):%H:%M:%S})" if len(same) > 1 else ""
        yield Step(time_of(first), f"! {first['event']}", f"{_trouble(first)[1]}{again}")


def _audited(found: Finds) -> Iterator[Step]:
    """What the database alone tells: where there is a log, it has said so already."""
    logged = {line["event"] for line in found.lines}
    for line in found.history.audit if found.history else ():
        if line.event in TOLD_BY_AUDIT - logged:
            detail = ", ".join(f"{name} {value}" for name, value in line.detail.items())
            yield Step(line.at, f"! {line.event}", detail[:300])


def _trouble(line: Line) -> tuple[str, str]:
    words = next((str(line[key]) for key in ("problem", "reason", "exception") if line.get(key)), "")
    code = f"{line['code']}: " if line.get("code") else ""
    return str(line["event"]), f"{code}{words.strip().splitlines()[-1] if words.strip() else ''}"[:300]


def _with_gaps(chains: Sequence[Sequence[Step]]) -> tuple[Step, ...]:
    """One order of all *chains*. Within a chain it stays, for clocks differ and S3 counts in whole seconds; so no
    step is placed, nor its gap counted, before the latest of those before it."""
    placed = heapq.merge(*(_placed(chain) for chain in chains), key=lambda pair: pair[0])
    steps: list[Step] = []
    before: datetime | None = None
    for at, step in placed:
        steps.append(replace(step, gap_s=(at - before).total_seconds() if before else None))
        before = at
    return tuple(steps)


def _placed(chain: Sequence[Step]) -> list[tuple[datetime, Step]]:
    placed: list[tuple[datetime, Step]] = []
    for step in chain:
        placed.append((max(step.at, placed[-1][0]) if placed else step.at, step))
    return placed


def _now(found: Finds) -> str:
    history = found.history
    if history and history.quarantined:
        return f"in quarantine: {'; '.join(history.quarantined)}"
    if history and any(claim.state == "erased" for claim in history.claims.values()):
        return "erased: nothing but this mark is kept"
    if history and history.reported_at:
        ended = (
            f"the violation is over ({history.closed_reason})"
            if history.closed_reason
            else "the violation goes on"
        )
        return f"report made; {_mails_now(found)}; {ended}"
    if history and "opened" in history.claims:
        return "an agent has it in hand, or will take it up again after its lease"
    if "opened" in found.spooled:
        return "in detection's spool: store or queue have not taken it yet"
    if "opened" in found.sidecars:
        return "stored; on the queue, or the reconciler puts it there within 5 minutes"
    return "unknown: only what stands above is known" if found.lines else "unknown"


def _mails_now(found: Finds) -> str:
    mails = found.history.mails if found.history else ()
    if not mails:
        return "nobody gets a mail"
    unsent = [f"{mail.recipient}: {mail.state} {mail.error}".strip() for mail in mails if not mail.sent_at]
    sent = f"mailed to {len(mails) - len(unsent)} of {len(mails)}"
    return f"{sent} ({'; '.join(unsent)})" if unsent else sent
