"""The weighted average of several trainings of one network: often better than each of them, at no cost when it runs.

It works where the trainings have a start in common (Wortsman et al., Model soups, ICML 2022); of others the average is
worth nothing. Validate it like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

from officer.training.extra import NO_WEIGHTS, require
from officer.training.provenance import file_sha256, software, write_record
from officer.training.train import RECORD, record_of, without_downloads
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Share:
    """What one training has in the average.

    Attributes:
        weights: a .pt. It is a pickle and runs code: only from a source that you trust.
        share: above 0; those of all add up to 1.
    """

    weights: Path
    share: float


def average(shares: Sequence[Share], out: Path) -> Path:
    """Write the average of *shares* into *out* as a training's run would be; the path of its weights.

    Raises:
        ConfigurationError: the extra train is missing, the shares do not add up to 1, the files are not trainings of
            one network, or *out* holds a run.
    """
    check(shares, out)
    require("average", "torch", "ultralytics")
    without_downloads()
    from ultralytics import YOLO

    try:
        models = [YOLO(share.weights, task="detect") for share in shares]
        mean = _mean([model.model.float() for model in models], [share.share for share in shares])
    except NO_WEIGHTS as error:
        raise ConfigurationError(
            f"these weights cannot be averaged: {str(error)[:300]}; allowed: .pt files that 'officer model train' has "
            "made of one network with the same classes"
        ) from error
    models[0].model.load_state_dict(mean)
    made = out / "weights" / "last.pt"
    made.parent.mkdir(parents=True, exist_ok=True)
    models[0].save(made)
    write_record(
        out / RECORD, {"averaged": [one for share in shares for one in _origins(share)], **software()}
    )
    return made


def check(shares: Sequence[Share], out: Path) -> None:
    """Look before anything is loaded.

    Raises:
        ConfigurationError: a file is missing, the shares do not add up to 1, or *out* holds a run.
    """
    if (out / RECORD).exists() or (out / "weights").exists():
        raise ConfigurationError(f"{out} holds a training or an average; do: name another --out")
    for share in shares:
        if not share.weights.is_file():
            raise ConfigurationError(f"{share.weights} is no file; do: name a .pt that was trained")
    total = sum(share.share for share in shares)
    if any(share.share <= 0 for share in shares) or not isclose(total, 1, abs_tol=1e-6):
        raise ConfigurationError(
            f"the shares are {', '.join(f'{share.share:g}' for share in shares)}; allowed: each above 0, 1 together"
        )


def _mean(models: Sequence[Any], shares: Sequence[float]) -> dict[str, "torch.Tensor"]:
    """Of each number; counters are those of the first."""
    states = [model.state_dict() for model in models]
    mean = dict(states[0])
    for model, state in zip(models, states, strict=True):
        if model.names != models[0].names or state.keys() != mean.keys():
            raise ValueError("their classes or layers differ")
    for name, value in states[0].items():
        if value.is_floating_point():
            mean[name] = sum(state[name] * share for state, share in zip(states, shares, strict=True))
    return mean


def _origins(share: Share) -> list[dict[str, Any]]:
    """Of an average, what that was made from."""
    training = record_of(share.weights)
    if training and "averaged" in training:
        return [{**origin, "share": origin["share"] * share.share} for origin in training["averaged"]]
    return [
        {
            "share": share.share,
            "weights": share.weights.name,
            "sha256": file_sha256(share.weights),
            "training": training,
        }
    ]
