"""Train a detector on a prepared folder; a run that was stopped goes on from its last checkpoint."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from officer.training.extra import NO_WEIGHTS, require
from officer.training.prepared import content_of, read_prepared
from officer.training.provenance import file_sha256, read_record, software, training_of, write_record
from services.detection.adapters.model_file import read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
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
        weights: what to start from: an .onnx file as the product loads it, or a .pt. A .pt is a pickle and runs code:
            only from a source that you trust.
        out: folder of the run; holds weights/last.pt after each epoch, and at the end training.json; start.pt, where it
            began from an .onnx file.
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
        ConfigurationError: the extra train is missing, a file, a folder or the device is, or the folder holds another
            training.
    """
    require("train", "torch", "ultralytics", "onnx")
    check(training)
    without_downloads()
    last = training.out / "weights" / "last.pt"
    record, resumed = _begun(training, last), last.exists()
    if record.get("ended"):
        return last
    from officer.training.partial_labels import PartialLabelTrainer, is_ended

    def keep(trainer: PartialLabelTrainer) -> None:
        record["seconds"] = round(time.time() - trainer.train_time_start)
        record["epochs_seen"] = trainer.epoch + 1
        write_record(training.out / RECORD, record)

    try:
        if not (resumed and is_ended(last, record["seconds"])):
            weights = last if resumed else _start(training)
            trainer = PartialLabelTrainer(_overrides(training, weights, resumed), record["seconds"])
            trainer.add_callback("on_model_save", keep)
            trainer.train()
    except NO_WEIGHTS as error:
        raise ConfigurationError(
            f"the training cannot {'go on' if resumed else 'begin or end'}: {str(error)[:300]}; do: check "
            f"{training.weights} and {training.prepared}, or try a smaller batch"
        ) from error
    write_record(training.out / RECORD, {**record, "ended": True, "weights_sha256": file_sha256(last)})
    return last


def _start(training: Training) -> Path:
    if training.weights.suffix != ".onnx":
        return training.weights
    from officer.training.unfolded import unfold

    start = training.out / "start.pt"
    unfold(training.weights, read_prepared(training.prepared).pictures("train"), training.longest, start)
    return start


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
            f"{training.weights} is no file; do: name an .onnx or .pt to start from, such as models/ppe.onnx"
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


def _begun(training: Training, last: Path) -> dict[str, Any]:
    """The record of the training that has made *last*; begun with this one if none has."""
    settings = {
        **{name: value for name, value in asdict(training).items() if not isinstance(value, Path)},
        **LEARNING,
    }
    asked = {
        "data_sha256": content_of(training.prepared),
        "started_from_sha256": file_sha256(training.weights),
        "settings": settings,
    }
    found = record_of(last)
    if found is None or not last.exists():
        if found is None and last.parent.exists():
            raise ConfigurationError(
                f"{training.out} holds weights without a {RECORD}; do: name another --out"
            )
        started = {
            "started_from": training.weights.name,
            **asked,
            "start": _record_of_start(training.weights),
            "seconds": 0,
            "epochs_seen": 0,
            **software(),
        }
        training.out.mkdir(parents=True, exist_ok=True)
        write_record(training.out / RECORD, started)
        return started
    other = [name for name in asked if name != "settings" and found.get(name) != asked[name]]
    other += [name for name, value in settings.items() if found.get("settings", {}).get(name) != value]
    if set(other) - {"device"}:
        raise ConfigurationError(
            f"{training.out} holds a training that began with another {', '.join(other)}; do: say the same as then, "
            "or name another --out"
        )
    return found


def _record_of_start(weights: Path) -> dict[str, Any] | None:
    if weights.suffix == ".onnx":
        return training_of(onnx_metadata(read_model_file(weights, ".onnx")))
    return record_of(weights)


def record_of(weights: Path) -> dict[str, Any] | None:
    """What the run that made *weights* wrote down, without paths of its machine; None for weights from elsewhere.

    Raises:
        ConfigurationError: it cannot be read.
    """
    path = weights.parent.parent / RECORD
    try:
        return read_record(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({str(error)[:120]}); do: remove it") from error
