"""Measure what looking closer at a zone gains for far people, and what it costs (development only).

    python tools/measure_closer.py models/ppe.onnx DATASETS/construction-safety [DATASETS/...]

Makes frames of 1920 x 1080 from labelled pictures (YOLO format: data.yaml, images/val, labels/val): four at a time are
scaled until their tallest person is 40 to 80 pixels tall (--heights), and stand in a far zone, with a blurred picture
around them. Each frame is seen as it is; with `look_closer` on the zone; with a closer look at each box of a person,
however weak, as a camera makes one after the other; and, with --large, as it is with an input so large that people come
out as tall as in the closer look of the zone. Prints recall at the model's thresholds, boxes where nothing is labelled,
boxes twice on one thing, and processor time.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from officer.training.labels import in_pixels, read_labels
from officer.training.prepared import label_file
from officer.training.yolo_set import read_set
from services.detection.adapters.detector_loader import load_detector
from services.detection.application.ports import Detector
from services.detection.domain.assignment import assign
from services.detection.domain.attention import ENOUGH_PX, around
from services.detection.domain.closer import Part, joined, parts_of, scale_to
from services.detection.domain.detection import Detection, Label
from services.detection.domain.frame import BgrImage
from services.detection.domain.geometry import Box
from services.detection.domain.tracking import WEAK
from services.detection.domain.wearing import DEFAULT_THRESHOLD
from shared.config.site import Zone

WIDTH, HEIGHT = 1920, 1080
FLOOR = 0.05
MATCH = 0.5
LOWER = 0.52  # edge of the zone

Look = Callable[[BgrImage], list[Detection]]


@dataclass(frozen=True, slots=True)
class Patch:
    """A labelled picture, scaled down. `labels` are what its set labels at all."""

    image: BgrImage
    truth: list[Detection]
    labels: frozenset[Label]


@dataclass(slots=True)
class Tally:
    """What one way of looking found of one label.

    Attributes:
        labelled, found: things.
        wrong: boxes where nothing is labelled.
        twice: of them, those on a thing that another box has found.
    """

    labelled: int = 0
    found: int = 0
    wrong: int = 0
    twice: int = 0


@dataclass(slots=True)
class Way:
    """One way of looking, and what came of it."""

    name: str
    look: Look
    tallies: dict[Label, Tally] = field(default_factory=dict)
    processor_s: float = 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as the module's head shows."""
    options = _options(arguments)
    detector = load_detector(options.model, threads=1)
    (part,) = parts_of([_zone(options.zone_width)], WIDTH, HEIGHT, detector.info.input_px)
    ways = [
        Way("whole frame", lambda frame: detector.detect([frame], FLOOR)[0]),
        Way("and the zone closer", lambda frame: _closer(detector, frame, lambda _: [part])),
        Way("and each person closer", lambda frame: _closer(detector, frame, _around_each(detector))),
    ]
    if options.large:
        ways.append(_large(options.model, detector, part))
    thresholds = detector.info.thresholds
    frames = 0
    for frame, truth, labels in _frames(options):
        frames += 1
        for way in ways:
            _measure(
                way,
                frame,
                truth,
                labels & detector.info.labels,
                lambda label: thresholds.get(label, DEFAULT_THRESHOLD),
            )
    print(f"{frames} frames; scale {_whole_scale(detector):.2f}, in the part {part.scale:.2f}")
    _show(ways)


def _large(model: Path, detector: Detector, part: Part) -> Way:
    """The whole frame at the part's scale."""
    longest = int(max(detector.info.input_px) * part.scale / _whole_scale(detector)) // 32 * 32
    larger = load_detector(model, threads=1, longest=longest)
    return Way(f"whole frame, input {longest} px", lambda frame: larger.detect([frame], FLOOR)[0])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what looking closer gains and costs.")
    parser.add_argument("model", type=Path)
    parser.add_argument("folders", type=Path, nargs="+", help="data sets in YOLO format")
    parser.add_argument("--heights", type=int, nargs="+", default=[40, 50, 60, 70, 80], metavar="PX")
    parser.add_argument("--large", action="store_true", help="measure the large input, too: slow")
    parser.add_argument("--zone-width", type=float, default=0.24, help="fraction of the frame's")
    parser.add_argument("--at-once", type=int, default=4, metavar="N", help="pictures in a frame")
    return parser.parse_args(arguments)


def _whole_scale(detector: Detector) -> float:
    return scale_to(WIDTH, HEIGHT, detector.info.input_px)


def _zone(width: float) -> Zone:
    left, right, top = 0.5 - width / 2, 0.5 + width / 2, LOWER - 0.1
    corners = ((left, top), (right, top), (right, LOWER), (left, LOWER))
    return Zone(id="far", name="Far", look_closer=True, polygon=corners)


