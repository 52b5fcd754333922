"""What a model sees in labelled pictures, through the product's own detector; an interrupted run goes on."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from officer.training.labels import in_pixels, read_labels
from officer.training.prepared import Prepared, label_file, read_picture, set_of
from officer.training.progress import track
from services.detection.application.ports import Detector
from services.detection.domain.detection import Detection, Label
from services.detection.domain.geometry import Box

FLOOR = 0.01  # lowest confidence that is looked at: below it a curve no longer changes in the second digit


@dataclass(frozen=True, slots=True)
class Picture:
    """A labelled picture and what the detector saw in it; boxes in its own pixels.

    Attributes:
        name: of its file.
        dataset: the set that it comes from.
        scale: pixels of the network's input for one pixel of the picture.
        truth: what is labelled.
        found: detections of at least `FLOOR`, the surest first.
        processor_ms: what the detector took, in milliseconds of processor time.
    """

    name: str
    dataset: str
    scale: float
    truth: list[Detection]
    found: list[Detection]
    processor_ms: float


def look(detector: Detector, prepared: Prepared, split: str, notes: Path) -> list[Picture]:
    """Let *detector* look at all pictures of *split*.

    Args:
        detector: the model.
        prepared: the pictures and their labels.
        split: train or val.
        notes: folder where each look is written down at once; what is there already is not looked at again.

    Raises:
        ConfigurationError: a picture cannot be read.
    """
    paths = list(dict.fromkeys(prepared.pictures(split)))
    notebook = _Notebook(notes / f"looks-{_key(detector, paths)}.jsonl")
    described = f"{detector.info.name} {detector.info.version} looks"
    return [_picture(path, detector, prepared, notebook) for path in track(paths, described)]


def _key(detector: Detector, paths: Iterable[Path]) -> str:
    """What decides an outcome: the model's file, what runs it at which size, and the pictures' names and sizes."""
    info = detector.info
    parts = [info.sha256, info.backend, str(info.input_px)]
    parts += [f"{path.name} {path.stat().st_size}" for path in paths if path.exists()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _picture(path: Path, detector: Detector, prepared: Prepared, notebook: "_Notebook") -> Picture:
    noted = notebook.noted.get(path.name) or _look(path, detector, notebook)
    width, height = noted["size"]
    things, _ = read_labels(label_file(path), prepared.names, len(prepared.names))
    input_px = detector.info.input_px
    return Picture(
        name=path.name,
        dataset=set_of(path),
        scale=min(input_px[0] / width, input_px[1] / height),
        truth=[Detection(in_pixels(thing.box, width, height), thing.label, 1.0) for thing in things],
        found=[Detection(Box(*edges), Label(label), sure) for label, sure, *edges in noted["found"]],
        processor_ms=noted["processor_ms"],
    )


def _look(path: Path, detector: Detector, notebook: "_Notebook") -> dict[str, Any]:
    image = read_picture(path)
    began = time.process_time()
    (found,) = detector.detect([image], FLOOR)
    taken_ms = (time.process_time() - began) * 1000
    rows = [[one.label, one.confidence, *_edges(one.box)] for one in found]
    size = [image.shape[1], image.shape[0]]
    return notebook.add({"picture": path.name, "size": size, "processor_ms": taken_ms, "found": rows})


class _Notebook:
    """One line for each look; a line that a kill has cut is not used."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.noted = {entry["picture"]: entry for entry in self._read()}

    def add(self, entry: dict[str, Any]) -> dict[str, Any]:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        return entry

    def _read(self) -> Iterator[dict[str, Any]]:
        text = self._path.read_text("utf-8") if self._path.exists() else ""
        whole, _, cut = text.rpartition("\n")
        if cut:
            self._path.write_text(f"{whole}\n" if whole else "", "utf-8")
        return (json.loads(line) for line in whole.splitlines())


def _edges(box: Box) -> list[float]:
    return [round(float(edge), 2) for edge in (box.x1, box.y1, box.x2, box.y2)]
