"""A data set in YOLO format as it lies in a folder: data.yaml, pictures, label files beside them."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, count
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
            ConfigurationError: data.yaml or a list names what is not there, outside of the set, or not understood.
        """
        document = read_data_yaml(self.folder)
        entries = document.get(split) or []
        entries = [entries] if isinstance(entries, str) else entries
        if not isinstance(entries, list):
            raise ConfigurationError(
                f"{self.folder / 'data.yaml'}: {split!r} is {str(entries)[:80]!a}; "
                "do: name a folder, a list of pictures, or several of them"
            )
        base = self.folder.resolve() / str(document.get("path") or ".")
        found = {path for entry in entries for path in self._listed(str(entry), base)}
        return sorted(path for path in found if path.suffix.lower() in PICTURES)

    def _listed(self, entry: str, base: Path) -> list[Path]:
        try:
            place = self._place(entry, base, self.folder / "data.yaml").resolve()
            if place.is_dir():
                return list(place.rglob("*"))
            lines = place.read_text("utf-8-sig").splitlines()
            return [self._place(line.strip(), place.parent, place) for line in lines if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{self.folder / 'data.yaml'} names {entry[:200]!a}, which cannot be read as a list of pictures "
                f"({str(error)[:120]}); do: name a folder, or a text file with one picture a line"
            ) from error

    def _place(self, entry: str, base: Path, said_in: Path) -> Path:
        """Where *entry* lies; exporters write it against *base*, against data.yaml's folder, or one folder too high."""
        root = self.folder.resolve()
        for tried in (base / entry, root / entry, root / entry.removeprefix("../")):
            if tried.exists() and tried.resolve().is_relative_to(root):
                return tried
        raise ConfigurationError(
            f"{said_in} names {entry[:200]!a}, which is not in the set's folder; "
            "do: give paths of what lies below the folder of data.yaml"
        )


def read_set(folder: Path) -> YoloSet:
    """Understand the data.yaml of *folder*.

    Raises:
        ConfigurationError: it is not there or not understood, is of key points, or has no class that we have a word
            for.
    """
    document = read_data_yaml(folder)
    if "kpt_shape" in document:
        raise ConfigurationError(
            f"{folder / 'data.yaml'} is of key points (kpt_shape), which would be read as outlines; "
            "do: export the set with boxes alone"
        )
    classes = _classes(document["names"], folder)
    labels = translate(classes)
    if not labels:
        raise ConfigurationError(
            f"{folder / 'data.yaml'} has only classes that are unknown here: {', '.join(classes.values())[:200]}; "
            f"known are {', '.join(sorted(Label))}"
        )
    return YoloSet(folder, folder.resolve().name, classes, labels)


def differing(names: Iterable[str]) -> list[str]:
    """File *names* in their order, numbered where two would share a label file: a.png, a.jpg becomes a.png, a-1.jpg."""
    taken: dict[str, str] = {}
    for number, name in enumerate(names):
        path = Path(name)
        numbered = (f"{path.stem}-{further}" for further in count(number))
        stem = next(stem for stem in chain([path.stem], numbered) if stem not in taken)
        taken[stem] = f"{stem}{path.suffix}"
    return list(taken.values())


def _classes(names: Any, folder: Path) -> dict[int, str]:
    pairs = dict(enumerate(names)) if isinstance(names, list) else names
    if (
        not isinstance(pairs, dict)
        or sorted(map(str, pairs)) != sorted(map(str, range(len(pairs))))
        or any(isinstance(name, list | dict) for name in pairs.values())
    ):
        raise ConfigurationError(
            f"{folder / 'data.yaml'}: 'names' must be a list of names, or a mapping to them from 0 on"
        )
    return {int(number): str(name) for number, name in pairs.items()}
