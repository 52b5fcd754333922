"""The way of one violation, put together from what was left behind."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from officer.tracing.finds import Finds, Places, Sidecar
from officer.tracing.log_files import ids_in, lines_about
from officer.tracing.path import path_of
from services.agent.adapters.sql_trace_reader import AuditLine, ClaimedPhase, History
from services.agent.application.ports import MailRow
from shared.contracts.violation import SourceFacts, encode
from shared.errors import ConfigurationError
from shared.local.folder_store import FolderStore
from shared.object_keys import event_key
from shared.objects import StoredObject
from tests.builders import AT, VIOLATION_ID, closed, message, opened
from tests.fakes.memory_store import MemoryStore

RECORDING = SourceFacts(kind="file", session="session-0001", name="clip.mp4", offset_s=3.0, clock="file-time")


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def line(event: str, seconds: float, **fields: Any) -> dict[str, Any]:
    return {
        "event": event,
        "at": at(seconds).isoformat(),
        "level": "info",
        "violation_id": VIOLATION_ID,
        **fields,
    }


def mail(recipient: str, seconds: float | None, state: str = "sent", error: str = "") -> MailRow:
    return MailRow(recipient, state, None if seconds is None else at(seconds), "<m@x>", error)


def claim(
    phase: str, first: float, finished: float | None, state: str = "done", attempts: int = 1
) -> ClaimedPhase:
    return ClaimedPhase(phase, state, attempts, at(first), None if finished is None else at(finished))


HISTORY = History(
    first_seen=at(0),
    last_seen=at(40),
    reported_at=at(8),
    writer="template",
    fallback_reason="",
    evidence_key="evidence/x.jpg",
    pdf_key="reports/x.pdf",
    closed_reason="ended",
    claims={"opened": claim("opened", 7, 10), "closed": claim("closed", 43, 43.1)},
    mails=(mail("anna@site.example", 12), mail("ben@site.example", 11)),
    audit=(),
    quarantined=(),
)
LINES = [
    line("violation.opened", 4.5),
    line("message.received", 6.5, phase="opened", sent_at=at(6).isoformat(), waited_s=0.5),
    line("violation.closed", 41),
    line("message.received", 42.9, phase="closed", sent_at=at(42).isoformat(), waited_s=0.9),
]


def stored(key: str, seconds: float) -> StoredObject:
    return StoredObject(key, 1, "image/jpeg", at(seconds))


def whole(**overrides: Any) -> Finds:
    found = Finds(
        VIOLATION_ID,
        sidecars={
            "opened": Sidecar(message(opened()), stored("events/o.json", 5.5)),
            "closed": Sidecar(message(closed()), stored("events/c.json", 41.5)),
        },
        picture=stored("evidence/x.jpg", 5),
        pdf=stored("reports/x.pdf", 9),
        history=HISTORY,
        lines=LINES,
    )
    for name, value in overrides.items():
        setattr(found, name, value)
    return found


def names(found: Finds) -> list[str]:
    return [step.what for step in path_of(found).steps]


def test_the_whole_way_stands_in_order() -> None:
    assert names(whole()) == [
        "first seen",
        "confirmed",
        "opened: accepted into the spool",
        "picture stored",
        "opened: message stored",
        "opened: sent to the queue",
        "opened: received",
        "claimed",
        "narrative written",
        "PDF stored",
        "report committed",
        "mailed to ben@site.example",
        "mailed to anna@site.example",
        "last seen",
        "closed: accepted into the spool",
        "closed: message stored",
        "closed: sent to the queue",
        "closed: received",
        "closed: row completed",
    ]


def test_what_was_stored_is_named_by_its_key() -> None:
    assert path_of(whole()).objects == (
        ("picture", "evidence/x.jpg"),
        ("message, opened", "events/o.json"),
        ("message, closed", "events/c.json"),
        ("PDF", "reports/x.pdf"),
    )


def test_gaps_lead_from_the_first_step_to_the_last() -> None:
    steps = path_of(whole()).steps
    assert steps[0].gap_s is None
    gaps = [step.gap_s for step in steps[1:] if step.gap_s is not None]
    assert min(gaps) >= 0
    assert sum(gaps) == pytest.approx(43.1)


def test_a_recordings_time_stands_apart_from_that_of_the_work() -> None:
    found = whole()
    found.sidecars["opened"] = Sidecar(message(opened(source=RECORDING)), found.sidecars["opened"].stored)
    path = path_of(found)
    assert [step.what for step in path.in_recording] == ["first seen", "confirmed", "last seen"]
    assert path.steps[0].what == "opened: accepted into the spool"


def test_a_store_that_counts_in_whole_seconds_upsets_no_order() -> None:
    """S3 cuts the time off: the PDF of 9.7 s was stored at 9, before its narrative was written."""
    history = replace(HISTORY, reported_at=at(9.4))
    steps = path_of(whole(history=history, pdf=stored("reports/x.pdf", 9))).steps
    pdf = next(step for step in steps if step.what == "PDF stored")
    assert (steps[steps.index(pdf) - 1].what, pdf.gap_s, pdf.at) == ("narrative written", 0, at(9))


def test_a_violation_that_closes_before_its_report_is_made_is_told_by_time() -> None:
    late = replace(
        HISTORY, claims={**HISTORY.claims, "opened": claim("opened", 60, 70)}, mails=(), reported_at=at(65)
    )
    steps = names(whole(history=late, pdf=None))
    assert steps.index("closed: row completed") < steps.index("claimed")


def test_troubles_stand_where_they_happened_and_once_however_often_they_came() -> None:
    troubles = [
        line("courier.failed", 4.6 + number / 10, level="warning", problem="store is down")
        for number in range(3)
    ]
    steps = path_of(whole(lines=[*LINES, *troubles])).steps
    trouble = next(step for step in steps if step.what == "! courier.failed")
    assert steps[steps.index(trouble) - 1].what == "opened: accepted into the spool"
    assert trouble.detail.startswith("store is down (3 times, last ")


def test_what_the_audit_alone_knows_is_told_and_nothing_twice() -> None:
    refused = AuditLine(at(12.5), "mail.refused", {"recipient": "cy@site.example", "why": "550 no"})
    stored = AuditLine(at(10), "report.stored", {"mails": 2})
    history = replace(HISTORY, audit=(stored, refused))
    (told,) = [step for step in path_of(whole(history=history)).steps if step.what.startswith("!")]
    assert (told.what, told.detail) == ("! mail.refused", "recipient cy@site.example, why 550 no")
    logged = [*LINES, line("mail.refused", 12.4, level="error", problem="550 no")]
    assert [step.at for step in path_of(whole(history=history, lines=logged)).steps if "!" in step.what] == [
        at(12.4)
    ]


def test_each_receipt_is_a_step() -> None:
    again = line("message.received", 30, phase="opened", sent_at=at(6).isoformat(), waited_s=24.0)
    received = [
        step for step in path_of(whole(lines=[*LINES, again])).steps if step.what == "opened: received"
    ]
    assert [step.detail for step in received] == ["waited 0.5 s", "waited 24.0 s; time 2"]


@pytest.mark.parametrize(
    ("found", "now"),
    [
        (whole(), "report made; mailed to 2 of 2; the violation is over (ended)"),
        (
            whole(
                history=replace(HISTORY, mails=(mail("a@x", None, "refused", "550 no"),), closed_reason="")
            ),
            "report made; mailed to 0 of 1 (a@x: refused 550 no); the violation goes on",
        ),
        (
            whole(history=replace(HISTORY, mails=())),
            "report made; nobody gets a mail; the violation is over (ended)",
        ),
        (
            whole(history=replace(HISTORY, quarantined=("evidence-missing: none",))),
            "in quarantine: evidence-missing: none",
        ),
        (
            whole(
                history=replace(HISTORY, reported_at=None, claims={"opened": claim("opened", 1, 2, "erased")})
            ),
            "erased: nothing but this mark is kept",
        ),
        (
            whole(
                history=replace(
                    HISTORY, reported_at=None, claims={"opened": claim("opened", 1, None, "open")}
                )
            ),
            "an agent has it in hand, or will take it up again after its lease",
        ),
        (
            Finds(VIOLATION_ID, spooled={"opened": at(4)}),
            "in detection's spool: store or queue have not taken it yet",
        ),
        (
            whole(history=None, pdf=None),
            "stored; on the queue, or the reconciler puts it there within 5 minutes",
        ),
        (Finds(VIOLATION_ID, lines=LINES), "unknown: only what stands above is known"),
    ],
)
def test_it_says_where_the_violation_stands_now(found: Finds, now: str) -> None:
    assert path_of(found).now == now


def test_what_waits_in_the_spool_is_shown_without_any_log() -> None:
    (step,) = path_of(Finds(VIOLATION_ID, spooled={"opened": at(4)})).steps
    assert (step.at, step.what, step.detail) == (at(4), "opened: accepted into the spool", "and still there")


# --- log files ---


def log_file(folder: Path, lines: Sequence[str]) -> Path:
    path = folder / "service.log"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_lines_are_found_behind_whatever_a_collector_puts_before_them(tmp_path: Path) -> None:
    path = log_file(
        tmp_path,
        [
            "agent-1  | " + json.dumps(line("mail.sent", 9)),
            "2026-03-04T09:30:05Z stdout F " + json.dumps(line("violation.opened", 4)),
            json.dumps(line("mail.sent", 9) | {"violation_id": "f" * 32}),
            f"words about {VIOLATION_ID} without an object",
            '{"violation_id": "' + VIOLATION_ID + '", "half": ',
            json.dumps({"violation_id": VIOLATION_ID, "event": "without-time"}),
            json.dumps(
                line("mail.sent", 10) | {"violation_id": None, "violation_ids": [VIOLATION_ID, "f" * 32]}
            ),
        ],
    )
    assert [found["at"] for found in lines_about([path], VIOLATION_ID)] == [
        at(4).isoformat(),
        at(9).isoformat(),
        at(10).isoformat(),
    ]
    assert ids_in([path], VIOLATION_ID[:3]) == {VIOLATION_ID}


def test_a_log_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--log .*nothing\.log: cannot be read"):
        lines_about([tmp_path / "nothing.log"], VIOLATION_ID)


# --- looking for it ---


def places(folder: Path, *logs: Path) -> Places:
    store = FolderStore(folder)
    return Places(folder / "spool", store, store, None, logs)


def put_sidecar(folder: Path, violation_id: str = VIOLATION_ID) -> None:
    sidecar = message(opened(violation_id=violation_id))
    body = encode(sidecar)
    FolderStore(folder).put(event_key(sidecar, body), body, "application/json")


def test_a_violation_that_only_the_store_knows_is_found(tmp_path: Path) -> None:
    put_sidecar(tmp_path)
    found = places(tmp_path).find(VIOLATION_ID[:4])
    assert found.violation_id == VIOLATION_ID
    assert list(found.sidecars) == ["opened"]
    assert names(found)[:2] == ["first seen", "confirmed"]


def test_a_prefix_of_several_violations_asks_for_more(tmp_path: Path) -> None:
    put_sidecar(tmp_path)
    put_sidecar(tmp_path, VIOLATION_ID[:-1] + "0")
    with pytest.raises(ConfigurationError, match=r"several ids begin with '0123'.*more characters"):
        places(tmp_path).find("0123")


@pytest.mark.parametrize("wrong", ["", "xyz", "../..", "0" * 32])
def test_what_is_no_violations_id_is_told(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="no violation's id"):
        places(tmp_path).find(wrong)


def test_what_does_not_answer_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    log = log_file(tmp_path, [json.dumps(one) for one in LINES])
    store = MemoryStore()
    store.problem = "bucket b: it cannot be reached"
    found = Places(tmp_path / "spool", store, store, None, [log]).find(VIOLATION_ID[:6])
    assert found.blind == ["bucket b: it cannot be reached"]
    assert names(found)[0] == "opened: accepted into the spool"
