"""The folder that `prepare` writes and `train` and `validate` read: pictures, labels in our vocabulary, data.yaml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from officer.training.provenance import read_record
from services.detection.domain.detection import Label
from services.detection.domain.frame import BgrImage
from shared.config.yaml_file import read_values
from shared.errors import ConfigurationError

BETWEEN = "__"  # a picture is named SET__NAME.jpg
RECORD = "prepared.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What lies in a prepared folder.

    Attributes:
        folder: it.
        names: the label that each class number of its label files stands for.
        labelled: for each set, the labels that it labels; any other is unknown there, not absent.
    """

    folder: Path
    names: dict[int, Label]
    labelled: dict[str, frozenset[Label]]

    def pictures(self, split: str) -> list[Path]:
        """Paths of the pictures of *split* (train or val), in the order of its list; train may name some repeatedly.

        Raises:
            ConfigurationError: there is no such list.
        """
        listed = self.folder / f"{split}.txt"
        try:
            lines = listed.read_text("utf-8").split("\n")
        except OSError as error:
            raise ConfigurationError(
                f"{listed} cannot be read: {error.strerror}; do: name a folder that 'officer model prepare' has made"
            ) from error
        return [self.folder / line for line in lines if line]


def set_of(picture: str | Path) -> str:
    """The data set that a prepared picture comes from."""
    return Path(picture).name.split(BETWEEN)[0]


def label_file(picture: Path) -> Path:
    """Where the labels of *picture* lie, by Ultralytics' rule: the last folder `images` becomes `labels`."""
    folders = list(picture.with_suffix(".txt").parts)
    if "images" not in folders:
        return picture.with_suffix(".txt")
    last = len(folders) - 1 - folders[::-1].index("images")
    return Path(*folders[:last], "labels", *folders[last + 1 :])


def read_picture(path: Path) -> BgrImage:
    """The prepared picture at *path*, [H, W, 3] BGR uint8.

    Raises:
        ConfigurationError: it cannot be read.
    """
    image = cv2.imread(str(path))
    if image is None:
        raise ConfigurationError(f"{path} cannot be read as a picture; do: officer model prepare again")
    return np.asarray(image, np.uint8)


def make_folder(folder: Path) -> None:
    """Make *folder* and those above it, unless it is there.

    Raises:
        ConfigurationError: it cannot be made, as where a file stands.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the folder {folder} cannot be made: {error.strerror}; do: give another --out, or remove what stands there"
        ) from error


def read_prepared(folder: Path) -> Prepared:
    """Understand the data.yaml of *folder*.

    Raises:
        ConfigurationError: `prepare` has not made it.
    """
    document = read_data_yaml(folder)
    try:
        names = {int(number): Label(name) for number, name in document["names"].items()}
        labelled = {str(name): frozenset(map(Label, labels)) for name, labels in document["labelled"].items()}
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            f"{folder / 'data.yaml'} is not prepared: it needs names in our vocabulary and the key 'labelled'; "
            "do: officer model prepare"
        ) from error
    return Prepared(folder, names, labelled)


def content_of(folder: Path) -> str | None:
    """SHA-256 over all that `prepare` has written into *folder*; None where it has not told.

    Raises:
        ConfigurationError: its record cannot be read.
    """
    path = folder / RECORD
    try:
        return str(read_record(path.read_text("utf-8"), "content_sha256")["content_sha256"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({str(error)[:120]}); do: officer model prepare again"
        ) from error


def read_data_yaml(folder: Path) -> dict[str, Any]:
    """The mapping in data.yaml of *folder*, unchecked beyond that it is one.

    Raises:
        ConfigurationError: there is none, or it is not read as a site file is: strictly, and within limits.
    """
    path = folder / "data.yaml"
    document = read_values(path)
    if not isinstance(document, dict) or "names" not in document:
        raise ConfigurationError(f"{path} has no 'names', so its classes are unknown; do: add them")
    return document
