"""What the command line makes of rows and log lines."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from officer.reports import as_csv, as_json
from officer.running.live_view import live_view
from officer.running.run import Ending, Run
from officer.running.run_state import RunState
from officer.running.service_process import Line
from officer.running.views import JsonLinesView, PlainView
from officer.site import remarks
from officer.summary import Summary, summarise, write_summary
from officer.watch import show
from services.agent.application.ports import MailRow, ReportRow
from shared.config.site import LoadedSite, load_site
from shared.vocabulary import Severity

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
ID = "0123456789abcdef0123456789abcdef"
ROW = ReportRow(
    violation_id=ID,
    site_id="yard",
    site="Yard",
    camera_id="gate",
    camera="Gate",
    zone_id="hoist",
    zone="Hoist",
    rule_id="ppe",
    rule="Hard hat",
    findings=("no_hardhat", "no_vest"),
    severity=Severity.HIGH,
    headline="No hard hat",
    first_seen=AT,
    last_seen=AT,
    duration_s=3.5,
    people=1,
    confidence=0.8,
    closed_reason=None,
    reported_at=AT,
    evidence_key="evidence/2026/03/04/x.jpg",
    evidence_sha256="a" * 64,
    pdf_key="reports/x.pdf",
    pdf_sha256="b" * 64,
    pdf_bytes=1000,
    writer="template",
    fallback_reason="",
    input_tokens=0,
    output_tokens=0,
    cost_usd=0.0,
    mails=(MailRow("a@example.org", "sent", AT, f"<{ID}.aa@example.org>", ""),),
)


def line(event: str, service: str = "detection", **fields: object) -> Line:
    return Line(service, {"event": event, "level": "info", **fields})


def site() -> LoadedSite:
    return load_site(ROOT / "tests" / "fixtures" / "site.yaml")


def a_run(folder: Path, *lines: Line) -> Run:
    run = Run(folder, {}, PlainView(), RunState())
    for one in lines:
        run.state.take(one)
    return run


@pytest.mark.parametrize(
    ("level", "shown"), [("debug", ["a", "b", "c", "d"]), ("info", ["b", "c", "d"]), ("error", ["d"])]
)
def test_the_log_lines_are_shown_from_the_level_on_that_was_asked_for(
    capsys: pytest.CaptureFixture[str], level: str, shown: list[str]
) -> None:
    view = JsonLinesView(level)
    for event, of in (("a", "debug"), ("b", "info"), ("c", "warning"), ("d", "error")):
        view.line(line(event, level=of))
    view.line(Line("agent", {"event": "output", "text": "a library's own words"}))
    assert [json.loads(told)["event"] for told in capsys.readouterr().out.splitlines()] == [*shown, "output"]


def test_rows_are_exported_as_csv() -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([ROW])))
    assert row["findings"] == "no_hardhat; no_vest"
    assert row["first_seen"] == "2026-03-04T09:30:00+00:00"
    assert (row["closed_reason"], row["mails"], row["duration_s"]) == ("", "a@example.org sent", "3.5")


def test_a_name_cannot_become_a_formula_in_a_spreadsheet() -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([replace(ROW, camera='=HYPERLINK("http://x")', rule="-1+1")])))
    assert (row["camera"], row["rule"]) == ('\'=HYPERLINK("http://x")', "'-1+1")


def test_rows_are_exported_as_json() -> None:
    (row,) = json.loads(as_json([ROW]))
    assert (row["findings"], row["severity"]) == (["no_hardhat", "no_vest"], "high")
    assert row["mails"][0]["sent_at"] == "2026-03-04T09:30:00+00:00"


def test_the_summary_names_what_lies_in_the_folder(tmp_path: Path) -> None:
    for name in ("reports/x.pdf", "evidence/2026/03/04/x.jpg", f"mail/{ID}.aa.eml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    run = a_run(
        tmp_path,
        line("violation.opened", violation_id=ID, camera="gate"),
        line("violation.opened", violation_id="f" * 32, camera="gate", rule="ppe", findings=["no_vest"]),
        line(
            "message.quarantined",
            "agent",
            level="error",
            violation_id="f" * 32,
            code="evidence-missing",
            reason="gone",
        ),
        line("mail.paused", "agent", level="warning", problem="mail server down"),
        line("run.finished", camera="gate", frames=100, processed=50, seconds=4.0),
    )
    summary = summarise(run, Ending.LEFT_UNDONE, site(), [ROW])
    reported, unreported = summary.violations
    assert (reported.new, reported.report, reported.evidence) == (
        True,
        "reports/x.pdf",
        "evidence/2026/03/04/x.jpg",
    )
    assert [mail.path for mail in reported.mails] == [f"mail/{ID}.aa.eml"]
    assert (unreported.id, unreported.report, unreported.findings) == ("f" * 32, None, ("no_vest",))
    assert [refusal.text for refusal in summary.refusals] == ["evidence-missing: gone"]
    assert [error.event for error in summary.errors] == ["mail.paused"]
    assert [(camera.frames_per_s, camera.looks_per_s) for camera in summary.cameras] == [(25.0, 12.5)]
    assert Summary.model_validate_json(write_summary(summary, tmp_path).read_bytes()) == summary


def test_a_violation_of_an_earlier_run_is_not_new(tmp_path: Path) -> None:
    run = a_run(
        tmp_path, line("report.stored", "agent", violation_id=ID), line("violation.closed", violation_id=ID)
    )
    assert [violation.new for violation in summarise(run, Ending.DONE, site(), [ROW]).violations] == [False]


def test_an_interrupted_recording_is_told(tmp_path: Path) -> None:
    run = a_run(
        tmp_path,
        line("camera.status", camera="gate", frame_index=24, total_frames=100, open=1),
        line("run.stopped", camera="gate", frames=25, processed=10, seconds=1.0),
    )
    assert summarise(run, Ending.DONE, site(), []).left == (
        "gate: the recording was seen to 25%; the next run begins it again",
        "gate: violations still open: 1",
    )


def test_a_recording_stopped_before_its_first_frame_was_seen_to_no_part(tmp_path: Path) -> None:
    run = a_run(
        tmp_path,
        line("camera.status", camera="gate", total_frames=100),
        line("run.stopped", camera="gate", frames=0, processed=0, seconds=0.1),
    )
    assert run.unseen == ["gate: the recording was seen to 0%; the next run begins it again"]


def test_what_could_not_be_stored_is_told_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = "store /data: No space left on device"
    run = a_run(
        tmp_path,
        line("camera.status", camera="gate", offered=5),
        line("courier.failed", level="warning", problem=full, waiting=2),
        line("courier.stopped", left=2, delivered=0, problem=full),
    )
    summary = summarise(run, Ending.LEFT_UNDONE, site(), [])
    assert summary.left == (f"2 messages about violations not delivered yet: {full}",)
    show(summary, tmp_path)
    told = capsys.readouterr().out
    assert f"left: {summary.left[0]}" in told
    assert f"last problem: courier.failed: {full}" in told
    show(summarise(run, Ending.DONE, site(), []), tmp_path)
    assert "last problem" not in capsys.readouterr().out


def test_a_digest_counts_for_each_violation_it_names() -> None:
    state = RunState()
    for name in ("a", "b"):
        state.take(line("violation.opened", violation_id=name))
    state.take(line("mail.sent", "agent", kind="digest", violation_ids=["a", "b"]))
    assert ([v.mails for v in state.violations.values()], state.mails) == ([1, 1], 1)


def test_a_run_that_ended_before_a_camera_was_opened_saw_nothing(tmp_path: Path) -> None:
    assert a_run(tmp_path).unseen == ["no camera was opened"]


def test_a_camera_that_was_lost_is_told_under_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(
        tmp_path,
        line("camera.status", camera="gate", state="down", offered=5, problem="rtsp://h/1: no answer"),
        line("camera.status", camera="yard", state="up", offered=5, problem=""),
        line("run.skipped", camera="clip"),
    )
    assert run.unseen == []
    show(summarise(run, Ending.DONE, site(), []), tmp_path)
    told = capsys.readouterr().out
    assert "  gate: rtsp://h/1: no answer" in told
    assert "yard:" not in told


def test_a_digest_is_one_mail_in_the_totals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digest = MailRow("a@example.org", "digest-sent", AT, "<digest-1.aa@example.org>", "")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "digest-1.aa.eml").touch()
    rows = [replace(ROW, violation_id=name * 32, mails=(digest,)) for name in "ab"]
    show(summarise(a_run(tmp_path), Ending.DONE, site(), rows), tmp_path)
    assert "violations: 2 (0 new); reports: 0; mails: 1;" in capsys.readouterr().out


def test_the_live_view_fits_a_small_terminal_and_shows_markup_as_text() -> None:
    state = RunState(site="[bold]Yard")
    state.take(line("model.loaded", model="ppe4", backend="openvino"))
    state.take(
        line(
            "camera.status", camera="gate", state="up", offered_fps=25.0, processed_fps=5.0, people=2, open=1
        )
    )
    state.take(line("camera.status", camera="clip", state="up", frame_index=49, total_frames=100))
    state.take(
        line(
            "camera.status", camera="yard", state="down", problem="rtsp://***@h/1 does not answer " + "x" * 90
        )
    )
    state.take(
        line("violation.opened", violation_id=ID, camera="gate", rule="[red]ppe", findings=["no_vest"])
    )
    state.take(
        line("decision", rule="ppe", track=3, finding="no_vest", stance="supports", looks="3 of 4", why="[x]")
    )
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(live_view(state, "watching", 60))
    text = console.export_text()
    assert max(len(row) for row in text.splitlines()) <= 80
    for words in (
        "[bold]Yard",
        "[red]ppe",
        "no vest",
        "50%",
        "0:01:00 to go",
        "does not answer",
        "ppe4 on openvino",
    ):
        assert words in text


def test_remarks_name_what_is_valid_but_perhaps_not_meant(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "fixtures" / "site.yaml").read_text()
    text = text[: text.index("recipients:")].replace(
        "jurisdictions: [us-osha-construction]", "jurisdictions: []"
    )
    text = text.replace(
        "zones:\n      - id: hoist", "zones:\n      - {id: shed, name: Shed}\n      - id: hoist"
    )
    (tmp_path / "site.yaml").write_text(text + "privacy: {blur_faces: false}\n")
    told = "\n".join(remarks(load_site(tmp_path / "site.yaml")))
    for words in (
        "GATE_URL",
        "nobody gets mail",
        "policy alone",
        "zone shed: no rule watches it",
        "faces will be stored",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[hardhat, vest]", "[mask]", "with the shipped model and the usual looks a second: the rules need"),
        ("{looks: 4, of: 6, within_s: 2}", "{looks: 90, of: 100, within_s: 2}", "rule ppe could never be"),
    ],
)
def test_a_rule_that_the_shipped_model_could_never_find_broken_is_remarked(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = (ROOT / "tests" / "fixtures" / "site.yaml").read_text()
    (tmp_path / "site.yaml").write_text(text.replace(old, new))
    assert words in "\n".join(remarks(load_site(tmp_path / "site.yaml")))
    assert words not in "\n".join(remarks(site()))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Site safety policy 4.2", "29 CFR 1926.95(a)", "site.policy: '29 CFR 1926.95(a)' names a law"),
        (
            "title: Keep out",
            "title: Keep out (OSHA rule)",
            "rule keep-out: title: 'Keep out (OSHA rule)' names a law",
        ),
        ("kind: ppe", 'kind: ppe\n    version: "1910.135"', "rule ppe: version: '1910.135' names a law"),
        ("Site safety policy 4.2", "Yard rules 2026, § 4, section 2", ""),
    ],
)
def test_what_is_called_as_a_law_is_remarked(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (ROOT / "tests" / "fixtures" / "site.yaml").read_text()
    assert old in text
    (tmp_path / "site.yaml").write_text(text.replace(old, new))
    told = [line for line in remarks(load_site(tmp_path / "site.yaml")) if "names a law" in line]
    assert [line.startswith(words) for line in told] == [True] * bool(words)


def test_zones_that_look_closer_at_the_same_part_are_remarked(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "fixtures" / "site.yaml").read_text()
    far = "- {id: NAME, name: Far, look_closer: true, polygon: [[X, 0.3], [0.6, 0.3], [0.6, 0.4], [X, 0.4]]}"
    zones = "\n      ".join(
        far.replace("NAME", name).replace("X", x) for name, x in (("far", "0.4"), ("gap", "0.45"))
    )
    (tmp_path / "site.yaml").write_text(text.replace("zones:\n      ", f"zones:\n      {zones}\n      ", 1))
    told = [line for line in remarks(load_site(tmp_path / "site.yaml")) if "closer" in line]
    assert len(told) == 1
    assert "zones far and gap look closer at nearly the same part" in told[0]
