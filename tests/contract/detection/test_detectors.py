"""One contract for every detector: the shipped model on both runtimes, and the fake that stands in for it."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.detection.adapters.comparison_folder import ComparisonFolder
from services.detection.adapters.detector_loader import load_detector
from services.detection.adapters.joined_detector import JoinedDetector
from services.detection.adapters.prometheus_metrics import DetectionMetrics
from services.detection.adapters.shadow_detector import Shadow, ShadowedDetector
from services.detection.application.ports import Detector
from services.detection.bootstrap import SystemClock
from services.detection.domain.detection import Detection, Label
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box
from shared.observability.health import Health
from tests.fakes.detector import ScriptedDetector, numbered_picture, seen

SHIPPED = Path(__file__).parents[3] / "models" / "ppe.onnx"
RUNTIMES = ("openvino", "onnxruntime")
FLOOR = 0.05


def worker_picture(width: int = 640, height: int = 384) -> tuple[BgrImage, Box]:
    """The demo's equipped worker, and where its truth says he is. It carries number 0 for the scripted detector."""
    demo = Path(__file__).parents[3] / "examples" / "demo"
    read, frame = cv2.VideoCapture(str(demo / "yard.mp4")).read()
    assert read
    left, top = 76, 251
    picture = np.asarray(cv2.resize(frame[top : top + 384, left : left + 640], (width, height)), np.uint8)
    picture[0, 0] = 0
    person = json.loads((demo / "truth.json").read_text())["frames"][0]["people"]["compliant"]["person"]
    x, y = width / 640, height / 384
    x1, y1, x2, y2 = person
    return picture, Box((x1 - left) * x, (y1 - top) * y, (x2 - left) * x, (y2 - top) * y)


def scripted() -> Detector:
    _, person = worker_picture()
    hat, vest = person.band(-0.1, 0.15), person.band(0.15, 0.6)
    return ScriptedDetector(
        {
            0: [
                Detection(vest, Label.VEST, 0.7),
                Detection(person, Label.PERSON, 0.8),
                Detection(hat, Label.HARDHAT, 0.3),
                seen(Label.CONE, 600, 300, 900, 500, 0.06),
                seen(Label.CONE, 700, 300, 900, 500, 0.5),
            ]
        }
    )


def joined() -> Detector:
    """The shipped model behind one that knows cones alone."""
    script = {0: [seen(Label.CONE, 10, 300, 40, 350, 0.4)]}
    cones = ScriptedDetector(script, frozenset({Label.CONE}))
    return JoinedDetector([cones, load_detector(SHIPPED, "onnxruntime", threads=1)])


@pytest.fixture(scope="module")
def shadowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Detector]:
    """The scripted model with the shipped one in its shadow, which is shown what it has time for."""
    model, new = scripted(), load_detector(SHIPPED, "onnxruntime", threads=1)
    kept = ComparisonFolder(tmp_path_factory.mktemp("shadow"), model.info, new.info, SystemClock())
    shadow = Shadow(new, model.info, set(Label), 1.0, kept, DetectionMetrics(Health()))
    shadow.allow(1.0)
    yield ShadowedDetector(model, shadow, "gate")
    shadow.close()


@pytest.fixture(params=[*RUNTIMES, "scripted", "joined", "shadowed"], scope="module")
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param == "shadowed":
        shadowed: Detector = request.getfixturevalue("shadowed")
        return shadowed
    ours = {"scripted": scripted, "joined": joined}
    return (
        ours[request.param]() if request.param in ours else load_detector(SHIPPED, request.param, threads=1)
    )


def test_it_says_what_it_is_and_what_it_can_report(detector: Detector) -> None:
    info = detector.info
    assert len(info.sha256) == 64
    assert info.name
    assert {Label.PERSON, Label.HARDHAT, Label.NO_HARDHAT, Label.VEST} <= info.labels
    assert set(info.thresholds) <= info.labels


def test_it_finds_the_worker_with_hat_and_vest_where_he_stands(detector: Detector) -> None:
    picture, person = worker_picture()
    (found,) = detector.detect([picture], 0.3)
    best = {
        label: next(d for d in found if d.label is label)
        for label in (Label.PERSON, Label.HARDHAT, Label.VEST)
    }
    assert best[Label.PERSON].box.iou(person) > 0.7
    assert best[Label.HARDHAT].box.covered_by(person.band(-0.1, 0.25)) > 0.8
    assert best[Label.VEST].box.covered_by(person.band(0.1, 0.7)) > 0.8


