"""What a shadow model costs: its share of the model's processor time, measured with a model as its own shadow."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from services.detection.adapters.comparison_folder import ComparisonFolder
from services.detection.adapters.detector_loader import load_detector
from services.detection.adapters.prometheus_metrics import DetectionMetrics
from services.detection.adapters.shadow_detector import Shadow, ShadowedDetector
from services.detection.adapters.shared_detector import SharedDetector
from services.detection.application.ports import Detector
from services.detection.bootstrap import SystemClock
from shared.observability.health import Health
from tests.drawn_worker import draw_worker, drawn_site

SHIPPED = Path(__file__).parents[2] / "models" / "ppe.onnx"
SHARE = 0.25
LOOKS, ROUNDS = 40, 3


def processor_s(detector: Detector) -> float:
    """Of the whole process, for `LOOKS` looks."""
    picture = drawn_site(640, 384)
    draw_worker(picture, 320, 64)
    began_s = time.process_time()
    for _ in range(LOOKS):
        detector.detect([picture], 0.05)
    return time.process_time() - began_s


def test_a_shadow_costs_about_its_share(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    model, new = (load_detector(SHIPPED, "openvino", threads=1, longest=256) for _ in range(2))
    metrics = DetectionMetrics(Health())
    kept = ComparisonFolder(tmp_path, model.info, new.info, SystemClock())
    shadow = Shadow(new, model.info, model.info.labels, SHARE, kept, metrics)
    shadowed = ShadowedDetector(SharedDetector(model, shadow.allow), shadow, "gate")
    ratios = []
    for _ in range(ROUNDS):
        alone = processor_s(model)
        ratios.append(processor_s(shadowed) / alone)
    shadow.close()
    ratio = statistics.median(ratios)
    looks = metrics.registry.get_sample_value(
        "officer_shadow_looks_total", {"camera": "gate", "outcome": "same"}
    )
    record_property("ratio", round(ratio, 2))
    record_property("looks compared", looks)
    assert looks
    assert ratio < 1 + 2 * SHARE  # machines are noisy
