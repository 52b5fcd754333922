"""Far people of a real picture, with the shipped model: too small in the whole frame, found when looking closer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.detection.adapters.detector_loader import load_detector
from services.detection.adapters.jpeg_evidence_renderer import JpegEvidenceRenderer
from services.detection.application.camera_state import CameraState
from services.detection.application.messages import Setting
from services.detection.application.pipeline import CameraPipeline, Tools
from services.detection.application.ports import Detector, SourceIdentity
from services.detection.domain.frame import BgrImage, Frame
from services.detection.domain.scene import Look
from shared.config.site import Camera, PpeRule, Site, SiteFacts, Zone
from shared.vocabulary import Item
from tests.fakes.memory_spool import MemorySpool
from tests.unit.detection.camera_run import AlwaysOpenGate, MemoryStates

ROOT = Path(__file__).parents[2]
BEGIN = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
ALL = Zone(id="yard", name="Yard")
FAR = Zone(id="far", name="Far end", polygon=((0.42, 0.47), (0.58, 0.47), (0.58, 0.55), (0.42, 0.55)))


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(ROOT / "models" / "ppe.onnx", threads=1)


def far_frames(count: int) -> Iterator[BgrImage]:
    """The demo's clip, 307 pixels wide, in the middle of pictures of 1920 x 1080: people are 70 to 90 pixels tall."""
    clip = cv2.VideoCapture(str(ROOT / "examples" / "demo" / "yard.mp4"))
    for _ in range(count):
        read, image = clip.read()
        assert read
        small = cv2.resize(image, (307, 173), interpolation=cv2.INTER_AREA)
        frame = np.full((1080, 1920, 3), (90, 110, 100), np.uint8)
        frame[432:605, 806:1113] = small
        yield frame


def last_look(detector: Detector, far: Zone) -> Look:
    camera = Camera(id="gate", name="Gate", zones=(ALL, far))
    rule = PpeRule(id="hat", kind="ppe", title="Hard hat", requires=(Item.HARDHAT,))
    site = Site(version=1, site=SiteFacts(id="yard", name="Yard"), cameras=(camera,), rules=(rule,))
    source = SourceIdentity("live", "session-1", "rtsp://camera/1", "camera-host", None)
    tools = Tools(AlwaysOpenGate(), detector, JpegEvidenceRenderer(), MemorySpool(), MemoryStates())
    setting = Setting(site, camera, source, detector.info)
    pipeline = CameraPipeline(setting, tools, CameraState(session="session-1"), "gate", explain=False)
    look = None
    for number, image in enumerate(far_frames(4)):
        at_s = number * 0.2
        look = pipeline.see(Frame("gate", number, BEGIN + timedelta(seconds=at_s), at_s, image))
    assert look
    return look


def test_far_people_are_found_where_the_site_file_says_to_look_closer(detector: Detector) -> None:
    assert last_look(detector, FAR).scene.people == []
    look = last_look(detector, FAR.model_copy(update={"look_closer": True}))
    assert len(look.scene.people) >= 2
    for person in look.scene.people:
        assert 806 <= person.box.centre[0] <= 1113
        assert 432 <= person.box.centre[1] <= 605
        assert 60 <= person.box.height <= 110
    assert (
        look.scene.view.scale_of(look.scene.people[0].box) == 1.0
    )  # magnified a little; the frame has no more