def test_answers_come_sorted_above_the_floor_and_inside_the_picture(detector: Detector) -> None:
    picture, _ = worker_picture()
    height, width = picture.shape[:2]
    (found,) = detector.detect([picture], FLOOR)
    scores = [detection.confidence for detection in found]
    assert len(scores) >= 3
    assert scores == sorted(scores, reverse=True)
    assert all(FLOOR <= score <= 1 for score in scores)
    for detection in found:
        assert detection.box.area > 0
        assert detection.box == detection.box.clipped(width, height)
        assert detection.label in detector.info.labels


def test_a_higher_floor_only_takes_the_weaker_answers_away(detector: Detector) -> None:
    picture, _ = worker_picture()
    (everything,) = detector.detect([picture], FLOOR)
    (sure,) = detector.detect([picture], 0.5)
    assert sure == [detection for detection in everything if detection.confidence >= 0.5]
    assert len(sure) < len(everything)


def test_several_pictures_get_one_list_each_in_their_order(detector: Detector) -> None:
    worker, _ = worker_picture()
    empty = numbered_picture(5, 320, 320)
    alone = [detector.detect([picture], FLOOR)[0] for picture in (worker, empty)]
    assert detector.detect([worker, empty, worker], FLOOR) == [alone[0], alone[1], alone[0]]
    assert detector.detect([], FLOOR) == []


def test_the_picture_is_left_as_it_was(detector: Detector) -> None:
    picture, _ = worker_picture()
    before = picture.copy()
    detector.detect([picture], FLOOR)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 400), (2000, 3), (33, 31)])
def test_odd_pictures_are_no_error(detector: Detector, width: int, height: int) -> None:
    picture = numbered_picture(7, width, height)
    (found,) = detector.detect([picture], FLOOR)
    assert all(detection.box == detection.box.clipped(width, height) for detection in found)


def test_a_picture_that_is_a_view_into_another_is_read_right(detector: Detector) -> None:
    picture, _ = worker_picture()
    wide = np.zeros((384, 1280, 3), np.uint8)
    wide[:, :640] = picture
    view = wide[:, :640]
    assert not view.flags.c_contiguous
    assert detector.detect([view], FLOOR) == detector.detect([picture], FLOOR)


def on_both(picture: BgrImage, load: Callable[[str], Detector]) -> tuple[list[Detection], list[Detection]]:
    first, second = (load(runtime).detect([picture], FLOOR)[0] for runtime in RUNTIMES)
    return first, second


def assert_alike(first: list[Detection], second: list[Detection]) -> None:
    """The same boxes within a pixel and the same scores within 0.01; near the floor one may have one more."""
    for some, others in ((first, second), (second, first)):
        for detection in (d for d in some if d.confidence > FLOOR + 0.01):
            twin = max(
                (d for d in others if d.label is detection.label), key=lambda d: d.box.iou(detection.box)
            )
            assert abs(twin.confidence - detection.confidence) < 0.01
            assert all(
                abs(a - b) < 1
                for a, b in zip(
                    (twin.box.x1, twin.box.y1, twin.box.x2, twin.box.y2),
                    (detection.box.x1, detection.box.y1, detection.box.x2, detection.box.y2),
                    strict=True,
                )
            )


@pytest.fixture(scope="module")
def runtimes() -> dict[str, Detector]:
    return {runtime: load_detector(SHIPPED, runtime, threads=1) for runtime in RUNTIMES}


@pytest.mark.parametrize(("width", "height"), [(640, 384), (384, 640), (500, 500), (1280, 720)])
def test_both_runtimes_agree_at_every_aspect(runtimes: dict[str, Detector], width: int, height: int) -> None:
    picture, _ = worker_picture(width, height)
    first, second = on_both(picture, runtimes.__getitem__)
    assert first
    assert_alike(first, second)


@pytest.mark.footage
@pytest.mark.parametrize("clip", ["one-by-one-person-detection.mp4", "worker-zone-detection.mp4"])
def test_both_runtimes_agree_on_real_frames(runtimes: dict[str, Detector], clip: str) -> None:
    capture = cv2.VideoCapture(str(Path(os.environ["OFFICER_FOOTAGE"]) / clip))
    people = 0
    for index in range(0, 120, 15):
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        read, frame = capture.read()
        assert read
        first, second = on_both(np.asarray(frame, np.uint8), runtimes.__getitem__)
        assert_alike(first, second)
        people += sum(detection.label is Label.PERSON and detection.confidence > 0.5 for detection in first)
    assert people > 0
