"""What averaging refuses beforehand and what is told of it; tests/training_run.py averages, which needs torch."""

from pathlib import Path

import pytest

from officer.training.average import Share, average
from officer.training.card import _trained
from shared.errors import ConfigurationError


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "last.pt"
    path.write_bytes(b"x")
    return path


def test_without_the_extra_it_says_so(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="officer model average needs the extra train: torch"):
        average([Share(weights, 1)], tmp_path / "mean")


@pytest.mark.parametrize("shares", [(0.5, 0.4), (1.5, -0.5), (1, 0), (float("nan"), 1)])
def test_shares_that_are_no_shares_are_refused(
    weights: Path, tmp_path: Path, shares: tuple[float, float]
) -> None:
    with pytest.raises(ConfigurationError, match=r"allowed: each above 0, 1 together"):
        average([Share(weights, share) for share in shares], tmp_path / "mean")


def test_a_missing_file_is_told(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"other.pt is no file"):
        average([Share(weights, 0.5), Share(tmp_path / "other.pt", 0.5)], tmp_path / "mean")


@pytest.mark.parametrize("there", ["training.json", "weights/last.pt"])
def test_a_run_is_never_written_over(weights: Path, tmp_path: Path, there: str) -> None:
    held = tmp_path / "run" / there
    held.parent.mkdir(parents=True)
    held.write_text("of nine rounds")
    with pytest.raises(ConfigurationError, match="holds a training or an average; do: name another --out"):
        average([Share(weights, 1)], tmp_path / "run")


def test_the_card_tells_each_origin_and_its_share() -> None:
    record = {
        "averaged": [
            {
                "share": 0.6,
                "weights": "last.pt",
                "sha256": "ab",
                "training": {
                    "started_from": "ppe5.pt",
                    "started_from_sha256": "cd",
                    "epochs_seen": 9,
                    "seconds": 5400,
                    "machine": "x86_64",
                    "settings": {"longest": 480, "hours": None},
                    "packages": {"torch": "2"},
                },
            },
            {"share": 0.4, "weights": "old.pt", "sha256": "ef", "training": None},
        ]
    }
    [told] = _trained(record)
    assert "0.6 of `last.pt` (SHA-256 `ab`): Trained from `ppe5.pt`" in told
    assert "9 epochs, 5400 s" in told
    assert "0.4 of `old.pt` (SHA-256 `ef`): where it comes from is not known" in told