def _closer(
    detector: Detector, frame: BgrImage, parts_for: Callable[[list[Detection]], list[Part]]
) -> list[Detection]:
    """What is found in the whole *frame* and in the parts that this leads to."""
    (whole,) = detector.detect([frame], FLOOR)
    parts = parts_for(whole)
    cuts = [frame[int(b.y1) : int(b.y2), int(b.x1) : int(b.x2)] for b in (part.box for part in parts)]
    return joined(whole, list(zip(parts, detector.detect(cuts, FLOOR), strict=True)), WIDTH, HEIGHT)


def _around_each(detector: Detector) -> Callable[[list[Detection]], list[Part]]:
    """A part around everybody who may be there and is small, as if each had his turn in this look."""
    input_px = detector.info.input_px

    def parts(whole: list[Detection]) -> list[Part]:
        people = [one.box for one in whole if one.label is Label.PERSON and one.confidence >= WEAK]
        small = [box for box in people if box.height * _whole_scale(detector) < ENOUGH_PX]
        return [around(box, WIDTH, HEIGHT, input_px) for box in small]

    return parts


def _frames(options: argparse.Namespace) -> Iterator[tuple[BgrImage, list[Detection], frozenset[Label]]]:
    for folder in options.folders:
        patches = _patches(folder, options.heights)
        while chosen := list(islice(patches, options.at_once)):
            yield (*_frame(chosen, options.zone_width), chosen[0].labels)


def _patches(folder: Path, heights: Sequence[int]) -> Iterator[Patch]:
    """The pictures whose people are taller than they are to be; the heights go round."""
    dataset = read_set(folder)
    number = 0
    for path in dataset.pictures("val"):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        things, _ = read_labels(label_file(path), dataset.labels, len(dataset.classes))
        truth = [
            Detection(in_pixels(thing.box, image.shape[1], image.shape[0]), thing.label, 1.0)
            for thing in things
        ]
        tallest = max((one.box.height for one in truth if one.label is Label.PERSON), default=0)
        if tallest > heights[number % len(heights)]:
            scale = heights[number % len(heights)] / tallest
            number += 1
            size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
            small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            yield Patch(small, [_scaled(one, scale) for one in truth], frozenset(dataset.labels.values()))


def _scaled(one: Detection, scale: float, dx: float = 0.0, dy: float = 0.0) -> Detection:
    x1, y1, x2, y2 = (edge * scale for edge in (one.box.x1, one.box.y1, one.box.x2, one.box.y2))
    return Detection(Box(x1 + dx, y1 + dy, x2 + dx, y2 + dy), one.label, one.confidence)


def _frame(patches: Sequence[Patch], zone_width: float) -> tuple[BgrImage, list[Detection]]:
    """The patches side by side in the zone, their lower edges on its lower edge."""
    around = cv2.resize(patches[0].image, (16, 9), interpolation=cv2.INTER_AREA)
    frame = np.asarray(cv2.resize(around, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    left, lower = (0.5 - zone_width / 2) * WIDTH, round(LOWER * HEIGHT)
    truth: list[Detection] = []
    for number, patch in enumerate(patches):
        height, width = patch.image.shape[:2]
        x = round(left + zone_width * WIDTH * (number + 0.5) / len(patches) - width / 2)
        top = max(0, lower - height)
        frame[top:lower, x : x + width] = patch.image[height - (lower - top) :]
        truth = [one for one in truth if not one.box.intersection(Box(x, lower - height, x + width, lower))]
        truth += [_scaled(one, 1.0, x, lower - height) for one in patch.truth]
    return frame, truth


def _measure(
    way: Way,
    frame: BgrImage,
    truth: list[Detection],
    labels: frozenset[Label],
    threshold: Callable[[Label], float],
) -> None:
    began_s = time.process_time()
    found = way.look(frame)
    way.processor_s += time.process_time() - began_s
    for label in labels:
        things = [one.box for one in truth if one.label is label]
        boxes = [one.box for one in found if one.label is label and one.confidence >= threshold(label)]
        pairs = assign([[1 - box.iou(thing) for thing in things] for box in boxes], 1 - MATCH)
        matched = {row for row, _ in pairs}
        left = [box for number, box in enumerate(boxes) if number not in matched]
        tally = way.tallies.setdefault(label, Tally())
        tally.labelled += len(things)
        tally.found += len(pairs)
        tally.wrong += len(left)
        tally.twice += sum(any(box.iou(boxes[row]) >= 0.3 for row in matched) for box in left)


def _show(ways: Sequence[Way]) -> None:
    print(f"\n| {'Way':28} | Label | Labelled | Recall | Boxes on nothing | of them twice | Processor |")
    print("|---|---|---|---|---|---|---|")
    for way in ways:
        cost = way.processor_s / ways[0].processor_s
        for label, tally in sorted(way.tallies.items()):
            recall = tally.found / tally.labelled if tally.labelled else 0.0
            print(
                f"| {way.name:28} | {label} | {tally.labelled} | {recall:.2f} | {tally.wrong} | {tally.twice} "
                f"| {cost:.2f} |"
            )


if __name__ == "__main__":
    main()
