"""A real RTSP camera for tests: Debian's gst-rtsp-server in a process of its own, and clips to show on it."""

import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import av

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's python3-gi belongs to
SCRIPT = Path(__file__).with_name("rtsp_server.py")


class RtspServer:
    """A camera at `url` that shows *clip* in a loop; use it as a context manager.

    Args:
        clip: an Annex-B H.264 file, see `annex_b`. Several clips joined change the resolution mid-stream.
        fps: its frames per second.
        user, password: asked from clients if given; `url` does not hold them.
    """

    def __init__(self, clip: Path, fps: int, user: str = "", password: str = "") -> None:
        self.clip = clip
        self.port = free_port()
        self._fps = fps
        self._login = [user, password] if user else []
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def start(self) -> None:
        """Return once it listens."""
        command = [SYSTEM_PYTHON, str(SCRIPT), str(self.port), str(self.clip), str(self._fps), *self._login]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            self._process.kill()
            _, problem = self._process.communicate()
            raise RuntimeError(
                f"The RTSP server did not start (run tests/servers/install first?):\n{problem}"
            )

    def kill(self) -> None:
        """End it at once, as a power cut does; `start` brings it back on the same port."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def restart(self, clip: Path | None = None) -> None:
        self.kill()
        self.clip = clip or self.clip
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def annex_b(videos: Iterable[Path], target: Path) -> Path:
    """Join the H.264 of *videos* (mp4) into *target* as the byte stream that `RtspServer` shows."""
    with target.open("wb") as out:
        for video in videos:
            with av.open(str(video)) as container:
                stream = container.streams.video[0]
                to_bytes = av.BitStreamFilterContext("h264_mp4toannexb", stream)
                for packet in container.demux(stream):
                    for part in to_bytes.filter(packet if packet.size else None):
                        out.write(bytes(part))
    return target
