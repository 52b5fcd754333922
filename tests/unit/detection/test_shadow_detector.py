"""Whatever a shadow does, the answers are the model's, at once; where the two differ is counted and kept."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from services.detection.adapters import comparison_folder
from services.detection.adapters.comparison_folder import ComparisonFolder
from services.detection.adapters.jpeg_evidence_renderer import blurred
from services.detection.adapters.prometheus_metrics import DetectionMetrics
from services.detection.adapters.shadow_detector import Shadow, ShadowedDetector
from services.detection.bootstrap import Detectors
from services.detection.domain.comparison import Comparison, Difference
from services.detection.domain.detection import Detection, Label, ModelInfo
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box
from services.detection.domain.privacy import face_regions
from services.detection.settings import DetectionSettings
from shared.errors import ConfigurationError, PermanentError
from shared.observability.health import Health
from tests.fakes.detector import ScriptedDetector, numbered_picture, seen
from tests.unit.detection.camera_run import CAMERA

HAT = seen(Label.HARDHAT, 100, 100, 140, 130)
PERSON = seen(Label.PERSON, 60, 100, 180, 350)
AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


class SetClock:
    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at


class Pair:
    """A model that sees a hat and a person, with *new* in its shadow."""

    def __init__(self, folder: Path, new: Any, share: float = 1.0, chance: Callable[[], float] = lambda: 0.0):
        self.model, self.new = ScriptedDetector({1: [HAT, PERSON]}), new
        self.metrics, self.folder = DetectionMetrics(Health()), folder
        kept = ComparisonFolder(folder, self.model.info, new.info, SetClock())
        self.shadow = Shadow(new, self.model.info, set(Label), share, kept, self.metrics, chance)
        self.detector = ShadowedDetector(self.model, self.shadow, "gate")

    def look(self, model_s: float = 1.0) -> list[Detection]:
        self.shadow.allow(model_s)
        (found,) = self.detector.detect([numbered_picture(1)], 0.05)
        return found

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"officer_shadow_{name}_total", labels) or 0.0

    def looks(self, outcome: str) -> float:
        return self.count("looks", camera="gate", outcome=outcome)

    def lines(self) -> list[dict[str, Any]]:
        found = self.folder.glob("*/looks.jsonl")
        return [json.loads(line) for path in found for line in path.read_text().splitlines()]


class Odd(ScriptedDetector):
    """A detector that does what *does* does."""

    def __init__(self, does: Callable[[], object]) -> None:
        super().__init__({})
        self.does, self.begun = does, 0

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        self.begun += 1
        self.does()
        return super().detect(images, floor)


def wait_for(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


@pytest.fixture
def pairs(tmp_path: Path) -> Iterator[Callable[..., Pair]]:
    made: list[Pair] = []

    def build(new: Any, **options: Any) -> Pair:
        made.append(Pair(tmp_path, new, **options))
        return made[-1]

    yield build
    for pair in made:
        pair.shadow.close()


def test_differences_are_counted_by_camera_label_and_model(pairs: Callable[..., Pair]) -> None:
    vest = seen(Label.VEST, 80, 150, 160, 250, 0.6)
    pair = pairs(ScriptedDetector({1: [PERSON, vest]}))
    assert pair.look() == [HAT, PERSON]
    wait_for(lambda: pair.looks("different"))
    for label, seen_by in (("person", "both"), ("hardhat", "model"), ("vest", "shadow")):
        assert pair.count("boxes", camera="gate", label=label, seen_by=seen_by) == 1
    wait_for(lambda: len(pair.lines()) == 2)
    models, line = pair.lines()
    assert (models["model"]["name"], models["shadow"]["name"]) == ("scripted", "scripted")
    assert (line["camera"], line["agreed"], line["size"]) == ("gate", {"person": 1}, [640, 360])
    assert line["differ"][1] == {
        "by": "shadow",
        "label": "vest",
        "confidence": 0.6,
        "box": [80, 150, 160, 250],
    }


def test_a_look_on_which_both_agree_is_counted_too(pairs: Callable[..., Pair]) -> None:
    pair = pairs(ScriptedDetector({1: [HAT, PERSON]}))
    pair.look()
    wait_for(lambda: pair.looks("same"))
    assert pair.looks("different") == 0


def _refuses() -> None:
    raise PermanentError("model-output-not-finite", "the model gave NaN")


def _breaks() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("does", [_refuses, _breaks])
def test_a_shadow_that_fails_changes_no_answer_and_is_told(
    pairs: Callable[..., Pair], does: Callable[[], None]
) -> None:
    pair = pairs(Odd(does))
    with capture_logs() as logs:
        for failures in range(1, 6):
            assert pair.look() == [HAT, PERSON]
            wait_for(lambda failures=failures: pair.looks("failed") == failures)  # type: ignore[misc]
    told = [line["failures"] for line in logs if line["event"] == "shadow.failed"]
    assert told == [1, 2, 4]


def test_only_a_look_at_the_whole_picture_alone_leaves_an_example(pairs: Callable[..., Pair]) -> None:
    pair = pairs(ScriptedDetector({}))
    pair.shadow.allow(1.0)
    pair.detector.detect([numbered_picture(1), numbered_picture(1, 320, 320)], 0.05)
    wait_for(lambda: len(pair.lines()) == 3)
    assert [line["picture"] for line in pair.lines()[1:]] == [None, None]
    pair.look()
    wait_for(lambda: len(pair.lines()) == 4)
    assert pair.lines()[3]["picture"]


def test_a_shadow_that_answers_for_fewer_pictures_has_failed(pairs: Callable[..., Pair]) -> None:
    new = ScriptedDetector({})
    new.detect = lambda images, floor: []  # type: ignore[method-assign]
    pair = pairs(new)
    assert pair.look() == [HAT, PERSON]
    wait_for(lambda: pair.looks("failed"))


def test_scores_that_are_no_numbers_are_believed_by_nobody(pairs: Callable[..., Pair]) -> None:
    new = ScriptedDetector({})
    new.detect = lambda images, floor: [[Detection(HAT.box, Label.HARDHAT, float("nan"))]]  # type: ignore[method-assign]
    pair = pairs(new)
    assert pair.look() == [HAT, PERSON]
    wait_for(lambda: pair.looks("different"))
    assert pair.count("boxes", camera="gate", label="hardhat", seen_by="shadow") == 0


def test_a_shadow_that_hangs_delays_nothing_and_hoards_nothing(pairs: Callable[..., Pair]) -> None:
    go = Event()
    new = Odd(lambda: go.wait(10))
    pair = pairs(new)
    began_s = time.monotonic()
    for _ in range(200):
        assert pair.look() == [HAT, PERSON]
    assert time.monotonic() - began_s < 2
    assert new.begun <= 1
    go.set()
    wait_for(lambda: pair.looks("different") == 2)  # the one in hand and the one that waited


def test_a_slow_shadow_gets_no_more_than_its_share_of_the_models_time(pairs: Callable[..., Pair]) -> None:
    new = Odd(lambda: time.sleep(0.05))
    pair = pairs(new, share=0.5)
    for _ in range(100):
        pair.look(model_s=0.004)  # 0.4 s in all, so 0.2 s for the shadow, and one look more
        time.sleep(0.004)
    assert 1 <= new.begun <= 5


def test_looks_are_chosen_at_random_by_the_share(pairs: Callable[..., Pair]) -> None:
    chances = iter([0.3, 0.29, 0.9])
    pair = pairs(ScriptedDetector({}), share=0.3, chance=lambda: next(chances))
    for _ in range(3):
        pair.look()
    wait_for(lambda: pair.looks("different") == 1)
    assert next(chances, None) is None


def test_a_model_that_has_not_worked_buys_no_time(pairs: Callable[..., Pair]) -> None:
    new = Odd(lambda: None)
    pair = pairs(new)
    pair.look(model_s=0.0)
    pair.shadow.close()
    assert new.begun == 0


# --- what is kept


def worker_picture() -> BgrImage:
    """Noise, so that what is not blurred can be told."""
    return np.random.default_rng(4).integers(0, 256, (720, 1280, 3), np.uint8)


def kept(folder: Path, clock: SetClock, model: ModelInfo | None = None) -> ComparisonFolder:
    info = ScriptedDetector({}).info
    return ComparisonFolder(folder, model or info, info, clock)


def only(label: Label) -> Comparison:
    return Comparison({}, [Difference("shadow", label, 0.6, Box(900, 300, 950, 340))])


def test_no_picture_is_written_with_a_face(tmp_path: Path) -> None:
    picture, person = worker_picture(), seen(Label.PERSON, 200, 100, 420, 700, 0.06)
    kept(tmp_path, SetClock()).add("gate", picture, ([person], []), only(Label.VEST), 0.1)
    (path,) = tmp_path.glob("*/pictures/*.jpg")
    assert path.name == "2026-03-04-vest-01.jpg"
    written = cv2.imread(str(path))
    assert written is not None
    (face,) = face_regions([person], 1280, 720)
    inside = np.s_[round(face.y1) + 5 : round(face.y2) - 5, round(face.x1) + 5 : round(face.x2) - 5]
    away = np.s_[500:700, 600:800]
    assert written[inside].std() < 0.5 * picture[inside].std() < written[away].std()
    assert np.abs(written[inside].astype(int) - blurred(picture, [face])[inside]).mean() < 8


def test_pictures_are_few_for_each_label_and_day(tmp_path: Path) -> None:
    clock = SetClock()
    folder = kept(tmp_path, clock)
    small = np.zeros((64, 64, 3), np.uint8)
    for _ in range(comparison_folder.PICTURES_A_DAY + 5):
        for _twice in range(2):  # within a minute
            folder.add("gate", small, [], only(Label.VEST), 0.1)
        folder.add("gate", small, [], only(Label.HARDHAT), 0.1)
        clock.at += timedelta(seconds=61)
    names = [path.name for path in tmp_path.glob("*/pictures/*.jpg")]
    for label in ("vest", "hardhat"):
        assert sum(label in name for name in names) == comparison_folder.PICTURES_A_DAY
    kept(tmp_path, clock).add("gate", small, [], only(Label.VEST), 0.1)  # after a restart
    assert len(list(tmp_path.glob("*/pictures/*.jpg"))) == len(names)


def test_old_pictures_go(tmp_path: Path) -> None:
    clock = SetClock()
    folder = kept(tmp_path, clock)
    small = np.zeros((64, 64, 3), np.uint8)
    folder.add("gate", small, [], only(Label.VEST), 0.1)
    clock.at += timedelta(days=comparison_folder.KEPT_DAYS + 1)
    folder.add("gate", small, [], only(Label.VEST), 0.1)
    assert [path.name for path in tmp_path.glob("*/pictures/*.jpg")] == ["2026-03-19-vest-01.jpg"]


def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_folder, "MOST_BYTES", 2000)
    folder = kept(tmp_path, SetClock())
    with capture_logs() as logs:
        for _ in range(50):
            folder.add("gate", np.zeros((64, 64, 3), np.uint8), [], only(Label.VEST), 0.1)
    (path,) = tmp_path.glob("*/looks.jsonl")
    assert path.stat().st_size < 3000
    assert [line["event"] for line in logs] == ["shadow.full"]


def test_where_nothing_can_be_written_the_watch_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    pair = Pair(tmp_path / "file", ScriptedDetector({}))
    assert pair.look() == [HAT, PERSON]
    wait_for(lambda: pair.looks("failed"))
    pair.shadow.close()


# --- as the service builds it

SHIPPED = Path(__file__).parents[3] / "models" / "ppe.onnx"


def settings(folder: Path, **options: Any) -> DetectionSettings:
    return DetectionSettings(
        data_dir=folder, site_file=folder / "site.yaml", backend="onnxruntime", threads=1, **options
    )


def test_the_service_shows_the_new_model_what_its_cameras_see(tmp_path: Path) -> None:
    metrics = DetectionMetrics(Health())
    detectors = Detectors(settings(tmp_path, shadow_model_file=SHIPPED, shadow_share=1.0), metrics)
    detector = detectors.for_camera(CAMERA)

    def compared() -> float | None:
        detector.detect([numbered_picture(1)], 0.05)
        labels = {"camera": CAMERA.id, "outcome": "same"}
        return metrics.registry.get_sample_value("officer_shadow_looks_total", labels)

    wait_for(compared)
    detectors.close()
    assert [path.name for path in tmp_path.glob("state/shadow/*/*")] == ["looks.jsonl"]


def test_a_new_model_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    detectors = Detectors(
        settings(tmp_path, shadow_model_file=tmp_path / "new.onnx"), DetectionMetrics(Health())
    )
    with pytest.raises(ConfigurationError, match=r"new\.onnx"):
        detectors.for_camera(CAMERA)
