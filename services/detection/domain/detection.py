"""What a model saw in one frame, in our vocabulary, and the table from models' dialects to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from services.detection.domain.geometry import Box
from shared.vocabulary import Finding, Item


class Label(StrEnum):
    PERSON = "person"
    HARDHAT = "hardhat"
    NO_HARDHAT = "no_hardhat"
    VEST = "vest"
    NO_VEST = "no_vest"
    MASK = "mask"
    NO_MASK = "no_mask"
    GLOVES = "gloves"
    NO_GLOVES = "no_gloves"
    GOGGLES = "goggles"
    NO_GOGGLES = "no_goggles"
    BOOTS = "boots"
    NO_BOOTS = "no_boots"
    MACHINERY = "machinery"
    VEHICLE = "vehicle"
    CONE = "cone"


@dataclass(frozen=True, slots=True)
class Detection:
    """One box.

    Attributes:
        box: pixels of the frame, clipped to it.
        label: what it shows, in our vocabulary.
        confidence: the model's score, 0 to 1.
    """

    box: Box
    label: Label
    confidence: float


Backend = Literal["openvino", "onnxruntime", "ultralytics"]
BackendChoice = Literal[
    "auto", "openvino", "onnxruntime", "cuda", "ultralytics"
]  # cuda: ONNX Runtime on a GPU
Reliability = Mapping[Finding, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a loaded model.

    Attributes:
        name: as the model's metadata or file name says.
        sha256: hash of the file.
        backend: openvino, onnxruntime or ultralytics.
        input_px: width and height of the network's input in pixels.
        labels: what it can report.
        thresholds: the lowest confidence at which each label is to be believed, from measurement; may be empty.
        version: of the model, "" if it states none.
        reliability: how often a look is right where bare and equipped people are equally many, for each finding by
            what the look rests on (`seen-missing`, ...), from measurement; may be empty.
    """

    name: str
    sha256: str
    backend: Backend
    input_px: tuple[int, int]
    labels: frozenset[Label]
    thresholds: Mapping[Label, float] = field(default_factory=dict)
    version: str = ""
    reliability: Reliability = field(default_factory=dict)


def worn(item: Item) -> Label:
    """The label that shows *item* being there."""
    return Label(item.value)


def bare(item: Item) -> Label:
    """The label that shows *item* missing."""
    return Label(f"no_{item.value}")


def translate(names: Mapping[int, str] | Sequence[str]) -> dict[int, Label]:
    """Map a model's class numbers to our labels; classes that we have no word for are left out."""
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    known = ((number, DIALECTS.get(_plain(name))) for number, name in pairs)
    return {number: label for number, label in known if label is not None}


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


DIALECTS: dict[str, Label] = {
    "person": Label.PERSON,
    "people": Label.PERSON,
    "worker": Label.PERSON,
    "human": Label.PERSON,
    "pedestrian": Label.PERSON,
    "hardhat": Label.HARDHAT,
    "helmet": Label.HARDHAT,
    "safetyhelmet": Label.HARDHAT,
    "withhelmet": Label.HARDHAT,
    "head": Label.NO_HARDHAT,
    "barehead": Label.NO_HARDHAT,
    "nohardhat": Label.NO_HARDHAT,
    "nohelmet": Label.NO_HARDHAT,
    "withouthelmet": Label.NO_HARDHAT,
    "vest": Label.VEST,
    "safetyvest": Label.VEST,
    "reflectivevest": Label.VEST,
    "hivis": Label.VEST,
    "novest": Label.NO_VEST,
    "nosafetyvest": Label.NO_VEST,
    "mask": Label.MASK,
    "nomask": Label.NO_MASK,
    "gloves": Label.GLOVES,
    "glove": Label.GLOVES,
    "nogloves": Label.NO_GLOVES,
    "noglove": Label.NO_GLOVES,
    "goggles": Label.GOGGLES,
    "goggle": Label.GOGGLES,
    "nogoggles": Label.NO_GOGGLES,
    "nogoggle": Label.NO_GOGGLES,
    "boots": Label.BOOTS,
    "boot": Label.BOOTS,
    "noboots": Label.NO_BOOTS,
    "noboot": Label.NO_BOOTS,
    "machinery": Label.MACHINERY,
    "machine": Label.MACHINERY,
    "excavator": Label.MACHINERY,
    "vehicle": Label.VEHICLE,
    "car": Label.VEHICLE,
    "truck": Label.VEHICLE,
    "bus": Label.VEHICLE,
    "safetycone": Label.CONE,
    "cone": Label.CONE,
}
