"""The command `officer` as a user meets it: what it prints, its exit codes, and never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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
    """Run it with none of the variables that this machine may have set."""
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [sys.executable, "-m", "officer", *map(str, words)],
        cwd=cwd,
        env={**clean, "COLUMNS": "200", "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def refused(*words: str | Path, code: int = 2, environment: Mapping[str, str] | None = None) -> str:
    done = officer(*words, environment=environment)
    assert (done.returncode, done.stdout) == (code, ""), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


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


def test_a_folder_that_cannot_be_made_is_told(empty_room: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = refused("watch", empty_room, "--site", SITE, "--out", tmp_path / "file" / "out")
    assert "Not a directory; do: name a folder that can be written" in told


def test_a_recording_without_people_gives_log_lines_and_an_empty_summary(
    empty_room: Path, tmp_path: Path
) -> None:
    done = officer("watch", empty_room, "--site", SITE, "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert {"camera.status", "run.finished", "agent.status", "agent.stopped"} <= set(events)
    summary = Summary.model_validate_json((tmp_path / "summary.json").read_bytes())
    assert (summary.ending, summary.violations, summary.refusals, summary.left) == ("done", (), (), ())
    assert [(camera.state, camera.frames) for camera in summary.cameras] == [("ended", 40)]
    again = officer("watch", empty_room, "--site", SITE, "--out", tmp_path)
    assert again.returncode == 0
    assert "seen before" in again.stderr
    assert officer("reports", "list", "--data", tmp_path).stdout.strip() == "No report fits."
    assert officer("reports", "export", "--data", tmp_path, "--format", "json").stdout.strip() == "[]"


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
