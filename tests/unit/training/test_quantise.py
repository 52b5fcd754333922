"""What the file of a variant says; the calibration itself needs NNCF, of the extra train."""

from pathlib import Path

import onnx
import pytest

from officer.training.quantise import as_variant, quantise
from services.detection.adapters.model_file import ModelFile, read_card
from services.detection.adapters.onnx_file import onnx_metadata
from shared.errors import ConfigurationError
from tests.onnx_models import metadata, raw_answer, thresholds, yolo_model

ORIGIN = "ab" * 32
MEASURED = {
    "officer_name": "ppe5",
    "officer_version": "0.3.0",
    "officer_thresholds": thresholds(person=0.4),
    "officer_reliability": '{"no_hardhat": {"seen-missing": 0.95}}',
    "officer_data_sha256": "cd" * 32,
    "officer_software": "0.1.0",
}


def told_by(*, variant_of: str, **told: str) -> dict[str, str]:
    """What the variant says that is made of a model with *told* in its metadata."""
    origin = yolo_model(raw_answer([(32, 32, 32, 48, 0.9, 0)]), metadata(**told))
    body = as_variant(onnx.load_from_string(origin), variant_of)
    return onnx_metadata(ModelFile(Path("ppe5-int8.onnx"), body, ""))


def test_a_variant_copies_nothing_that_was_measured_of_its_origin() -> None:
    told = told_by(**MEASURED, license="AGPL-3.0", officer_training="{}", variant_of=ORIGIN)
    kept = {"license": "AGPL-3.0", "officer_training": "{}", "officer_variant_of": ORIGIN}
    assert told == metadata(**kept)
    card = read_card(told, Path("ppe5-int8.onnx"))
    assert (card.name, card.version, card.thresholds, card.reliability) == ("ppe5-int8", "", {}, {})


def test_a_variant_of_a_variant_names_the_one_that_it_was_made_from() -> None:
    assert told_by(variant_of=ORIGIN, officer_variant_of="ef" * 32)["officer_variant_of"] == ORIGIN


def test_a_model_is_not_written_over_by_its_variant(tmp_path: Path) -> None:
    model, link = tmp_path / "ppe5.onnx", tmp_path / "int8.onnx"
    link.symlink_to(model)
    for out in (model, link):
        with pytest.raises(ConfigurationError, match="is the model itself; do: name another file"):
            quantise(model, tmp_path / "prepared", out)
