"""Measure a model through the Detector port over labelled pictures (development only).

    python tools/measure_model.py models/ppe4.onnx DATASETS/construction-ppe DATASETS/construction-safety

Each folder is in YOLO format: data.yaml, images/val, labels/val. Class names pass the same table as a model's.
A class that a set does not label is not measured on it. Written for the card of the model: accuracy by set, the
chance of a box on a thing that is there or not (what judging who wears what rests on), and thresholds by these rules:

- person: where F1 over all sets is best;
- an item (hardhat): where the chances of a box on the worn item and on the bare spot lie farthest apart;
- a bare spot (no_hardhat): the lowest at which at most `MOST_WRONG` of the worn items are called bare.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from services.detection.adapters.detector_loader import load_detector
from services.detection.application.ports import Detector
from services.detection.domain.detection import Detection, Label, ModelInfo, translate
from services.detection.domain.geometry import Box

FLOOR = 0.01
MATCH = 0.5  # the IoU of AP50
CONFIDENCES = (0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)
MOST_WRONG = 0.015
SIZES = ((0, 12), (12, 20), (20, 32), (32, 64), (64, 10_000))  # of a head, pixels of the network's input
PERSON_SIZES = ((0, 64), (64, 128), (128, 256), (256, 10_000))  # of a person, likewise

# What each question asks: which detections, on which labelled things.
_ASKED = (
    *(
        (found, thing)
        for worn, bare in ((Label.HARDHAT, Label.NO_HARDHAT), (Label.VEST, Label.NO_VEST))
        for found, thing in ((worn, worn), (worn, bare), (bare, bare), (bare, worn))
    ),
    (Label.PERSON, Label.PERSON),
)
QUESTIONS = tuple((f"{found} found | {thing} there", found, thing) for found, thing in _ASKED)


@dataclass(frozen=True, slots=True)
class Picture:
    """A labelled picture and what the detector saw in it; boxes in its own pixels.

    Attributes:
        dataset: the folder's name.
        scale: pixels of the network's input for one pixel of the picture.
        truth: what is labelled.
        found: detections of at least `FLOOR`, the surest first.
        processor_ms: what the detector took, in milliseconds of processor time.
    """

    dataset: str
    scale: float
    truth: list[Detection]
    found: list[Detection]
    processor_ms: float


@dataclass(slots=True)
class Tally:
    """Detections of one label over many pictures, each right or wrong, and how many there should be."""

    labelled: int = 0
    scores: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    detector = load_detector(options.model, options.backend, threads=options.threads, longest=options.longest)
    pictures: list[Picture] = []
    labelled: dict[str, frozenset[Label]] = {}
    for folder in options.folders:
        labelled[folder.name] = frozenset(_classes(folder).values())
        pictures += _measured(detector, folder, options.split)
    thresholds = {**detector.info.thresholds, **dict(options.threshold)}
    report = _report(detector.info, pictures, labelled, thresholds)
    _show(report)
    if options.json:
        options.json.write_text(_compact(report))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a model over labelled pictures.")
    parser.add_argument("model", type=Path)
    parser.add_argument("folders", type=Path, nargs="+", help="data sets in YOLO format")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--longest", type=int, help="long side of the network's input in pixels")
    parser.add_argument("--split", default="val")
    parser.add_argument("--threshold", type=_threshold, action="append", default=[], metavar="LABEL=NUMBER")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


def _threshold(text: str) -> tuple[Label, float]:
    label, _, number = text.partition("=")
    return Label(label), float(number)


def _classes(folder: Path) -> dict[int, Label]:
    return translate(yaml.safe_load((folder / "data.yaml").read_text())["names"])


def _measured(detector: Detector, folder: Path, split: str) -> Iterable[Picture]:
    classes = _classes(folder)
    for path in sorted((folder / "images" / split).iterdir()):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        height, width = image.shape[:2]
        labels = folder / "labels" / split / f"{path.stem}.txt"
        scale = min(detector.info.input_px[0] / width, detector.info.input_px[1] / height)
        truth = _truth(labels, classes, width, height)
        began = time.process_time()
        (found,) = detector.detect([image], FLOOR)
        yield Picture(folder.name, scale, truth, found, (time.process_time() - began) * 1000)


def _truth(path: Path, classes: dict[int, Label], width: int, height: int) -> list[Detection]:
    """Labelled boxes, given as corners or as the outline of a polygon."""
    truth = []
    for line in path.read_text().splitlines() if path.exists() else []:
        number, *sides = (float(word) for word in line.split())
        label = classes.get(int(number))
        if label is not None:
            truth.append(Detection(_box(sides, width, height), label, 1.0))
    return truth


def _box(sides: list[float], width: int, height: int) -> Box:
    if len(sides) == 4:
        x, y, w, h = sides
        edges = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    else:
        edges = min(sides[::2]), min(sides[1::2]), max(sides[::2]), max(sides[1::2])
    return Box(edges[0] * width, edges[1] * height, edges[2] * width, edges[3] * height).clipped(
        width, height
    )


def _report(
    info: ModelInfo,
    pictures: list[Picture],
    labelled: dict[str, frozenset[Label]],
    thresholds: dict[Label, float],
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "model": info.name,
        "version": info.version,
        "sha256": info.sha256,
        "backend": info.backend,
        "input_px": list(info.input_px),
        "pictures": len(pictures),
        "processor_ms_a_picture": round(float(np.median([p.processor_ms for p in pictures])), 1),
        "thresholds": {str(label): threshold for label, threshold in thresholds.items()},
        "accuracy": [],
        "rates": [],
    }
    names = [*labelled, "all"]
    for name in names:
        for label in sorted(info.labels):
            chosen = [p for p in pictures if name in (p.dataset, "all") and label in labelled[p.dataset]]
            if any(thing.label is label for picture in chosen for thing in picture.truth):
                report["accuracy"].append(
                    {"set": name, **_accuracy(chosen, label, thresholds.get(label, 0.25))}
                )
    for question, wanted, thing in QUESTIONS:
        if wanted in info.labels:
            chosen = [p for p in pictures if {wanted, thing} <= labelled[p.dataset]]
            report["rates"] += _rates(chosen, question, wanted, thing)
    report["recommended"] = _recommended(report)
    return report


def _recommended(report: dict[str, Any]) -> dict[str, float]:
    shares = {row["question"]: row["share"] for row in report["rates"] if row["by"] == "any"}
    recommended = {
        row["label"]: round(row["best_f1_at"], 2)
        for row in report["accuracy"]
        if row["set"] == "all" and row["label"] == Label.PERSON
    }
    for question, found, thing in QUESTIONS:
        wrong = shares.get(question)
        if wrong is None or found is thing:
            continue
        right = shares.get(f"{found} found | {found} there", {})
        if found.startswith("no_"):
            low = [limit for limit in right if wrong[limit] <= MOST_WRONG]
            recommended[str(found)] = float(low[0] if low else max(right, key=float))
        elif right:
            recommended[str(found)] = float(max(right, key=lambda limit: right[limit] - wrong[limit]))
    return recommended


def _accuracy(pictures: list[Picture], label: Label, threshold: float) -> dict[str, Any]:
    tally = Tally()
    for picture in pictures:
        _match(picture, label, tally)
    scores, right = np.array(tally.scores), np.array(tally.right, bool)
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], right[order]
    recall = np.cumsum(right) / tally.labelled
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    best = int(f1.argmax()) if len(f1) else 0
    above = scores >= threshold
    hits = int(right[above].sum())
    return {
        "label": str(label),
        "labelled": tally.labelled,
        "ap50": round(_area(recall, precision), 3),
        "threshold": threshold,
        "precision": round(hits / max(1, int(above.sum())), 3),
        "recall": round(hits / tally.labelled, 3),
        "best_f1": round(float(f1[best]), 3) if len(f1) else 0.0,
        "best_f1_at": round(float(scores[best]), 3) if len(f1) else 1.0,
    }


def _match(picture: Picture, label: Label, tally: Tally) -> None:
    """The surest detection takes the labelled box that it overlaps most; each box is taken once."""
    open_boxes = [thing.box for thing in picture.truth if thing.label is label]
    tally.labelled += len(open_boxes)
    for found in picture.found:
        if found.label is not label:
            continue
        nearest = max(open_boxes, key=found.box.iou, default=None)
        hit = nearest is not None and found.box.iou(nearest) >= MATCH
        if hit and nearest is not None:
            open_boxes.remove(nearest)
        tally.scores.append(found.confidence)
        tally.right.append(hit)


def _area(recall: npt.NDArray[np.float64], precision: npt.NDArray[np.float64]) -> float:
    """Average precision: area under the precision-recall curve made monotonic (PASCAL VOC 2010 and later)."""
    steps = np.concatenate([[0.0], recall, [1.0]])
    ceiling = np.maximum.accumulate(np.concatenate([[0.0], precision, [0.0]])[::-1])[::-1]
    return float(np.sum(np.diff(steps) * ceiling[1:]))


def _rates(pictures: list[Picture], question: str, wanted: Label, thing: Label) -> list[dict[str, Any]]:
    """How often *wanted* is found where a *thing* is labelled, in all and by size of the head and of the person."""
    looks = [
        (best, box.height * picture.scale, _person_height(box, picture))
        for picture in pictures
        for box in (seen.box for seen in picture.truth if seen.label is thing)
        for best in [_surest(box, wanted, picture)]
    ]
    rows = [_row(question, "any", None, [best for best, _, _ in looks])]
    for low, high in SIZES:
        within = [best for best, height, _ in looks if low <= height < high]
        rows += [_row(question, "item_height_px", (low, high), within)]
    for low, high in PERSON_SIZES:
        within = [best for best, _, height in looks if height is not None and low <= height < high]
        rows += [_row(question, "person_height_px", (low, high), within)]
    return [row for row in rows if row["looks"]]


def _surest(box: Box, wanted: Label, picture: Picture) -> float:
    """Confidence of the surest *wanted* detection on the thing in *box*, 0 if there is none."""
    return max(
        (f.confidence for f in picture.found if f.label is wanted and _same_place(f.box, box)), default=0.0
    )


def _same_place(found: Box, box: Box) -> bool:
    """Sets draw a hat, or the whole head with it: overlap is asked for more gently than in AP50."""
    return found.iou(box) >= 0.3 or (box.contains(found.centre) and found.contains(box.centre))


def _person_height(box: Box, picture: Picture) -> float | None:
    """Height of the labelled person around *box* in pixels of the network's input; None if that is not clear."""
    around = [
        thing.box
        for thing in picture.truth
        if thing.label is Label.PERSON and box.covered_by(thing.box) > 0.7
    ]
    return around[0].height * picture.scale if len(around) == 1 else None


