"""The Detector port over any YOLO network; the backends only run the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.detection.adapters.letterbox import FloatArray, fit, rectangle
from services.detection.adapters.model_file import ModelCard, ModelFile
from services.detection.adapters.yolo_output import decode
from services.detection.domain.detection import Backend, Detection, ModelInfo
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError, PermanentError

CHANNELS = 3
END_TO_END_COLUMNS = 6
BOX_ROWS = 4


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes that a network declares; None where a side is free.

    Attributes:
        input: batch, channels, height, width.
        output: batch, rows, columns.
    """

    input: tuple[int | None, ...]
    output: tuple[int | None, ...]


class Network(Protocol):
    """A loaded network; one thread uses it."""

    def infer(self, picture: BgrImage) -> FloatArray:
        """[H, W, 3] BGR uint8, H and W as the network wants them -> its first output, [1, rows, columns] float32."""
        ...


class YoloDetector:
    """A `Detector`; one thread uses it. Pictures run one by one: on a CPU a batch is no faster (models/README.md)."""

    def __init__(
        self,
        network: Network,
        shapes: Shapes,
        file: ModelFile,
        card: ModelCard,
        backend: Backend,
        longest: int | None,
    ) -> None:
        """Join *network* and *card*; *longest* sets the input's long side in pixels where the network leaves it free.

        Raises:
            ConfigurationError: *longest* is given for a network of fixed size.
        """
        self._network = network
        self._card = card
        self._fixed = _fixed_size(shapes)
        self._longest = longest or card.longest
        if self._fixed and longest and longest != max(self._fixed):
            raise ConfigurationError(
                f"model {file.path} has a fixed input of {self._fixed[0]} x {self._fixed[1]} pixels, "
                f"so it cannot be set to {longest}; leave the setting out or export the model with dynamic axes"
            )
        self._info = ModelInfo(
            name=card.name,
            sha256=file.sha256,
            backend=backend,
            input_px=self._fixed or (self._longest, self._longest),
            labels=frozenset(card.labels.values()),
            thresholds=card.thresholds,
            version=card.version,
            reliability=card.reliability,
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        return [self._detect(image, floor) for image in images]

    def _detect(self, image: BgrImage, floor: float) -> list[Detection]:
        size = image.shape[1], image.shape[0]
        letterbox = fit(size, self._fixed or rectangle(size, self._longest, self._card.stride))
        output = self._network.infer(letterbox.apply(image))
        self._check_output(output)
        return decode(output[0], self._card.end_to_end, self._card.labels, floor, letterbox)

    def _check_output(self, output: FloatArray) -> None:
        rows, columns = (
            (None, END_TO_END_COLUMNS) if self._card.end_to_end else (BOX_ROWS + self._card.classes, None)
        )
        if not _agrees((1, rows, columns), output.shape):
            raise PermanentError(
                "model-output-shape",
                f"the model {self._info.name} gave an output of shape {output.shape}, "
                f"but {_shown((1, rows, columns))} was declared; use another model file",
            )


def check_shapes(shapes: Shapes, card: ModelCard, file: ModelFile) -> None:
    """Refuse what is no YOLO detection network with the classes of *card*.

    Raises:
        ConfigurationError: another shape of input or output.
    """
    wanted_input = (1, CHANNELS, None, None)
    if not _agrees(wanted_input, shapes.input):
        raise ConfigurationError(
            f"model {file.path} takes an input of shape {_shown(shapes.input)}; expected {_shown(wanted_input)}: "
            "batch, colours, height, width"
        )
    wanted = (1, None, END_TO_END_COLUMNS) if card.end_to_end else (1, BOX_ROWS + card.classes, None)
    if not _agrees(wanted, shapes.output):
        kind = "an end-to-end network" if card.end_to_end else f"{card.classes} classes"
        raise ConfigurationError(
            f"model {file.path} gives an output of shape {_shown(shapes.output)}; "
            f"expected {_shown(wanted)} for {kind}; export it again as a YOLO detection model"
        )


def _fixed_size(shapes: Shapes) -> tuple[int, int] | None:
    height, width = shapes.input[2:]
    return (width, height) if width and height else None


def _agrees(wanted: tuple[int | None, ...], found: tuple[int | None, ...]) -> bool:
    return len(wanted) == len(found) and all(
        a is None or b is None or a == b for a, b in zip(wanted, found, strict=True)
    )


def _shown(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("any" if side is None else str(side) for side in shape) + "]"
