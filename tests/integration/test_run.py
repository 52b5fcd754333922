"""A run over scripted services: what it shows, when it drains, restarts, gives up and stops."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from officer.running.run import Ending, Run
from officer.running.run_state import RunState
from officer.running.service_process import Line, Patience, parse
from officer.running.views import PlainView

ROOT = Path(__file__).parents[2]
SAY = """
import json, signal, sys, time
def say(event, **fields):
    print(json.dumps({"event": event, "level": "info", **fields}), flush=True)
"""
WATCH_A_CLIP = (
    SAY
    + """
say("camera.status", camera="gate", state="up", offered=5, processed=3, frame_index=4, total_frames=10)
say("violation.opened", violation_id="a1", camera="gate", rule="ppe", findings=["no_vest"], confidence=0.8)
say("violation.closed", violation_id="a1", camera="gate", reason="ended")
print("[h264 @ 0x1] a library's own words", flush=True)
say("run.finished", camera="gate", frames=10, processed=6, seconds=2.0)
"""
)
WATCH_LIVE = (
    SAY
    + """
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
say("camera.status", camera="gate", state="up", offered=5, processed=3)
while not stop:
    time.sleep(0.05)
say("run.stopped", camera="gate", frames=50, processed=30, seconds=9.0)
"""
)
AGENT = (
    SAY
    + """
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
busy, later = BUSY, LATER
while not stop:
    say("agent.status", waiting=busy, in_hand=0, mails_due=0, mails_later=later, mails_held=0)
    if busy:
        busy -= 1
        say("report.stored", violation_id="a1", pdf="reports/a1.pdf")
        say("mail.sent", violation_id="a1", recipient="a@example.org")
    time.sleep(0.1)
