"""Ultralytics' trainer, taught that a class which a picture's set does not label is unknown there, not absent.

Imported only where the extra `train` is installed.
"""

import math
import os
import random
import time
from pathlib import Path
from typing import Any

import torch
from ultralytics.data import YOLODataset
from ultralytics.data.augment import Compose, Mosaic
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import v8DetectionLoss
from ultralytics.utils.torch_utils import strip_optimizer

from officer.training.prepared import set_of

STRIPPED = -1  # what Ultralytics writes for the epoch when a training has ended


class PartialLabelTrainer(DetectionTrainer):
    """Trains on a folder made by `prepare`, whose data.yaml says under `labelled` which classes each set labels."""

    last: Path

    def __init__(self, overrides: dict[str, Any], spent_s: float = 0.0) -> None:
        """Train as *overrides* say; of the time that they give, *spent_s* seconds are gone."""
        super().__init__(overrides=overrides)
        self._spent_s = spent_s
        self.add_callback("on_train_start", PartialLabelTrainer._clock_goes_on)
        self.add_callback("on_train_epoch_start", PartialLabelTrainer._rounds_go_on)

    def _clock_goes_on(self) -> None:
        self.train_time_start -= self._spent_s

    def _rounds_go_on(self) -> None:
        self.start_epoch = 0  # Ultralytics divides the clock's time by the rounds since then

    def final_eval(self) -> None:
        """Make the weights fit to be used; measuring them is left to `validate`."""
        _finish(self.last)

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> YOLODataset:
        dataset = super().build_dataset(img_path, mode, batch)
        if mode == "train":
            _mix_within_sets(dataset)
        return dataset

    def optimizer_step(self) -> None:
        if self.args.time:
            self._slow_down((time.time() - self.train_time_start) / (3600 * self.args.time))
        super().optimizer_step()

    def _slow_down(self, gone: float) -> None:
        """Let the learning rate fall by the share of the time that has gone.

        Ultralytics lets it fall by rounds: where few fit into the time, the last would learn as coarsely as the first.
        """
        left = (1 + math.cos(math.pi * min(gone, 1.0))) / 2
        share = self.args.lrf + (1 - self.args.lrf) * left
        for group in self.optimizer.param_groups:
            group["lr"] = min(group["lr"], group["initial_lr"] * share)

    def save_model(self) -> Any:
        """Write the checkpoint aside and move it, so that a kill leaves a whole one to go on from."""
        last = self.last
        self.last = aside = _aside(last)
        try:
            return super().save_model()
        finally:
            self.last = last
            if aside.exists():
                aside.replace(last)

    def _setup_train(self) -> None:
        super()._setup_train()
        torch.set_num_threads(os.cpu_count() or 1)  # Ultralytics leaves one core idle
        self.model.criterion = PartialLabelLoss(self.model, _labelled(self.data))


def is_ended(last: Path, spent_s: float) -> bool:
    """Whether the training whose checkpoint is *last*, *spent_s* seconds old, has nothing left to do.

    It may have been killed before it could say so; its weights are then made fit to be used.
    """
    checkpoint = torch.load(last, map_location="cpu", weights_only=False)
    settings, epoch = checkpoint["train_args"], checkpoint["epoch"]
    over = settings["time"] and spent_s >= 3600 * settings["time"]
    ended = bool(epoch == STRIPPED or epoch + 1 >= settings["epochs"] or over)
    if ended:
        _finish(last)
    return ended


def _finish(last: Path) -> None:
    """Make the weights of a checkpoint fit to be used: without what only training needs."""
    strip_optimizer(last, str(_aside(last)))
    _aside(last).replace(last)


def _aside(path: Path) -> Path:
    return path.with_suffix(".part")


def _labelled(data: dict[str, Any]) -> dict[str, torch.Tensor]:
    """For each set, one weight for each class: 1 if the set labels it, 0 if it is unknown there."""
    names = list(data["names"].values())
    return {
        name: torch.tensor([float(label in labels) for label in names])
        for name, labels in data["labelled"].items()
    }


class PartialLabelLoss(v8DetectionLoss):
    """YOLOv8's loss, whose classification part asks of each picture only for the classes that its set labels."""

    def __init__(self, model: DetectionModel, labelled: dict[str, torch.Tensor]) -> None:
        super().__init__(model)
        self._labelled = {name: weights.to(self.device) for name, weights in labelled.items()}
        self.bce = _MaskedCrossEntropy()

    def loss(self, preds: dict[str, torch.Tensor], batch: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        asked = [self._labelled[set_of(file)] for file in batch["im_file"]]
        self.bce.asked = torch.stack(asked)[:, None, :]
        return super().loss(preds, batch)


class _MaskedCrossEntropy(torch.nn.BCEWithLogitsLoss):
    """Element-wise cross entropy, nothing where `asked` [batch, 1, classes] is 0."""

    asked: torch.Tensor

    def __init__(self) -> None:
        super().__init__(reduction="none")

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return super().forward(scores, targets) * self.asked.to(scores.dtype)


def _mix_within_sets(dataset: YOLODataset) -> None:
    """A mosaic counts as one picture, so its parts must come from sets that label the same."""
    places: dict[str, list[int]] = {}
    for index, file in enumerate(dataset.im_files):
        places.setdefault(set_of(file), []).append(index)
    for step in _steps(dataset.transforms):
        if isinstance(step, Mosaic):
            step.__class__ = _MosaicWithinSet
            step.places = places


def _steps(transforms: Compose) -> list[Any]:
    return [
        inner
        for step in transforms.transforms
        for inner in (_steps(step) if isinstance(step, Compose) else [step])
    ]


class _MosaicWithinSet(Mosaic):
    places: dict[str, list[int]]
    _set = ""

    def get_params(self, labels: dict[str, Any]) -> dict[str, Any]:
        self._set = set_of(labels["im_file"])
        return super().get_params(labels)

    def get_indexes(self) -> list[int]:
        return random.choices(self.places[self._set], k=self.n - 1)
