"""officer model compare: what it makes of the lines that detection wrote."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from officer.commands import app
from services.detection.adapters.comparison_folder import ComparisonFolder
from services.detection.bootstrap import SystemClock
from services.detection.domain.comparison import Comparison, Difference
from services.detection.domain.detection import Label, ModelInfo
from services.detection.domain.geometry import Box
from shared.errors import ConfigurationError

OLD = ModelInfo("ppe4", "a" * 64, "openvino", (480, 480), frozenset({Label.HARDHAT}), {Label.HARDHAT: 0.2})
NEW = ModelInfo("ppe9", "b" * 64, "openvino", (640, 640), frozenset(Label), {Label.HARDHAT: 0.3}, "2.0.0")
SMALL = np.zeros((64, 64, 3), np.uint8)


def written(data: Path) -> Path:
    """As the service does it: three pictures of a gate, one of a yard."""
    root = data / "state" / "shadow"
    folder = ComparisonFolder(root, OLD, NEW, SystemClock())
    vest = Difference("shadow", Label.VEST, 0.6, Box(1, 1, 9, 9))
    hat = Difference("model", Label.HARDHAT, 0.6, Box(1, 1, 9, 9))
    for camera, seen in (("gate", [vest, hat]), ("gate", []), ("gate", []), ("yard", [])):
        folder.add(camera, SMALL, [], Comparison({Label.HARDHAT: 2}, seen), 0.05)
    (path,) = root.glob("*/looks.jsonl")
    return path


def compared(folder: Path) -> str:
    result = CliRunner().invoke(app, ["model", "compare", str(folder)], env={"COLUMNS": "160"})
    if result.exception:
        raise result.exception
    return result.output


def row(output: str, first: str) -> list[str]:
    (line,) = (line for line in output.splitlines() if line.startswith(f"│ {first} "))
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_boxes_are_told_by_label_with_each_models_threshold(tmp_path: Path) -> None:
    written(tmp_path)
    output = compared(tmp_path)
    assert row(output, "hardhat") == ["hardhat", "8", "1", "0", "89%", "0.2", "0.3"]
    assert row(output, "vest") == ["vest", "0", "0", "1", "0%", "not known", "default"]
    assert f"4 pictures, {datetime.now(UTC):%Y-%m}" in output
    assert row(output, "new: in its shadow")[1:3] == ["ppe9", "2.0.0"]


def test_cameras_are_told_one_by_one(tmp_path: Path) -> None:
    output = compared(written(tmp_path).parent)
    assert row(output, "gate") == ["gate", "2", "1", "33%"]
    assert row(output, "yard") == ["yard", "1", "0", "0%"]


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text() + '{"at": "2026-')
    assert "4 pictures" in compared(tmp_path)


def test_a_folder_without_comparisons_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SHADOW_MODEL_FILE"):
        compared(tmp_path)
