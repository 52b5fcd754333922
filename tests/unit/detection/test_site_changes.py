"""A changed site file is taken over while cameras run; a wrong one, or one that could never raise anything, is not."""

import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from services.detection.adapters.prometheus_metrics import DetectionMetrics
from services.detection.application.watch import CameraWatch
from services.detection.bootstrap import Detectors, take_over
from services.detection.settings import SHIPPED_MODEL, DetectionSettings
from shared.config.site import load_site
from shared.config.site_watch import SiteWatch
from shared.contracts.violation import Opened
from shared.errors import ConfigurationError
from shared.observability.health import Health
from tests.fakes.frame_source import ScriptedFrameSource
from tests.onnx_models import metadata, yolo_model
from tests.unit.detection.camera_run import BARE, Run, always

SITE = """
version: 1
site: {id: yard, name: Yard}
cameras:
  - {id: gate, name: Gate, zones: [{id: hall, name: Hall}]}
rules:
  - {id: ppe, kind: ppe, title: "Hard hat", requires: [ITEM]CONFIRM}
"""


def written(folder: Path, item: str = "hardhat", confirm: str = "") -> Path:
    path = folder / "site.yaml"
    before_s = path.stat().st_mtime if path.exists() else 0.0
    path.write_text(SITE.replace("ITEM", item).replace("CONFIRM", confirm))
    os.utime(path, (before_s + 10, before_s + 10))
    return path


def detectors(folder: Path, fps: float = 5.0, model: Path = SHIPPED_MODEL) -> Detectors:
    settings = DetectionSettings(
        data_dir=folder,
        site_file=folder / "site.yaml",
        model_file=model,
        backend="onnxruntime",
        detect_fps=fps,
        threads=1,
    )
    return Detectors(settings, DetectionMetrics(Health()))


class Site:
    """A camera that runs by the file in *folder*; it sees a worker without a hat."""

    def __init__(self, folder: Path) -> None:
        self.run = Run(always(BARE))
        camera = CameraWatch("gate", ScriptedFrameSource([]), self.run.pipeline)
        self.watch = SiteWatch(load_site(written(folder)), partial(take_over, [camera], detectors(folder)))
        self.watch.reload_if_changed()

    def titles(self) -> list[str]:
        self.watch.reload_if_changed()
        self.run.see(0, 60)
        return [message.rule.title for message in self.run.messages if isinstance(message, Opened)]


def test_a_changed_file_is_taken_over(tmp_path: Path) -> None:
    site = Site(tmp_path)
    written(tmp_path, confirm=", severity: high")
    assert site.titles() == ["Hard hat"]


@pytest.mark.parametrize(
    ("item", "confirm", "words"),
    [
        ("hardhut", "", "hardhut"),
        ("gloves", "", "gloves"),  # the model does not know them
        ("hardhat", ", confirm: {looks: 20, of: 20, within_s: 1}", "could never be found broken"),
    ],
)
def test_a_wrong_file_is_told_and_left_alone(tmp_path: Path, item: str, confirm: str, words: str) -> None:
    site = Site(tmp_path)
    written(tmp_path, item, confirm)
    with capture_logs() as logs:
        titles = site.titles()
    assert titles == ["Hard hat and vest"]  # as it was
    [problem] = [line["problem"] for line in logs if line["event"] == "site.rejected"]
    assert words in problem


@pytest.mark.parametrize(
    ("labels", "fps", "allowed"),
    [(["person", "hardhat"], 1.3, 1.5), (["person", "hardhat", "no_hardhat"], 0.4, 0.6)],
)
def test_looking_too_seldom_for_a_rule_is_refused(
    tmp_path: Path, labels: list[str], fps: float, allowed: float
) -> None:
    model = tmp_path / "model.onnx"
    nothing = np.zeros((1, 4 + len(labels), 1))
    model.write_bytes(yolo_model(nothing, metadata(names=str(dict(enumerate(labels))))))
    loaded = load_site(written(tmp_path))
    with pytest.raises(ConfigurationError, match="rule ppe could never be found broken"):
        detectors(tmp_path, fps, model).check(loaded)
    detectors(tmp_path, allowed, model).check(loaded)


@pytest.mark.parametrize(("fps", "refused"), [(0.34, True), (0.45, True), (0.5, True), (0.6, False)])
def test_looking_too_seldom_to_follow_anybody_is_refused_whatever_the_time(
    tmp_path: Path, fps: float, refused: bool
) -> None:
    patient = ", confirm: {looks: 2, of: 3, within_s: 60}"
    loaded = load_site(written(tmp_path, confirm=patient))
    with pytest.raises(ConfigurationError, match=r"needs 0\.55") if refused else nullcontext():
        detectors(tmp_path, fps).check(loaded)
