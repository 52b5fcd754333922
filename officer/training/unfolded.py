"""From the ONNX file that the product loads back to a .pt from which a training can begin.

An export folds each batch normalisation into the convolution before it, and folded a network can hardly be trained.
Here each convolution gets one again that changes no answer: with the mean and variance that its layer shows on the
pictures to be trained on.

Imported only where the extra `train` is installed.
"""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from ultralytics import YOLO

from services.detection.adapters.letterbox import fit
from services.detection.adapters.model_file import ModelFile, read_card, read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from shared.errors import ConfigurationError

NETWORKS = ("yolov8n", "yolov8s", "yolov8m", "yolo11n", "yolo11s", "yolo11m")
COCO = 80  # classes; a head that began with so many stays as wide
PICTURES = 256  # enough for the mean and variance of a layer
TOGETHER = 16
ALIKE = 0.5  # pixels that boxes may differ by, as weights are kept in 16 bits

Weights = dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]]


def unfold(model: Path, pictures: Sequence[Path], longest: int, out: Path) -> None:
    """Write the network of *model* to *out*.

    Args:
        model: an .onnx file that Ultralytics exported from one of `NETWORKS`.
        pictures: what is to be trained on; some of them are looked at.
        longest: side of the input in pixels.
        out: a .pt; an existing one is replaced.

    Raises:
        ConfigurationError: *model* is another network, or a picture cannot be read.
    """
    file = read_model_file(model, ".onnx")
    labels = read_card(onnx_metadata(file), model).labels
    weights = _weights(onnx.load_model_from_string(file.body).graph)
    yolo = _empty(weights, model)
    norms = _fill(yolo.model, weights)
    chosen = random.Random(1).sample(pictures, min(PICTURES, len(pictures)))
    parts = [chosen[at : at + TOGETHER] for at in range(0, len(chosen), TOGETHER)]
    _normalise(yolo.model, norms, (_inputs(part, longest) for part in parts))
    _check_answers(yolo.model, file, _inputs(chosen[:1], longest))
    yolo.model.names = {number: str(labels.get(number, number)) for number in range(yolo.model.nc)}
    yolo.save(out)


def _weights(graph: onnx.GraphProto) -> Weights:
    """Weight and bias of each convolution by its name; those kept in 16 bits are cast in the graph."""
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in values]
    values |= {node.output[0]: values[node.input[0]] for node in casts}
    found: Weights = {}
    for node in graph.node:
        if node.op_type == "Conv":
            weight, *bias = [values[name].astype(np.float32) for name in node.input[1:]]
            found[node.input[1].removesuffix(".weight")] = (weight, bias[0] if bias else None)
    return found


def _empty(weights: Weights, model: Path) -> YOLO:
    """The network of `NETWORKS` into which *weights* fit."""
    shapes = {name: weight.shape for name, (weight, _) in weights.items()}
    classes = next((shape[0] for name, shape in shapes.items() if name.endswith("cv3.0.2")), 1)
    for name in NETWORKS:
        for began_with in (classes, COCO):
            yolo = YOLO(f"{name}.yaml", task="detect")
            yolo.model = type(yolo.model)(f"{name}.yaml", nc=began_with, verbose=False)
            _set_classes(yolo.model, classes)
            if shapes == {at: tuple(layer.weight.shape) for at, layer in _convolutions(yolo.model).items()}:
                return yolo
    raise ConfigurationError(
        f"{model} is no network to begin a training from; allowed: an .onnx file of {', '.join(NETWORKS)}, or a .pt"
    )


def _set_classes(network: Any, classes: int) -> None:
    head = network.model[-1]
    for branch in head.cv3:
        branch[-1] = torch.nn.Conv2d(branch[-1].in_channels, classes, 1)
    head.nc, head.no = classes, classes + 4 * head.reg_max
    network.nc = network.yaml["nc"] = classes


def _convolutions(network: Any) -> dict[str, Any]:
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, torch.nn.Conv2d)}


def _fill(network: Any, weights: Weights) -> list[tuple[Any, Any]]:
    """Put *weights* in; each convolution that has a batch normalisation, which then only adds the bias, with that."""
    modules, norms = dict(network.named_modules()), []
    for name, (weight, bias) in weights.items():
        layer = modules[name]
        layer.weight.data = torch.tensor(weight)
        if bias is None:
            continue
        if layer.bias is not None:
            layer.bias.data = torch.tensor(bias)
            continue
        norm = modules[f"{name.removesuffix('conv')}bn"]
        norm.weight.data = torch.full_like(norm.weight, (1 + norm.eps) ** 0.5)
        norm.bias.data = torch.tensor(bias)
        norms.append((layer, norm))
    return norms


def _normalise(network: Any, norms: list[tuple[Any, Any]], inputs: Iterable[torch.Tensor]) -> None:
    """Give each batch normalisation the mean and variance of what comes to it, and the scale that undoes them."""
    sums = [torch.zeros(2, norm.num_features, dtype=torch.float64) for _, norm in norms]
    counts = [0] * len(norms)

    def seen(at: int) -> Any:
        def add(_layer: Any, _inputs: Any, output: torch.Tensor) -> None:
            values = output.double()
            sums[at] += torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
            counts[at] += output.numel() // output.shape[1]

        return add

    hooks = [layer.register_forward_hook(seen(at)) for at, (layer, _) in enumerate(norms)]
    network.eval()
    with torch.no_grad():
        for part in inputs:
            network(part)
    for hook, (_, norm), (total, squares), count in zip(hooks, norms, sums, counts, strict=True):
        hook.remove()
        mean = total / count
        norm.running_mean = mean.float()
        norm.running_var = (squares / count - mean.square()).clamp(min=1e-6).float()
        norm.weight.data = (norm.running_var + norm.eps).sqrt()
        norm.bias.data += norm.running_mean


def _check_answers(network: Any, file: ModelFile, inputs: torch.Tensor) -> None:
    session = onnxruntime.InferenceSession(file.body, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {session.get_inputs()[0].name: inputs.numpy()})
    with torch.no_grad():
        ours = network(inputs)[0].numpy()
    if ours.shape != theirs.shape or np.abs(ours - theirs).max() > ALIKE:
        raise ConfigurationError(
            f"{file.path} answers otherwise than the network of its weights; do: name the .pt that it was made from"
        )


def _inputs(pictures: Sequence[Path], longest: int) -> torch.Tensor:
    return torch.stack([_input(picture, longest) for picture in pictures])


def _input(picture: Path, longest: int) -> torch.Tensor:
    """[3, longest, longest] RGB, 0 to 1."""
    image = cv2.imread(str(picture))
    if image is None:
        raise ConfigurationError(f"{picture} cannot be read; do: prepare the sets again")
    height, width = image.shape[:2]
    fitted = fit((width, height), (longest, longest)).apply(np.asarray(image, np.uint8))
    return torch.from_numpy(fitted[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 255)
