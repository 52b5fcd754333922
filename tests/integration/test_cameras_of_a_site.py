"""Which cameras of the site file a detection service watches: all, or those that CAMERA names."""

from math import nan
from pathlib import Path
from threading import Event

import pytest

from services.detection.bootstrap import build_detection
from services.detection.settings import DetectionSettings
from shared.config.settings import read_settings
from shared.errors import ConfigurationError
from tests.clips import moving_box, write_clip
from tests.onnx_models import raw_answer, yolo_model

SITE = """\
version: 1
site: {id: yard, name: Yard}
cameras:
  - {id: gate, name: Gate, source: clip.mp4, zones: [{id: pit, name: Pit}]}
  - {id: hall, name: Hall, source: clip.mp4, zones: [{id: aisle, name: Aisle}]}
  - {id: roof, name: Roof, source: clip.mp4, zones: [{id: edge, name: Edge}]}
rules: [{id: keep-out, kind: restricted-zone, title: Keep out, zones: [pit]}]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "model.onnx").write_bytes(yolo_model(raw_answer([(32, 32, 16, 40, 0.9, 0.0)])))
    write_clip(tmp_path / "clip.mp4", moving_box(), frames=10)
    settings = {
        "DATA_DIR": tmp_path / "data",
        "SITE_FILE": tmp_path / "site.yaml",
        "MODEL_FILE": tmp_path / "model.onnx",
        "BACKEND": "onnxruntime",
        "RECORDED_AT": "2026-03-04T09:30:00+01:00",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


@pytest.mark.parametrize(
    ("named", "watched"),
    [
        ("", ["gate", "hall", "roof"]),
        ("hall", ["hall"]),
        ("gate, roof", ["gate", "roof"]),
    ],
)
def test_watches_the_cameras_that_are_named(
    site: Path, monkeypatch: pytest.MonkeyPatch, named: str, watched: list[str]
) -> None:
    monkeypatch.setenv("CAMERA", named)
    service = build_detection(read_settings(DetectionSettings))
    assert [camera.camera for camera in service.cameras] == watched
    service.spool.close()


def test_no_camera_is_awaited_before_all_are_ready(site: Path) -> None:
    service = build_detection(read_settings(DetectionSettings))
    quiet_s = {heart.name: heart.quiet_s for heart in service.health.hearts}
    assert [quiet_s[f"camera {name}"] for name in ("gate", "hall", "roof")] == [None] * 3
    service.spool.close()


def test_a_camera_whose_model_fails_makes_the_service_not_ready(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "model.onnx").write_bytes(yolo_model(raw_answer([(nan, 32, 16, 40, 0.9, 0.0)])))
    write_clip(site / "clip.mp4", moving_box(), frames=60)
    monkeypatch.setenv("CAMERA", "gate")
    service = build_detection(read_settings(DetectionSettings))
    assert not service.run(Event())
    service._look_round()
    found = service.health.dependency("camera gate").condition
    assert (found.state, found.ready, service.health.ready) == ("ended", False, False)
    assert "none can be looked at: " in found.problem


CLOUD = {
    "STORE": "s3",
    "QUEUE": "sqs",
    "EVIDENCE_BUCKET": "evidence",
    "QUEUE_NAME": "queue",
    "AWS_REGION": "eu-central-1",
}


@pytest.mark.parametrize("wrong", [{}, {"AWS_REGION": "eu central"}, {"AWS_ENDPOINT_URL": "nonsense"}])
def test_without_credentials_a_site_is_watched_but_not_with_wrong_settings(
    site: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    nowhere = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(site / "none"))
    for name, value in {**CLOUD, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", **wrong}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    if wrong:
        with pytest.raises(ConfigurationError, match=r"AWS_REGION|AWS_ENDPOINT_URL"):
            build_detection(read_settings(DetectionSettings))
        return
    stop = Event()
    stop.set()
    service = build_detection(read_settings(DetectionSettings))
    assert service.run(stop)
    found = service.health.dependency("credentials").condition
    assert (found.state, found.ready) == ("down", False)
    assert "there are no AWS credentials; do: " in found.problem
    assert "there are no AWS credentials" in service.courier.status.problem


def test_a_camera_that_the_site_does_not_have_stops_the_start(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERA", "gate,cellar")
    with pytest.raises(ConfigurationError, match=r"CAMERA 'cellar' is not in .*; it has: gate, hall, roof"):
        build_detection(read_settings(DetectionSettings))
