"""Tiny labelled sets in YOLO format, and a model that answers with what is labelled in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import yaml

from tests.onnx_models import METADATA, raw_answer, yolo_model

SIDE = 64  # pixels of the pictures, and of the model's input
PERSON = "0 0.5 0.5 0.5 0.75"
HAT = "1 0.5 0.2 0.25 0.15"


def write_set(
    folder: Path,
    pictures: Mapping[str, Sequence[str]],
    names: Sequence[str] = ("Person", "helmet"),
    seed: int = 1,
) -> Path:
    """A set in *folder*: for each picture (such as train/a) the lines of its label file. No two pictures are alike."""
    dice = np.random.default_rng(seed)
    for split in ("train", "val"):
        (folder / "images" / split).mkdir(parents=True)
    for name, lines in pictures.items():
        picture = folder / "images" / f"{name}.png"
        labels = folder / "labels" / f"{name}.txt"
        for path in (picture, labels):
            path.parent.mkdir(parents=True, exist_ok=True)
        blocks = dice.integers(0, 255, (8, 8, 3), np.uint8)
        image = cv2.resize(blocks, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        picture.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        labels.write_text("".join(f"{line}\n" for line in lines))
    document = {"train": "images/train", "val": "images/val", "names": list(names)}
    (folder / "data.yaml").write_text(yaml.safe_dump(document))
    return folder


def write_model(path: Path, person: float = 0.9, hat: float = 0.8) -> Path:
    """A model that sees `PERSON` and `HAT` in every picture, so surely."""
    boxes = [(32, 32, 32, 48, person, 0), (32, 12.8, 16, 9.6, 0, hat)]
    path.write_bytes(yolo_model(raw_answer(boxes), METADATA))
    return path
