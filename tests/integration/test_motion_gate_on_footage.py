"""On a real recording the gate spares the detector most of the empty scene and misses nobody's coming."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.detection.adapters.detector_loader import load_detector
from services.detection.adapters.file_frame_source import FileFrameSource
from services.detection.adapters.motion_gate import LONGEST_GAP_S, GreyMotionGate

MODEL = Path(__file__).parents[2] / "models" / "ppe.onnx"
RATE = 5.0
TRACK_KEPT_S = 1.5  # the scene counts as busy for so long after something was seen
WATCHED_S = 32.0


@pytest.mark.footage
def test_everyone_is_looked_at_in_time_and_the_empty_scene_rarely() -> None:
    video = Path(os.environ["OFFICER_FOOTAGE"]) / "one-by-one-person-detection.mp4"
    detector = load_detector(MODEL, threads=1)
    source = FileFrameSource(video, "gate", datetime(2026, 3, 4, 9, 30, tzinfo=UTC), rate=RATE)
    gate = GreyMotionGate(RATE)
    there_since = None
    gone_s = seen_s = -100.0
    delays: list[float] = []
    idle: list[bool] = []
    for frame in source.frames():
        if frame.offset_s > WATCHED_S:
            break
        busy = frame.offset_s - seen_s < TRACK_KEPT_S
        looks = gate.wants(frame, busy)
        someone = bool(detector.detect([frame.image], 0.4)[0])
        if someone:
            there_since = frame.offset_s if frame.offset_s - gone_s > TRACK_KEPT_S else there_since
            gone_s = frame.offset_s
        if looks and someone:
            delays += [frame.offset_s - there_since] if there_since is not None and not busy else []
            seen_s = frame.offset_s
        if not busy and not someone:
            idle.append(looks)
    source.close()
    assert len(delays) >= 2
    assert max(delays) <= LONGEST_GAP_S
    assert sum(idle) <= 0.35 * len(idle)
