"""Measure how a detector's scores hang together in time, for the emulator.

    python -m tools.simulator.correlation models/ppe.onnx --rates models/ppe.validation.json \
        --clip examples/demo --worn VIDEO --bare VIDEO --out tools/simulator/habits.json

`--clip` is a folder with truth; of `--worn` and `--bare` it is known that everybody wears, or nobody wears, hat and
vest. The model sees all of them in the input size of the rates. Each score is turned into the luck that would give it
by the model's rates (whose variance over all pictures is 1 by construction). What varies within one person's scores is
drift; what is left of the 1 is the person's own share.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from services.detection.adapters.detector_loader import load_detector
from services.detection.adapters.frame_sources import open_source
from services.detection.adapters.media_time import Pace
from services.detection.application.ports import Detector
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box
from services.detection.domain.people import people
from services.detection.domain.tracking import Tracker
from tools.simulator.rates import Rates, read_rates

LOOKS_A_SECOND = 5.0
FLOOR = 0.03
LEAST_LOOKS = 15  # of a person, to be counted
LEAST_FOUND = 0.5  # share of looks with a box
LEAST_HEIGHT_PX = 60.0


@dataclass(frozen=True, slots=True)
class Score:
    """One look at one person: the luck of one label, when, and whether there was a box."""

    at_s: float
    luck: float
    found: bool


Series = Mapping[tuple[str, Label], list[Score]]  # by person and label


def main() -> None:
    options = _options()
    rates = read_rates(options.rates)
    series: dict[tuple[str, Label], list[Score]] = {}
    edges: dict[str, list[tuple[float, list[float]]]] = {}
    detector = load_detector(options.model, longest=rates.longest_px)
    for folder in options.clip:
        _with_truth(folder, detector, rates, series, edges)
    for worn, paths in ((True, options.worn), (False, options.bare)):
        for path in paths:
            _by_tracks(path, worn, detector, rates, series)
    told = {**_habits(series), **_jitter(list(edges.values()))}
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how a detector's scores hang together in time.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--rates", type=Path, required=True)
    parser.add_argument("--clip", type=Path, action="append", default=[])
    parser.add_argument("--worn", type=Path, action="append", default=[])
    parser.add_argument("--bare", type=Path, action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def _looks(video: Path, detector: Detector) -> Iterator[tuple[float, float, list[Detection]]]:
    """Time, pixels of the network's input for one of the frame, and detections of each look."""
    pace = Pace(LOOKS_A_SECOND)
    for frame in open_source(str(video.resolve()), "camera", Path(), None, None, LOOKS_A_SECOND).frames():
        if frame is not None and pace.wants(frame.offset_s):
            yield (
                frame.offset_s,
                detector.info.input_px[0] / max(frame.size),
                detector.detect([frame.image], FLOOR)[0],
            )


def _with_truth(
    folder: Path,
    detector: Detector,
    rates: Rates,
    series: dict[tuple[str, Label], list[Score]],
    edges: dict[str, list[tuple[float, list[float]]]],
) -> None:
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    for at_s, scale, detections in _looks(folder / truth["video"], detector):
        frame = truth["frames"][round(at_s * truth["frames_per_second"])]["people"]
        for name, seen in frame.items():
            if seen["visible"] < 0.9 or "head" not in seen:
                continue
            person = Box(*seen["person"])
            key = f"{folder.name}/{name}"
            _note(key, person, scale, at_s, detections, ("hardhat" in seen, "vest" in seen), rates, series)
            match = max((d.box for d in detections if d.label is Label.PERSON), key=person.iou, default=None)
            if match and person.iou(match) > 0.5:
                off = np.subtract([match.x1, match.y1, match.x2, match.y2], seen["person"]) / person.height
                edges.setdefault(key, []).append((at_s, off.tolist()))


def _by_tracks(
    video: Path, worn: bool, detector: Detector, rates: Rates, series: dict[tuple[str, Label], list[Score]]
) -> None:
    tracker = Tracker()
    for at_s, scale, detections in _looks(video, detector):
        width = height = 1e6
        for track in tracker.update(people(detections, detector.info.labels, int(width), int(height)), at_s):
            if track.confidence >= 0.5 and track.box.height > 1.5 * track.box.width:
                key = f"{video.name}/{track.id}"
                _note(key, track.box, scale, at_s, detections, (worn, worn), rates, series)


def _note(
    key: str,
    person: Box,
    scale: float,
    at_s: float,
    detections: Sequence[Detection],
    wears: tuple[bool, bool],
    rates: Rates,
    series: dict[tuple[str, Label], list[Score]],
) -> None:
    """Add the luck of each label at one look at *person*; *wears* hat, vest."""
    height = person.height * scale
    if height < LEAST_HEIGHT_PX:
        return
    head, trunk = person.band(-0.03, 0.18), person.band(0.1, 0.6)
    hat, vest = (Label.HARDHAT if wears[0] else Label.NO_HARDHAT), (Label.VEST if wears[1] else Label.NO_VEST)
    for label, there, band in (
        (Label.PERSON, Label.PERSON, person),
        (Label.HARDHAT, hat, head),
        (Label.NO_HARDHAT, hat, head),
        (Label.VEST, vest, trunk),
        (Label.NO_VEST, vest, trunk),
    ):
        if label not in rates.labels:
            continue
        score = max(
            (d.confidence for d in detections if d.label is label and band.contains(d.box.centre)),
            default=0.0,
        )
        luck = rates.luck(label, there, height, score)
        series.setdefault((key, label), []).append(Score(at_s, luck, score >= rates.limits[0]))


def _habits(series: Series) -> dict[str, Any]:
    own: dict[str, float] = {}
    told: dict[str, int] = {}
    used: list[list[tuple[float, list[float]]]] = []
    for label in dict.fromkeys(label for _, label in series):
        telling = [scores for (_, one), scores in series.items() if one is label and _telling(scores)]
        if not telling:
            raise SystemExit(f"nobody was seen long enough with {label}: give more clips")
        within = float(np.mean([np.var([score.luck for score in scores]) for scores in telling]))
        own[str(label)], told[str(label)] = round(1 - within, 2), len(telling)
        used += [[(score.at_s, [score.luck]) for score in scores] for scores in telling]
    return {"own": own, "people": told, "drift_s": _drift(used)}


def _telling(scores: Sequence[Score]) -> bool:
    """Long enough, and mostly with a box: without one the luck is not known."""
    return len(scores) >= LEAST_LOOKS and sum(score.found for score in scores) >= LEAST_FOUND * len(scores)


def _jitter(edges: Sequence[list[tuple[float, list[float]]]]) -> dict[str, float]:
    spread = np.mean([np.std([off for _, off in one], axis=0) for one in edges])
    return {"jitter": round(float(spread), 4), "jitter_s": _drift(edges)}


def _drift(all_series: Sequence[Sequence[tuple[float, list[float]]]]) -> float:
    """Time constant in seconds from the correlation of neighbouring looks, by an exponential law."""
    products, squares, steps = 0.0, 0.0, []
    for series in all_series:
        values = np.array([value for _, value in series])
        values = values - values.mean(axis=0)
        pairs = [(i, j) for i, j in pairwise(range(len(series))) if series[j][0] - series[i][0] < 0.5]
        steps += [series[j][0] - series[i][0] for i, j in pairs]
        products += sum(float(values[i] @ values[j]) for i, j in pairs)
        squares += sum(float(values[i] @ values[i]) for i, _ in pairs)
    kept = min(max(products / squares, 0.05), 0.98) if squares else 0.05
    return round(float(-np.mean(steps) / np.log(kept)), 2)


if __name__ == "__main__":
    main()
