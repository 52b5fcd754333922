"""Train a detector on a prepared folder; a run that was stopped goes on from its last checkpoint."""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from officer.training.extra import require
from officer.training.prepared import RECORD as DATA_RECORD
from officer.training.prepared import read_prepared
from officer.training.provenance import file_sha256, software
from shared.errors import ConfigurationError

RECORD = "training.json"

# Long sides in pixels, shares and counts that worked for a small network on a few thousand pictures; models/README.md
LEARNING = {
    "optimizer": "AdamW",
    "lrf": 0.02,
    "cos_lr": True,
    "warmup_epochs": 0.3,
    "close_mosaic": 3,
    "scale": 0.5,
    "translate": 0.1,
    "fliplr": 0.5,
    "hsv_h": 0.015,
    "hsv_s": 0.5,
    "hsv_v": 0.4,
    "erasing": 0.0,
}

# Without them glibc gives each large tensor back to the kernel and asks for it again: on 2 cores of an AMD EPYC (Milan)
# two thirds of the processor's time went into that, with them 6 %.
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "1000000000000"}


@dataclass(frozen=True, slots=True)
class Training:
    """What to train, from what and for how long.

    Attributes:
        prepared: folder made by `prepare`.
        weights: the .pt to start from. It is a pickle and runs code: only from a source that you trust.
        out: folder of the run; holds weights/last.pt after each epoch, and at the end training.json.
        longest: long side of the pictures in pixels while training.
        epochs: how often each listed picture is seen.
        hours: if given, train for so long instead, however many epochs that makes.
        device: cpu, or the number of a GPU.
        batch: pictures in one step.
        frozen: so many of the first layers are not changed, which saves a third of the time on a CPU.
        rate: the learning rate at its highest; lower for weights that have learnt these pictures before.
        mosaics: share of the pictures that are shown as one of a mosaic of four; 0 for a few rounds, in which a small
            network learns too little rather than too much.
    """

    prepared: Path
    weights: Path
    out: Path
    longest: int = 416
    epochs: int = 30
    hours: float | None = None
    device: str = "cpu"
    batch: int = 16
    frozen: int = 0
    rate: float = 0.001
    mosaics: float = 0.4


def train(training: Training) -> Path:
    """Run or go on with *training*; the path of the trained weights.

    Raises:
        ConfigurationError: the extra train is missing, or a file, a folder or the device is.
    """
    require("train", "torch", "ultralytics")
    check(training)
    without_downloads()
    from officer.training.partial_labels import PartialLabelTrainer

    began, last = time.time(), training.out / "weights" / "last.pt"
    if (training.out / RECORD).exists():
        return last  # it has ended before
    resumed = last.exists()
    try:
        trainer = PartialLabelTrainer(
            overrides=_overrides(training, last if resumed else training.weights, resumed)
        )
        trainer.train()
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, UnpicklingError) as error:
        raise ConfigurationError(
            f"the training cannot {'go on' if resumed else 'begin or end'}: {str(error)[:300]}; do: check "
            f"{training.weights} and {training.prepared}, or try a smaller batch"
        ) from error
    _record(
        training,
        last,
        {"seconds": round(time.time() - began), "resumed": resumed, "epochs_seen": trainer.epoch + 1},
    )
    return last


def check(training: Training) -> None:
    """Look before a long run whether it can begin.

    Raises:
        ConfigurationError: a file or folder is missing, or there is no such device.
    """
    if not read_prepared(training.prepared).pictures("train"):
        raise ConfigurationError(
            f"{training.prepared / 'train.txt'} lists no picture; do: prepare sets with a train split"
        )
    if not training.weights.is_file():
        raise ConfigurationError(
            f"{training.weights} is no file; do: name a .pt to start from, such as yolov8n.pt"
        )
    if training.device != "cpu":
        import torch

        if not training.device.isdigit() or int(training.device) >= torch.cuda.device_count():
            raise ConfigurationError(
                f"device {training.device[:40]!a} is not there; allowed: cpu, or the number of a GPU, of which "
                f"there are {torch.cuda.device_count()}"
            )


def without_downloads() -> None:
    """Keep Ultralytics from installing packages by itself."""
    os.environ["YOLO_AUTOINSTALL"] = "false"


def with_kind_allocator(environment: Mapping[str, str] = os.environ) -> None:
    """Start this very command again with `MALLOC`, which glibc reads only when a process begins; once."""
    if sys.platform == "linux" and not MALLOC.keys() <= environment.keys():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**MALLOC, **environment})  # noqa: S606 - this very command


def _overrides(training: Training, weights: Path, resume: bool) -> dict[str, Any]:
    """What Ultralytics' trainer takes."""
    return {
        **LEARNING,
        "data": str(training.prepared / "data.yaml"),
        "model": str(weights),
        "resume": str(weights) if resume else False,
        "imgsz": training.longest,
        "epochs": training.epochs,
        "time": training.hours,
        "device": training.device,
        "batch": training.batch,
        "nbs": training.batch,
        "lr0": training.rate,
        "mosaic": training.mosaics,
        "freeze": training.frozen or None,
        "workers": 1,
        "cache": "ram",
        "val": False,
        "plots": False,
        "amp": training.device != "cpu",
        "project": str(training.out.parent.resolve()),
        "name": training.out.name,
        "exist_ok": True,
    }


def _record(training: Training, last: Path, run: Mapping[str, Any]) -> None:
    """What was done with what, without paths of this machine."""
    data = training.prepared / DATA_RECORD
    settings = {name: value for name, value in asdict(training).items() if not isinstance(value, Path)}
    record = {
        "data_record_sha256": file_sha256(data) if data.exists() else None,
        "started_from": training.weights.name,
        "started_from_sha256": file_sha256(training.weights),
        "weights_sha256": file_sha256(last),
        "settings": {**settings, **LEARNING},
        **run,
        **software(),
    }
    write_record(training.out, record)


def write_record(run: Path, record: Mapping[str, Any]) -> None:
    """Keep what was done beside the weights of *run*."""
    (run / RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def record_of(weights: Path) -> dict[str, Any] | None:
    """What the run that made *weights* wrote down; None for weights from elsewhere."""
    path = weights.parent.parent / RECORD
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return record
