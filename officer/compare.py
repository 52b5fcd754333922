"""officer model compare: where a new model that ran in the shadow of the old one differed from it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from officer.console import screen, table
from services.detection.adapters.comparison_folder import LOOKS
from shared.errors import ConfigurationError

Boxes = Counter[tuple[str, str]]  # number of boxes by label and by who has them: both, model, shadow


def compare(
    folder: Annotated[
        Path,
        typer.Argument(help="The detection service's DATA_DIR (--out of watch), or a comparison's folder."),
    ],
) -> None:
    """Show where a shadow model (SHADOW_MODEL_FILE) differed from the one that decides, by label and by camera.

    officer model compare out/gate
    """
    for path in _found(folder):
        told = _read(path)
        screen.print(_models(told), _labels(told), _cameras(told))
        screen.print(f"{_remarks(told)}Pictures (faces blurred) and lines: {escape(str(path.parent))}\n")


@dataclass(slots=True)
class _Told:
    """What the lines of one comparison say."""

    models: Mapping[str, Any]
    boxes: Boxes = field(default_factory=Counter)
    looks: Counter[tuple[str, str]] = field(default_factory=Counter)  # by camera: same, different
    seconds: float = 0.0
    first: str = ""
    last: str = ""

    def add(self, line: Mapping[str, Any]) -> None:
        for label, number in line["agreed"].items():
            self.boxes[label, "both"] += number
        for one in line["differ"]:
            self.boxes[one["label"], one["by"]] += 1
        self.looks[line["camera"], "different" if line["differ"] else "same"] += 1
        self.seconds += line["shadow_s"]
        self.first, self.last = self.first or line["at"], line["at"]


def _found(folder: Path) -> list[Path]:
    places = [folder / LOOKS, *folder.glob(f"*/{LOOKS}"), *folder.glob(f"state/shadow/*/{LOOKS}")]
    found = sorted(path for path in places if path.is_file())
    if not found:
        raise ConfigurationError(
            f"{folder} holds no comparison of models; do: run detection on it with SHADOW_MODEL_FILE set"
        )
    return found


def _read(path: Path) -> _Told:
    lines = _lines(path)
    models = next(lines, None)
    if models is None or "shadow" not in models:
        raise ConfigurationError(f"{path} does not begin with the models' names; do: delete its folder")
    told = _Told(models)
    for line in lines:
        told.add(line)
    return told


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines; one that a kill cut short is left out."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def _models(told: _Told) -> Table:
    number = sum(told.looks.values())
    shown = table(f"{number} pictures, {told.first} to {told.last}", "", "model", "version", "SHA-256")
    for role, words in (("model", "old: decides"), ("shadow", "new: in its shadow")):
        facts = told.models[role]
        shown.add_row(words, escape(facts["name"]), escape(facts["version"]), facts["sha256"])
    return shown


def _labels(told: _Told) -> Table:
    """Each model is believed at its own thresholds; boxes are matched at an IoU of 0.5."""
    shown = table("Boxes", "label", "both", "old alone", "new alone", "agreed", "threshold old", "new")
    for label in sorted({label for label, _ in told.boxes}):
        both, old, new = (told.boxes[label, by] for by in ("both", "model", "shadow"))
        limits = [_threshold(told.models[role], label) for role in ("model", "shadow")]
        share = f"{both / (both + old + new):.0%}"
        shown.add_row(label, str(both), str(old), str(new), share, *limits)
    return shown


def _threshold(facts: Mapping[str, Any], label: str) -> str:
    if label not in facts["labels"]:
        return "not known"
    return f"{facts['thresholds'].get(label, 'default')}"


def _cameras(told: _Told) -> Table:
    shown = table("Pictures by camera", "camera", "alike", "different", "share")
    for camera in sorted({camera for camera, _ in told.looks}):
        same, different = told.looks[camera, "same"], told.looks[camera, "different"]
        shown.add_row(escape(camera), str(same), str(different), f"{different / (same + different):.0%}")
    return shown


def _remarks(told: _Told) -> str:
    number = sum(told.looks.values())
    mean = f"The new model took {told.seconds / number:.3f} s a picture, on one thread. " if number else ""
    return (
        f"{mean}Neither is the truth: look at the pictures, and measure with labelled ones "
        "(docs/models.md).\n"
    )
