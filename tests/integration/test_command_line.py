"""The command `officer` as a user meets it: what it prints, its exit codes, and never a traceback."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from officer.summary import Summary
from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from tests.clips import moving_box, write_clip

ROOT = Path(__file__).parents[2]
SITE = ROOT / "examples" / "sites" / "ppe-everywhere.yaml"
OURS = {name.upper() for settings in (AgentSettings, DetectionSettings) for name in settings.model_fields}


def officer(
    *words: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "officer", *map(str, words)],
        cwd=cwd,
        env=environment_of(environment or {}),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def started(
    *words: str | Path, cwd: Path = ROOT, stdout: IO[str] | int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """It, while it runs."""
    return subprocess.Popen(
        [sys.executable, "-m", "officer", *map(str, words)],
        cwd=cwd,
        env=environment_of({}),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a job in the background ignores it
    )


def environment_of(ours: Mapping[str, str]) -> dict[str, str]:
    """With none of the variables that this machine may have set."""
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**clean, "COLUMNS": "200", "PYTHONPATH": str(ROOT), **ours}


def refused(*words: str | Path, code: int = 2, environment: Mapping[str, str] | None = None) -> str:
    done = officer(*words, environment=environment)
    assert (done.returncode, done.stdout) == (code, ""), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


TWO_CAMERAS = """
version: 1
site: {id: yard, name: Yard, jurisdictions: [us-osha-construction]}
cameras:
  - {id: gate, name: Gate, zones: [{id: bay, name: Bay, hazards: [overhead-work]}]}
  - {id: shed, name: Shed, zones: [{id: bay, name: Bay}]}
rules:
  - {id: ppe, kind: ppe, title: Hard hat, requires: [hardhat]}
