"""A recording is dated by its file until RECORDED_AT tells when it was, also if it was looked at before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from services.detection.bootstrap import DetectionService, build_detection
from services.detection.settings import DetectionSettings
from shared.contracts.violation import Closed, Opened, decode
from shared.local.sqlite_queue import QUEUE_FILE, SqliteQueue
from tests.clips import moving_box, write_clip
from tests.onnx_models import raw_answer, yolo_model

TOLD = datetime(2026, 3, 4, 8, 30, tzinfo=UTC)
SITE = """\
version: 1
site: {id: yard, name: Yard}
cameras: [{id: gate, name: Gate, source: clip.mp4, zones: [{id: pit, name: Pit}]}]
rules: [{id: keep-out, kind: restricted-zone, title: Keep out, zones: [pit]}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "model.onnx").write_bytes(yolo_model(raw_answer([(32, 32, 16, 40, 0.9, 0.0)])))
    write_clip(tmp_path / "clip.mp4", moving_box(), frames=200)
    return tmp_path


def service(folder: Path, recorded_at: datetime | None) -> DetectionService:
    settings = DetectionSettings(
        data_dir=folder / "data",
        site_file=folder / "site.yaml",
        model_file=folder / "model.onnx",
        backend="onnxruntime",
        recorded_at=recorded_at,
    )
    return build_detection(settings)


def run(folder: Path, recorded_at: datetime | None) -> int:
    """How many cameras were watched."""
    built = service(folder, recorded_at)
    assert built.run(Event())
    return len(built.cameras)


def messages(folder: Path) -> list[Opened | Closed]:
    received = SqliteQueue(folder / "data" / QUEUE_FILE).receive(limit=10, visibility_s=60)
    return [decode(message.body).data for message in received]


def test_a_recording_that_was_dated_by_its_file_takes_the_date_that_is_told(folder: Path) -> None:
    assert run(folder, None) == 1
    (folder / "site.yaml").write_text(SITE.replace("keep-out", "stay-out"))
    assert run(folder, TOLD) == 1
    by_rule = {one.rule.id: one for one in messages(folder) if isinstance(one, Opened)}
    assert by_rule["keep-out"].source.clock == "file-time"
    assert by_rule["stay-out"].source.clock == "recorded-at"
    assert TOLD <= by_rule["stay-out"].first_seen <= TOLD + timedelta(seconds=10)


def test_another_date_is_another_run_and_the_same_is_not(folder: Path) -> None:
    assert [run(folder, told) for told in (None, TOLD, TOLD, None)] == [1, 1, 0, 0]


def test_what_was_told_before_the_date_was_mended_ends_on_the_day_on_which_it_began(folder: Path) -> None:
    killed = service(folder, None)
    [camera] = killed.cameras
    for frame in camera.source.frames():
        assert frame is not None
        camera.pipeline.see(frame)
        if camera.pipeline.open_cases:
            break
    camera.source.close()
    killed.spool.close()
    assert run(folder, TOLD) == 1
    opened, closed = messages(folder)
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert closed.first_seen == opened.first_seen < closed.last_seen
