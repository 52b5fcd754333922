"""A data set in YOLO format as it lies in a folder: data.yaml, pictures, label files beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from officer.training.prepared import read_data_yaml
from services.detection.domain.detection import Label, translate
from shared.errors import ConfigurationError

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}
SPLITS = ("train", "val")


@dataclass(frozen=True, slots=True)
class YoloSet:
    """A data set.

    Attributes:
        folder: where it lies.
        name: the folder's, by which it is known from here on.
        classes: its own class names, by number.
        labels: what each class number means; classes that we have no word for are left out.
    """

    folder: Path
    name: str
    classes: dict[int, str]
    labels: dict[int, Label]

    def pictures(self, split: str) -> list[Path]:
        """Pictures of *split*, sorted; none if the set has no such split.

        Raises:
            ConfigurationError: data.yaml names a folder or list that is not there, or outside of the set.
        """
        document = read_data_yaml(self.folder)
        entries = document.get(split) or []
        entries = [entries] if isinstance(entries, str) else entries
        found = {path for entry in entries for path in self._listed(str(entry), document)}
        return sorted(path for path in found if path.suffix.lower() in PICTURES)

    def _listed(self, entry: str, document: dict[str, Any]) -> list[Path]:
        place = self._place(entry, str(document.get("path") or "."))
        if place.is_dir():
            return list(place.rglob("*"))
        lines = place.read_text("utf-8").splitlines()
        return [place.parent / line.strip() for line in lines if line.strip()]

    def _place(self, entry: str, base: str) -> Path:
        """Where *entry* lies; exporters write it against data.yaml's folder, against `path`, or one folder too high."""
        root = self.folder.resolve()
        for tried in (root / base / entry, root / entry, root / entry.removeprefix("../")):
            if tried.exists() and tried.resolve().is_relative_to(root):
                return tried.resolve()
        raise ConfigurationError(
            f"{self.folder / 'data.yaml'} names {entry!a}, which is not in the set's folder; "
            "do: give paths below the folder of data.yaml"
        )


def read_set(folder: Path) -> YoloSet:
    """Understand the data.yaml of *folder*.

    Raises:
        ConfigurationError: it is not there or not understood, or has no class that we have a word for.
    """
    classes = _classes(read_data_yaml(folder)["names"], folder)
    labels = translate(classes)
    if not labels:
        raise ConfigurationError(
            f"{folder / 'data.yaml'} has only classes that are unknown here: {', '.join(classes.values())[:200]}; "
            f"known are {', '.join(sorted(Label))}"
        )
    return YoloSet(folder, folder.resolve().name, classes, labels)


def _classes(names: Any, folder: Path) -> dict[int, str]:
    pairs = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(pairs, dict) or sorted(map(str, pairs)) != sorted(map(str, range(len(pairs)))):
        raise ConfigurationError(f"{folder / 'data.yaml'}: 'names' must be a list, or a mapping from 0 on")
    return {int(number): str(name) for number, name in pairs.items()}