"""


@pytest.fixture(scope="module")
def empty_room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "room.mp4", moving_box(), frames=40, fps=10)


def test_help_names_every_command_with_examples() -> None:
    text = officer("--help").stdout
    for command in ("watch", "demo", "doctor", "site", "reports", "model", "trace"):
        assert command in text
    assert "officer watch clip.mp4 --site" in text
    assert "Exit codes" in officer("watch", "--help").stdout


def test_a_valid_site_file_is_explained() -> None:
    done = officer("site", "check", SITE)
    assert done.returncode == 0
    for words in ("Example hall", "hardhat and vest", "29 CFR 1926.100(a)", "safety.manager@example.com"):
        assert words in done.stdout


def test_a_wrong_site_file_is_refused_with_all_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(
        SITE.read_text().replace("hardhat", "hard-hat").replace("America/Los_Angeles", "Mars/Base")
    )
    told = refused("site", "check", path)
    assert told.startswith(
        f"officer: {path}: 2 problems\n{path}:6: site.timezone: value 'Mars/Base' is no IANA"
    )
    assert "do: did you mean 'hardhat'?" in told


def test_a_password_with_a_space_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    source = "    source: rtsp://admin:two words@10.0.0.7/1\n    zones:"
    path.write_text(SITE.read_text().replace("    zones:", source))
    done = officer("site", "check", path)
    assert "rtsp://***@10.0.0.7/1" in done.stdout
    assert "words" not in done.stdout + done.stderr


def test_cameras_may_have_zones_of_one_name_and_different_hazards(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(TWO_CAMERAS)
    rows = [
        row.split("│") for row in officer("site", "check", path).stdout.splitlines() if "no_hardhat" in row
    ]
    cited = {row[2].strip(): row[4].strip() for row in rows}
    assert set(cited) == {"gate", "shed"}
    assert cited["gate"] != cited["shed"]


def test_citations_of_two_us_parts_are_to_be_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(TWO_CAMERAS.replace("construction]", "construction, us-osha-general-industry]"))
    done = officer("site", "check", path)
    for title in ("29 CFR 1926.100(a), Head protection", "29 CFR 1910.135(a), Head protection"):
        assert f"{title} (to be confirmed by a person)" in done.stdout


def test_the_schema_is_printed_as_published() -> None:
    published = json.loads((ROOT / "docs" / "site.schema.json").read_text())
    assert json.loads(officer("site", "schema").stdout) == published


def test_a_wrong_environment_stops_watch_with_one_clear_message(empty_room: Path, tmp_path: Path) -> None:
    done = officer(
        "watch",
        empty_room,
        "--site",
        SITE,
        "--out",
        tmp_path,
        environment={"LOG_LEVEL": "loud", "THREADS": "many"},
    )
    assert done.returncode == 2
    assert (
        "officer: environment: 2 problems\nenvironment: LOG_LEVEL: value 'loud' is not allowed" in done.stderr
    )
    assert (
        "environment: THREADS: value 'many' is not allowed; allowed: a whole number from 0 to 64"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing.mp4",), "nothing.mp4"),
        (("clip", "--camera", "gate"), "CAMERA 'gate'"),
        (("clip", "--model", "nothing.onnx"), "nothing.onnx cannot be read"),
    ],
)
def test_what_is_not_there_stops_watch(
    empty_room: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    source, *options = (str(empty_room) if word == "clip" else word for word in words)
    done = officer("watch", source, "--site", SITE, "--out", tmp_path / "out", *options)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recording_that_is_not_there_was_looked_for_in_the_working_folder(tmp_path: Path) -> None:
    done = officer("watch", "nothing.mp4", "--site", SITE, "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path / 'nothing.mp4'}' is not there. Check its name" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CAMERA", "gate", "CAMERA 'gate'"),
        ("BACKEND", "cuda", "cuda"),
        ("MODEL_FILE", "nothing.onnx", "nothing.onnx cannot be read"),
        ("DETECT_FPS", "0.4", "at 0.4 looks a second rule ppe could never be found broken"),
    ],
)
def test_a_variable_stands_for_the_option_that_is_not_given(
    empty_room: Path, tmp_path: Path, name: str, value: str, told: str
) -> None:
    assert told in watch_refused(empty_room, tmp_path, {name: value})


def test_an_option_wins_over_its_variable(empty_room: Path, tmp_path: Path) -> None:
    assert "'two'" in watch_refused(empty_room, tmp_path, {"CAMERA": "one"}, "--camera", "two")


def watch_refused(clip: Path, out: Path, environment: Mapping[str, str], *options: str) -> str:
    done = officer("watch", clip, "--site", SITE, "--out", out, *options, environment=environment)
    assert done.returncode == 2
    return done.stderr


def test_a_summary_that_cannot_be_written_is_told_and_shown(empty_room: Path, tmp_path: Path) -> None:
    (tmp_path / "summary.json").mkdir()
    done = officer("watch", empty_room, "--site", SITE, "--out", tmp_path)
    assert done.returncode == 1
    assert f"officer: {tmp_path}: the summary cannot be written (Is a directory); do:" in done.stderr
    assert "violations: 0 (0 new)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_cannot_be_read_costs_no_summary(empty_room: Path, tmp_path: Path) -> None:
    (tmp_path / "officer.db").write_bytes(b"no database" * 1000)
    with started("watch", empty_room, "--site", SITE, "--out", tmp_path) as watching:
        assert watching.stdout
        for line in watching.stdout:
            if '"database.awaited"' in line:
                watching.send_signal(signal.SIGINT)
                break
        time.sleep(1)
        watching.send_signal(signal.SIGINT)
        _, told = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert "Traceback" not in told
    assert "last problem: reports.unread: the database does not answer: file is not a database" in told
    summary = Summary.model_validate_json((tmp_path / "summary.json").read_bytes())
    assert summary.errors[-1].event == "reports.unread"


def test_a_run_log_that_cannot_be_opened_is_told(empty_room: Path, tmp_path: Path) -> None:
    (tmp_path / "run.log").mkdir()
    told = refused("watch", empty_room, "--site", SITE, "--out", tmp_path, code=1)
    assert f"officer: {tmp_path / 'run.log'}: Is a directory; do: check that it can be" in told


def test_a_folder_that_cannot_be_made_is_told(empty_room: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = refused("watch", empty_room, "--site", SITE, "--out", tmp_path / "file" / "out")
    assert "Not a directory; do: name a folder that can be written" in told


def test_a_recording_without_people_gives_log_lines_and_an_empty_summary(
    empty_room: Path, tmp_path: Path
) -> None:
    video = {"SAVE_VIDEO": "true"}
    done = officer("watch", empty_room, "--site", SITE, "--out", tmp_path, environment=video)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "video").glob("*.mp4"))
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert {"camera.status", "run.finished", "agent.status", "agent.stopped"} <= set(events)
    summary = Summary.model_validate_json((tmp_path / "summary.json").read_bytes())
    assert (summary.ending, summary.violations, summary.refusals, summary.left) == ("done", (), (), ())
    assert [(camera.state, camera.frames) for camera in summary.cameras] == [("ended", 40)]
    quiet = {"LOG_LEVEL": "error"}
    again = officer("watch", empty_room, "--site", SITE, "--out", tmp_path, environment=quiet)
    assert (again.returncode, again.stdout) == (0, "")
    assert "seen before" in again.stderr
    unset = {"SITE_FILE": ""}
    told = officer("reports", "list", "--data", tmp_path, environment=unset).stdout
    assert told.strip() == "No report fits."
    assert officer("reports", "export", "--data", tmp_path, "--format", "json").stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [
        ("officer", "watch", "SOURCE", "--site", str(SITE), "--out", "DATA_DIR"),
        ("services.detection",),
        ("services.agent", "migrate"),
    ],
)
def test_other_users_of_the_machine_read_nothing_of_what_is_made(
    command: tuple[str, ...], empty_room: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    ours = {"SOURCE": str(empty_room), "DATA_DIR": str(made), "SITE_FILE": str(SITE)}
    words = [ours.get(word, word) for word in command]
    subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment_of(ours),
        umask=0o022,
        timeout=110,
        check=True,
    )
    paths = [made, *made.rglob("*")]
    assert len(paths) > 1
    assert [path for path in paths if path.stat().st_mode & stat.S_IRWXO] == []


def test_doctor_ticks_what_works_and_tells_the_remedy_for_the_rest(tmp_path: Path) -> None:
    done = officer("doctor", "--site", SITE, "--out", tmp_path)
    assert done.returncode == 0, done.stdout
    assert "All that a run needs is there." in done.stdout
    wrong = {
        "MODEL_FILE": "nothing.onnx",
        "MAIL_TRANSPORT": "smtp",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "1",
    }
    wrong |= {"MAIL_FROM": "officer@example.org", "SMTP_SECURITY": "none", "SMTP_PASSWORD_FILE": "/nowhere"}
    done = officer("doctor", "--site", tmp_path / "no.yaml", "--out", tmp_path, environment=wrong)
    assert done.returncode == 1
    for words in (
        "nothing.onnx cannot be read",
        "no.yaml: cannot be read",
        "SMTP_PASSWORD_FILE: '/nowhere' cannot be",
    ):
        assert words in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_doctor_tells_a_wrong_setting_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    wrong = {"LLM_MODEL": "gpt-5", "RECORDED_AT": "2026-03-04T09:30:00"}
    told = officer("doctor", "--out", tmp_path / "a" / "b", environment=wrong).stdout
    assert told.count("gpt-5'") == 1
    assert "LLM_MODEL: value 'gpt-5' is not allowed; allowed: provider:model, such as openai:" in told
    assert "allowed: a time with its offset or nothing (when a video file begins, such as" in told
    assert "1 of these need attention" in told
    assert list(tmp_path.iterdir()) == []
    done = officer("doctor", "--out", tmp_path / "a" / "b")
    assert (done.returncode, list(tmp_path.iterdir())) == (0, []), done.stdout


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[hardhat, vest]", "[mask, goggles]", "the rules need goggles"),
        (
            "requires: [hardhat, vest]",
            "requires: [hardhat, vest]\n    confirm: {looks: 90, of: 100, within_s: 2}",
            "could never be found broken",
        ),
    ],
)
def test_doctor_finds_the_rules_that_watch_would_refuse(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in SITE.read_text()
    (tmp_path / "site.yaml").write_text(SITE.read_text().replace(old, new))
    done = officer("doctor", "--site", tmp_path / "site.yaml", "--out", tmp_path)
    assert (done.returncode, told in done.stdout) == (1, True), done.stdout
    assert "1 of these need attention" in done.stdout


def test_doctor_tries_the_mail_server_and_the_cameras(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        SITE.read_text().replace(
            "    zones:", "    source: rtsp://u:${GATE_PASSWORD}@127.0.0.1:1/x\n    zones:"
        )
    )
    wrong = {"MAIL_TRANSPORT": "smtp", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": "1", "SMTP_SECURITY": "none"}
    wrong |= {"MAIL_FROM": "officer@example.org", "GATE_PASSWORD": "hunter2"}
    done = officer("doctor", "--site", site, "--out", tmp_path, environment=wrong)
    assert done.returncode == 1
    assert "mail server 127.0.0.1:1 cannot be used" in done.stdout
    assert "check power, network, address and password" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_model_file_is_shown_or_refused(tmp_path: Path) -> None:
    text = officer("model", "info").stdout
    assert "ppe5" in text
    assert "0 person, 1 hardhat" in text
    (tmp_path / "model.pt").write_bytes(b"x")
    assert "a pickle that runs code" in refused("model", "info", tmp_path / "model.pt")


def test_reports_of_a_folder_without_database_are_refused(tmp_path: Path) -> None:
    told = refused("reports", "list", "--data", tmp_path)
    assert (
        "officer.db: there is no database; do: name the folder that was given to 'officer watch --out'"
        in told
    )


def test_variables_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=loud\n")
    done = officer("doctor", "--out", "out", cwd=tmp_path)
    assert "LOG_LEVEL: value 'loud' is not allowed" in done.stdout


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_of_variables_in_another_encoding_is_told(tmp_path: Path, encoding: str) -> None:
    (tmp_path / ".env").write_bytes("MAIL_FROM=müller@example.org\n".encode(encoding))
    done = officer("reports", "list", "--data", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"officer: {tmp_path / '.env'}: is not UTF-8 text; do: save it as UTF-8\n"


def test_an_early_ctrl_c_leaves_no_traceback(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with started("reports", "list", "--data", "out", cwd=tmp_path) as waiting:
        with (tmp_path / ".env").open("w"):  # opens once it is being read
            waiting.send_signal(signal.SIGINT)
            time.sleep(0.5)
        _, told = waiting.communicate(timeout=30)
    assert (waiting.returncode, told) == (130, "")


def test_an_output_that_takes_nothing_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full, started("site", "schema", stdout=full) as printing:
        _, told = printing.communicate(timeout=30)
    assert printing.returncode == 1
    assert told.startswith("officer: No space left on device; do: check that it can be")
    assert "Traceback" not in told
