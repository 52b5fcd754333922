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

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel

from officer.training.quantise import in_32_bits, network_input
from services.detection.adapters.model_file import ModelCard, ModelFile, read_card, read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from shared.errors import ConfigurationError

NETWORKS = ("yolov8n", "yolov8s", "yolov8m", "yolo11n", "yolo11s", "yolo11m")
COCO = 80  # classes; a head that began with so many stays as wide
PICTURES = 256  # enough for the mean and variance of a layer
ALIKE_PX, ALIKE_SCORE = 0.5, 0.02  # that answers may differ by, as weights are kept in 16 bits

Weights = dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]]


def unfold(model: Path, pictures: Sequence[Path], longest: int, out: Path) -> None:
    """Write the network of *model* to *out*.

    Args:
        model: an .onnx file that Ultralytics exported from one of `NETWORKS`.
        pictures: what is to be trained on; some of them are looked at.
        longest: long side of the pictures in pixels while training.
        out: a .pt; an existing one is replaced.

    Raises:
        ConfigurationError: *model* is another network, or its answers are not those of its weights.
    """
    file = read_model_file(model, ".onnx")
    card = read_card(onnx_metadata(file), model)
    weights = _weights(file)
    network = _empty(weights, model)
    norms = _fill(network, weights)
    chosen = random.Random(1).sample(pictures, min(PICTURES, len(pictures)))
    _normalise(network, norms, (network_input(path, longest, card.stride) for path in chosen))
    _check_answers(network, file, card, chosen[0])
    network.names = {number: str(card.labels.get(number, number)) for number in range(network.nc)}
    yolo = YOLO(f"{NETWORKS[0]}.yaml", task="detect")
    yolo.model = network
    yolo.save(out)


def _weights(file: ModelFile) -> Weights:
    """Weight and bias of each convolution by its name; of those that are no weights of the file nothing."""
    graph = in_32_bits(onnx.load_model_from_string(file.body)).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found: Weights = {}
    for node in graph.node:
        if node.op_type == "Conv" and values.keys() >= {*node.input[1:]}:
            weight, *bias = [values[name].astype(np.float32) for name in node.input[1:]]
            found[node.input[1].removesuffix(".weight")] = (weight, bias[0] if bias else None)
    return found


def _empty(weights: Weights, model: Path) -> Any:
    """The network of `NETWORKS` into which *weights* fit."""
    shapes = {name: weight.shape for name, (weight, _) in weights.items()}
    classes = next((shape[0] for name, shape in shapes.items() if name.endswith("cv3.0.2")), 1)
    for name in NETWORKS:
        for began_with in (COCO, classes):
            network = DetectionModel(f"{name}.yaml", nc=began_with, verbose=False)
            _set_classes(network, classes)
            if shapes == {at: tuple(layer.weight.shape) for at, layer in _convolutions(network).items()}:
                return network
    raise ConfigurationError(
        f"{model} is no network to begin a training from; allowed: an .onnx file that Ultralytics exported, "
        f"simplified, from {', '.join(NETWORKS)}, or a .pt"
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


def _normalise(network: Any, norms: list[tuple[Any, Any]], inputs: Iterable[npt.NDArray[np.float32]]) -> None:
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
            network(torch.from_numpy(part))
    for hook, (_, norm), (total, squares), count in zip(hooks, norms, sums, counts, strict=True):
        hook.remove()
        mean = total / count
        norm.running_mean = mean.float()
        norm.running_var = (squares / count - mean.square()).clamp(min=1e-6).float()
        norm.weight.data = (norm.running_var + norm.eps).sqrt()
        norm.bias.data += norm.running_mean


def _check_answers(network: Any, file: ModelFile, card: ModelCard, picture: Path) -> None:
    session = onnxruntime.InferenceSession(file.body, providers=["CPUExecutionProvider"])
    (wanted,) = session.get_inputs()
    height, width = wanted.shape[2:]
    fixed = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    inputs = network_input(picture, card.longest, card.stride, fixed)
    (theirs,) = session.run(None, {wanted.name: inputs})
    with torch.no_grad():
        ours = network(torch.from_numpy(inputs))[0].numpy()
    if not _alike(ours, theirs):
        raise ConfigurationError(
            f"{file.path} answers otherwise than the network of its weights; do: name the .pt that it was made from"
        )


def _alike(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> bool:
    if ours.shape != theirs.shape:
        return False
    boxes, scores = np.split(np.abs(ours - theirs), [4], axis=1)
    return bool(boxes.max() <= ALIKE_PX and scores.max() <= ALIKE_SCORE)
