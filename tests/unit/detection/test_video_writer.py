"""The annotated video plays in browsers, keeps its times and survives a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import structlog

from services.detection.adapters.video_writer import VideoWriter
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError
from tests.clips import moving_box


def written(path: Path, pictures: list[BgrImage], times: list[float]) -> Path:
    writer = VideoWriter(path)
    for picture, at_s in zip(pictures, times, strict=True):
        writer.add(picture, at_s)
    writer.close()
    return path


def played(path: Path) -> tuple[list[float], list[BgrImage]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [round(frame.time or 0.0, 3) for frame in frames], [
        frame.to_ndarray(format="bgr24") for frame in frames
    ]


def test_it_is_h264_in_yuv420p_with_an_index_for_seeking(tmp_path: Path) -> None:
    scene = moving_box()
    path = written(
        tmp_path / "new" / "a.mp4", [scene(index) for index in range(50)], [i / 10 for i in range(50)]
    )
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.frames == 50
        assert container.duration == pytest.approx(5_000_000, abs=150_000)


def test_pictures_and_their_times_are_kept(tmp_path: Path) -> None:
    scene, times = moving_box(), [0.0, 0.2, 0.25, 3.0, 3.1]
    pictures = [scene(index) for index in range(5)]
    shown_at, shown = played(written(tmp_path / "a.mp4", pictures, times))
    assert shown_at == times
    assert all(np.abs(a.astype(int) - b).mean() < 6 for a, b in zip(pictures, shown, strict=True))


def test_equal_times_are_set_apart_by_the_least(tmp_path: Path) -> None:
    shown_at, _ = played(written(tmp_path / "a.mp4", [moving_box()(0)] * 3, [1.0, 1.0, 1.0]))
    assert np.diff(shown_at) == pytest.approx([0.001, 0.001])


@pytest.mark.parametrize("size", [(321, 240), (320, 241), (321, 241), (1, 1)])
def test_odd_sizes_are_rounded_up(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = np.full((size[1], size[0], 3), 99, np.uint8)
    _, shown = played(written(tmp_path / "a.mp4", [picture] * 3, [0.0, 0.1, 0.2]))
    assert shown[0].shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)


def test_another_resolution_on_the_way_is_scaled(tmp_path: Path) -> None:
    pictures = [moving_box((320, 240))(0), moving_box((640, 480))(0), moving_box((160, 120))(0)]
    _, shown = played(written(tmp_path / "a.mp4", pictures, [0.0, 0.1, 0.2]))
    assert {picture.shape for picture in shown} == {(240, 320, 3)}


WRITE_FOREVER = """
import sys, itertools, time
from pathlib import Path
from services.detection.adapters.video_writer import VideoWriter
from tests.clips import moving_box
writer, scene = VideoWriter(Path(sys.argv[1])), moving_box()
for index in itertools.count():
    writer.add(scene(index), index / 25)
    print(index, flush=True)
    time.sleep(0.002)
"""


def test_a_killed_writer_leaves_a_video_that_plays(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_FOREVER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout is not None
        last = next(int(line) for line in process.stdout if int(line) >= 200)
        os.kill(process.pid, signal.SIGKILL)
    shown_at, _ = played(path)
    assert len(shown_at) >= last - 100
    assert shown_at[0] == 0.0


def test_nothing_written_leaves_no_file(tmp_path: Path) -> None:
    VideoWriter(tmp_path / "a.mp4").close()
    assert list(tmp_path.iterdir()) == []


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4")
    writer.add(moving_box()(0), 0.0)
    writer.close()
    writer.close()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "a.mp4").add(moving_box()(0), 0.0)


def test_a_full_disk_ends_the_video_and_not_the_watch() -> None:
    writer = VideoWriter(Path("/dev/full"))
    with structlog.testing.capture_logs() as logs:
        for index in range(200):
            writer.add(moving_box((640, 480))(index), index / 25)
        writer.close()
    assert [entry["event"] for entry in logs] == ["video.stopped"]
    assert logs[0]["problem"] == "No space left on device"