say("agent.stopped")
"""
)


def an_agent(busy: int = 0, later: int = 0) -> str:
    return AGENT.replace("BUSY", str(busy)).replace("LATER", str(later))


def a_run(folder: Path, detection: str, agent: str = "") -> Run:
    def command(program: str) -> list[str]:
        return [sys.executable, "-c", program]

    commands = {"detection": command(detection), "agent": command(agent or an_agent(busy=1))}
    return Run(folder, {}, PlainView(), RunState(), commands=commands)


def logged(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "run.log").read_text().splitlines()]


def when(happened: Callable[[], bool], then: Callable[[], object]) -> threading.Thread:
    """Do *then* from another thread once *happened*."""

    def wait() -> None:
        until_s = time.monotonic() + 30
        while not happened() and time.monotonic() < until_s:
            time.sleep(0.02)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_recording_is_seen_to_its_end_and_everything_delivered(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_A_CLIP)
    assert run.run() is Ending.DONE
    violation, camera = run.state.violations["a1"], run.state.cameras["gate"]
    assert (violation.state, violation.report, violation.mails) == ("ended", "reports/a1.pdf", 1)
    assert (camera.offered, camera.processed, camera.state) == (10, 6, "ended")
    assert (run.left, run.refusal) == ([], "")
    lines = logged(tmp_path)
    assert {"service": "detection", "event": "output", "text": "[h264 @ 0x1] a library's own words"} in lines
    assert lines[-1]["event"] == "agent.stopped", "the agent ends last, in good order"


def test_each_service_has_a_health_port_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTH_PORT", "9100")
    tell = 'import os; say("port", number=os.environ["HEALTH_PORT"])\n'
    a_run(tmp_path, WATCH_A_CLIP + tell, an_agent().replace("stop = []", f"{tell}stop = []")).run()
    ports = {line["service"]: line["number"] for line in logged(tmp_path) if line["event"] == "port"}
    assert ports == {"detection": "9100", "agent": "9101"}


@pytest.mark.parametrize(("asked", "given"), [("", "info"), ("debug", "debug"), ("error", "info")])
def test_the_services_tell_what_the_run_lives_on_whatever_is_to_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, given: str
) -> None:
    monkeypatch.setenv("LOG_LEVEL", asked)
    tell = 'import os; say("level", name=os.environ["LOG_LEVEL"])\n'
    a_run(tmp_path, WATCH_A_CLIP + tell).run()
    assert [line["name"] for line in logged(tmp_path) if line["event"] == "level"] == [given]


def test_the_agent_gets_the_time_it_needs(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_A_CLIP, an_agent(busy=15))
    assert run.run() is Ending.DONE
    assert run.state.reports == 15


def test_what_cannot_be_delivered_now_is_told(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_A_CLIP, an_agent(later=3))
    assert run.run() is Ending.LEFT_UNDONE
    assert run.left == ["3 mails waiting for their next try"]


def test_what_the_agent_sends_in_its_last_second_is_not_left(tmp_path: Path) -> None:
    sends_a_digest = 'say("agent.stopped", waiting=0, in_hand=0, mails_due=0, mails_later=0, mails_held=0)'
    agent = an_agent().replace("mails_held=0", "mails_held=3").replace('say("agent.stopped")', sends_a_digest)
    run = a_run(tmp_path, WATCH_A_CLIP, agent)
    assert run.run() is Ending.DONE
    assert run.left == []


def test_an_agent_that_cannot_count_at_its_end_leaves_what_it_counted_last(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_A_CLIP, an_agent().replace("mails_held=0", "mails_held=3"))
    assert run.run() is Ending.LEFT_UNDONE
    assert run.left == ["3 mails held back for a digest"]


def test_ctrl_c_stops_watching_and_drains(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_LIVE)
    thread = when(lambda: bool(run.state.cameras), interrupt)
    assert run.run() is Ending.DONE
    thread.join()
    assert run.interrupted
    assert run.state.cameras["gate"].state == "stopped"
    assert [line["event"] for line in logged(tmp_path)][-1] == "agent.stopped"


def test_a_recording_that_ctrl_c_cuts_short_is_not_done(tmp_path: Path) -> None:
    recording = WATCH_LIVE.replace("processed=3", "processed=3, frame_index=33, total_frames=100")
    run = a_run(tmp_path, recording)
    thread = when(lambda: bool(run.state.cameras), interrupt)
    assert run.run() is Ending.LEFT_UNDONE
    thread.join()
    assert run.unseen == ["gate: the recording was seen to 34%; the next run begins it again"]


def test_a_live_camera_that_is_stopped_is_done_whatever_goes_on_before_it(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_LIVE.replace("processed=3", "processed=3, open=1"))
    thread = when(lambda: bool(run.state.cameras), interrupt)
    assert run.run() is Ending.DONE
    thread.join()
    assert run.unseen == ["gate: violations still open: 1"]


def test_a_camera_that_never_gave_a_picture_is_not_done(tmp_path: Path) -> None:
    refused = WATCH_LIVE.replace("offered=5", 'offered=0, problem="rtsp://h/1: the connection was refused"')
    run = a_run(tmp_path, refused.replace("frames=50", "frames=0"))
    thread = when(lambda: bool(run.state.cameras), interrupt)
    assert run.run() is Ending.LEFT_UNDONE
    thread.join()
    assert run.unseen == ["gate: never seen: rtsp://h/1: the connection was refused"]


def test_a_violation_that_could_not_be_delivered_is_not_done(tmp_path: Path) -> None:
    stopped = 'say("courier.stopped", left=1, delivered=0, problem="disk full")\nsys.exit(1)'
    run = a_run(tmp_path, WATCH_A_CLIP + stopped)
    assert run.run() is Ending.LEFT_UNDONE
    assert run.left == ["1 messages about violations not delivered yet: disk full"]


@pytest.mark.parametrize(("view", "stream"), [("JsonLinesView", "stdout"), ("PlainView", "stderr")])
def test_a_reader_that_has_gone_does_not_blind_the_run(tmp_path: Path, view: str, stream: str) -> None:
    """Such as `officer watch ... | head`."""
    program = (
        f"import sys\nfrom pathlib import Path\nfrom officer.running.views import {view}\n"
        "from tests.integration.test_run import WATCH_A_CLIP, a_run\n"
        f"run = a_run(Path({str(tmp_path)!r}), WATCH_A_CLIP)\n"
        f"run.view = {view}()\n"
        "sys.exit(run.run())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, **{stream: subprocess.PIPE})
    getattr(process, stream).close()
    try:
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert logged(tmp_path)[-1]["event"] == "agent.stopped"


def test_a_log_on_a_full_disk_is_told_once_and_the_run_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.log").symlink_to("/dev/full")
    run = a_run(tmp_path, WATCH_A_CLIP)
    assert run.run() is Ending.DONE
    assert [trouble.event for trouble in run.state.troubles] == ["run-log.failed"]
    told = capfd.readouterr().err
    assert told.count("run.log cannot be written") == 1
    assert "No space left on device" in told
    assert "Traceback" not in told


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    deaf = (
        SAY
        + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsay('camera.status', camera='gate')\ntime.sleep(60)"
    )
    run = a_run(tmp_path, deaf)
    first = when(lambda: bool(run.state.cameras), interrupt)
    second = when(lambda: run.interrupts == 1, interrupt)
    began_s = time.monotonic()
    assert run.run() is Ending.HARD_STOP
    first.join()
    second.join()
    assert time.monotonic() - began_s < 20


def test_a_service_that_dies_is_started_again(tmp_path: Path) -> None:
    mark = tmp_path / "died"
    dies_once = (
        f"import os, pathlib\nm = pathlib.Path({str(mark)!r})\nif not m.exists(): m.touch(); os.abort()\n"
    )
    run = a_run(tmp_path, dies_once + WATCH_A_CLIP)
    assert run.run() is Ending.DONE
    restarts = [line for line in logged(tmp_path) if line["event"] == "service.restarted"]
    assert [line["service"] for line in restarts] == ["detection"]
    assert "ended by SIGABRT" in str(restarts[0]["problem"])


def test_frames_that_failed_are_not_tried_again_but_told(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_A_CLIP + "sys.exit(1)")
    assert run.run() is Ending.LEFT_UNDONE
    assert "service.restarted" not in [line["event"] for line in logged(tmp_path)]


def test_a_wrong_setup_is_told_once_and_not_tried_again(tmp_path: Path) -> None:
    refuses = SAY + "say('service.refused', problem='model.onnx: cannot be read')\nsys.exit(2)"
    run = a_run(tmp_path, refuses)
    assert run.run() is Ending.WRONG_SETUP
    assert run.refusal == "model.onnx: cannot be read"
    run = a_run(tmp_path, WATCH_LIVE, refuses)
    assert run.run() is Ending.WRONG_SETUP


def test_a_quarantined_violation_is_not_done(tmp_path: Path) -> None:
    told = "say('message.quarantined', level='error', violation_id='a1', code='evidence-missing', reason='gone')\n"
    agent = an_agent().replace("while not stop", f"{told}while not stop")
    run = a_run(tmp_path, WATCH_A_CLIP, agent)
    assert run.run() is Ending.LEFT_UNDONE
    assert [trouble.text for trouble in run.state.troubles] == ["evidence-missing: gone"]


def test_a_dead_agent_is_told_with_its_last_words(tmp_path: Path) -> None:
    run = a_run(tmp_path, WATCH_LIVE, "raise SystemExit('no more')")
    run.patience = Patience(restarts=2, first_pause_s=0.1)
    assert run.run() is Ending.LEFT_UNDONE
    assert run.refusal.startswith("the agent service ended with exit code 1 again and again; its last words:")
    assert "no more" in run.refusal
    assert run.state.cameras["gate"].state == "stopped", "detection ends in good order all the same"


def test_services_end_with_the_command_that_started_them(tmp_path: Path) -> None:
    """Even where it is killed and can say nothing."""
    says_its_pid = "import os, json\nprint(json.dumps({'event': 'pid', 'pid': os.getpid()}), flush=True)\n"
    program = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\n"
        "from tests.integration.test_run import WATCH_LIVE, a_run\n"
        f"a_run(Path({str(tmp_path)!r}), {says_its_pid!r} + WATCH_LIVE).run()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    pids: list[int] = []

    def read() -> bool:
        if (tmp_path / "run.log").exists():
            pids.extend(int(str(line["pid"])) for line in logged(tmp_path) if line["event"] == "pid")
        return bool(pids)

    when(read, parent.kill).join()
    parent.wait(10)
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s and alive(pids[0]):
        time.sleep(0.05)
    assert not alive(pids[0])


def alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_line_that_is_no_json_is_kept_as_words() -> None:
    assert parse("agent", "Traceback") == Line("agent", {"event": "output", "text": "Traceback"})
    assert parse("agent", "[1]").event == "output"
