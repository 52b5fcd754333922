"""Measures what the documents state: python -m tests.benchmarks.figures CLIP.mp4 SITE.yaml [--live]

Starts both services as `officer watch` does, one alone on each reading, and prints a table row for each figure. Speeds
are of this machine, now; nothing is asserted here (the ratios that are stand in the tests beside it).
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any

from services.agent.adapters.reportlab_renderer import ReportlabRenderer
from tests.builders_report import jpeg, report
from tests.servers.rtsp import RtspServer, annex_b

LIVE_S = 45.0


@dataclass
class Service:
    """One of the two services, its log lines and what it used."""

    name: str
    environment: dict[str, str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    arrived_s: list[float] = field(default_factory=list)
    memory_mib: float = 0.0
    cpu_s: float = 0.0

    def start(self) -> None:
        self.started_s = time.monotonic()
        command = [sys.executable, "-m", f"services.{self.name}"]
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.reader = Thread(target=self._read)
        self.reader.start()

    def wait(self) -> None:
        _, _, used = os.wait4(self.process.pid, 0)
        self.reader.join()
        self.memory_mib, self.cpu_s = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime

    def first(self, event: str, **fields: Any) -> dict[str, Any] | None:
        return next((line for line in self.lines if _is(line, event, fields)), None)

    def seconds_to(self, event: str, **fields: Any) -> float:
        """From the start of the process to the arrival of the first such line."""
        number = next(n for n, line in enumerate(self.lines) if _is(line, event, fields))
        return self.arrived_s[number] - self.started_s

    def _read(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            self.arrived_s.append(time.monotonic())
            self.lines.append(json.loads(text))


def _is(line: dict[str, Any], event: str, fields: dict[str, Any]) -> bool:
    return line.get("event") == event and all(line.get(key) == value for key, value in fields.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("site", type=Path)
    parser.add_argument("--live", action="store_true", help="play it as an RTSP camera for 45 s instead")
    arguments = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, {_processor()}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory() as folder:
        if arguments.live:
            _live(arguments.clip, arguments.site, Path(folder))
        else:
            _recording(arguments.clip, arguments.site, Path(folder))
    _pdf()


def _recording(clip: Path, site: Path, folder: Path) -> None:
    agent, detection = _services(folder, site, str(clip))
    agent.start()
    detection.start()
    detection.wait()
    _finish(agent)
    done = detection.first("run.finished") or {}
    row("frames a second, whole pipeline", f"{done['frames'] / done['seconds']:.0f}")
    row("looks a second of them", f"{done['processed'] / done['seconds']:.0f}")
    row("processor seconds of detection for a frame", f"{detection.cpu_s / done['frames']:.3f}")
    row("start-up of detection, to the loaded model", f"{detection.seconds_to('model.loaded'):.1f} s")
    row("start-up of the agent", f"{agent.seconds_to('agent.started'):.1f} s")
    row("peak memory of detection", f"{detection.memory_mib:.0f} MiB")
    row("peak memory of the agent", f"{agent.memory_mib:.0f} MiB")


def _live(clip: Path, site: Path, folder: Path) -> None:
    with RtspServer(annex_b([clip], folder / "clip.h264"), _rate(clip)) as camera:
        agent, detection = _services(folder, site, camera.url)
        agent.start()
        detection.start()
        time.sleep(LIVE_S)
        detection.process.terminate()
        detection.wait()
        _finish(agent)
    opened = {
        line["violation_id"]: line for line in detection.lines if line.get("event") == "violation.opened"
    }
    for line in agent.lines:
        if line.get("event") == "mail.sent" and line.get("violation_id") in opened:
            first_seen = _first_seen(folder, line["violation_id"])
            found = datetime.fromisoformat(opened[line["violation_id"]]["at"])
            sent = datetime.fromisoformat(line["at"])
            row("first frame of a violation to its mail", f"{(sent - first_seen).total_seconds():.1f} s")
            row("of which confirmed to mail", f"{(sent - found).total_seconds():.1f} s")


def _services(folder: Path, site: Path, source: str) -> tuple[Service, Service]:
    environment = {"DATA_DIR": str(folder), "SITE_FILE": str(site), "SOURCE": source}
    return Service("agent", environment), Service("detection", environment)


def _finish(agent: Service) -> None:
    """Let the agent do what waits, then stop it."""
    time.sleep(5)
    agent.process.terminate()
    agent.wait()


def _first_seen(folder: Path, violation_id: str) -> datetime:
    [path] = folder.glob(f"events/*/*/*/{violation_id}/opened-*.json")
    return datetime.fromisoformat(json.loads(path.read_bytes())["data"]["first_seen"])


def _rate(clip: Path) -> int:
    import av

    with av.open(str(clip)) as container:
        return round(float(container.streams.video[0].average_rate or 10))


def _pdf() -> None:
    renderer, content, picture = ReportlabRenderer(), report(), jpeg()
    seconds = []
    for _ in range(6):
        began = time.process_time()
        renderer.render(content, picture)
        seconds.append(time.process_time() - began)
    row("one PDF, processor time, median of 5", f"{statistics.median(seconds[1:]) * 1000:.0f} ms")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        "unknown processor",
    )


def row(what: str, value: str) -> None:
    print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
