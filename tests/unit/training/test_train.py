"""What training does before and around the training itself, which needs torch: tests/training_run.py runs that."""

from pathlib import Path

import pytest

from officer.training.train import MALLOC, Training, check, train, with_kind_allocator
from shared.errors import ConfigurationError
from tests.labelled_sets import PERSON, write_set
from tests.prepared_sets import prepared_folder


@pytest.fixture
def training(tmp_path: Path) -> Training:
    folder = prepared_folder(tmp_path, write_set(tmp_path / "one", {"train/a": [PERSON]}))
    weights = tmp_path / "start.pt"
    weights.write_bytes(b"x")
    return Training(folder, weights, tmp_path / "run")


def test_without_the_extra_it_says_so(training: Training) -> None:
    with pytest.raises(
        ConfigurationError, match="officer model train needs the extra train: torch, ultralytics"
    ):
        train(training)


def test_a_prepared_folder_and_weights_are_enough(training: Training) -> None:
    check(training)


def test_what_is_missing_is_told_before_hours_of_work(training: Training, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"other.pt is no file; do: name an .onnx or .pt to start from"
    ):
        check(Training(training.prepared, tmp_path / "other.pt", training.out))
    (training.prepared / "train.txt").write_text("")
    with pytest.raises(ConfigurationError, match="lists no picture"):
        check(training)
    with pytest.raises(ConfigurationError, match="is not prepared"):
        check(Training(tmp_path / "one", training.weights, training.out))


def test_a_process_that_has_the_settings_is_not_started_again() -> None:
    with_kind_allocator(MALLOC)