def _row(question: str, by: str, bounds: tuple[int, int] | None, best: list[float]) -> dict[str, Any]:
    scores = np.array(best)
    return {
        "question": question,
        "by": by,
        "px": list(bounds) if bounds else None,
        "looks": len(best),
        "share": {f"{limit:.2f}": round(float((scores >= limit).mean()), 3) for limit in CONFIDENCES}
        if len(best)
        else {},
    }


def _compact(report: dict[str, Any]) -> str:
    """JSON with one line for each row of a table, which a version control shows well."""
    lines = []
    for key, value in report.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"  {json.dumps(row)}" for row in value)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _show(report: dict[str, Any]) -> None:
    out = sys.stdout.write
    out(
        f"{report['model']} {report['version']} {report['sha256'][:12]} {report['backend']} {report['input_px']} "
    )
    out(f"{report['pictures']} pictures, {report['processor_ms_a_picture']} ms of processor time each\n\n")
    out(
        f"{'set':<26}{'label':<12}{'labelled':>9}{'AP50':>7}{'at':>6}{'prec':>7}{'recall':>8}{'bestF1':>8}{'at':>7}\n"
    )
    for a in report["accuracy"]:
        out(f"{a['set']:<26}{a['label']:<12}{a['labelled']:>9}{a['ap50']:>7.3f}{a['threshold']:>6.2f}")
        out(f"{a['precision']:>7.3f}{a['recall']:>8.3f}{a['best_f1']:>8.3f}{a['best_f1_at']:>7.3f}\n")
    out(
        f"\n{'share of looks with a box of at least':<66}" + "".join(f"{c:>6.2f}" for c in CONFIDENCES) + "\n"
    )
    for r in report["rates"]:
        where = f"{r['by']} {r['px'][0]}-{r['px'][1]}" if r["px"] else "all"
        out(f"{r['question']:<36}{where:<25}{r['looks']:>5} ")
        out("".join(f"{share:>6.2f}" for share in r["share"].values()) + "\n")
    out(f"\nrecommended thresholds: {report['recommended']}\n")


if __name__ == "__main__":
    main()
