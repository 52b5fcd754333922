"""The edge variant's files: what detection is given, and that nothing gets in or is lost."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.detection.settings import DetectionSettings

FOLDER = Path(__file__).parents[2] / "infra" / "edge"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
DETECTION: dict[str, Any] = COMPOSE["services"]["detection"]
EXAMPLE = (FOLDER / "edge.env.example").read_text("utf-8")
# of AWS's SDK, of the compose files, of the site file
NOT_OURS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "LOG_GROUP",
    "GATE_PASSWORD",
}


def test_every_setting_of_the_example_is_one_that_detection_has() -> None:
    named = set(re.findall(r"^#?([A-Z_0-9]+)=", EXAMPLE, re.MULTILINE))
    assert named - NOT_OURS <= {field.upper() for field in DetectionSettings.model_fields}
    assert set(DETECTION["environment"]) <= {field.upper() for field in DetectionSettings.model_fields}


def test_the_example_holds_no_secret() -> None:
    for line in EXAMPLE.splitlines():
        if re.search(r"(PASSWORD|SECRET|KEY)\w*=", line):
            assert line.startswith("#")
            assert line.endswith("=")


def test_it_runs_without_rights_and_listens_to_this_machine_only() -> None:
    assert DETECTION["read_only"] is True
    assert DETECTION["cap_drop"] == ["ALL"]
    assert "ports" not in DETECTION
    assert DETECTION["environment"]["HEALTH_HOST"] == "127.0.0.1"


def test_what_was_accepted_outlives_the_container_and_a_stop_has_time_to_finish() -> None:
    assert "spool:/data" in DETECTION["volumes"]
    assert DETECTION["environment"]["DATA_DIR"] == "/data"
    assert DETECTION["stop_grace_period"] == "120s"
    unit = (FOLDER / "officer-edge.service").read_text("utf-8")
    assert int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]) > 120  # type: ignore[index]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cloudwatch.yaml", "edge.env.example"])
def test_each_file_is_named_where_somebody_sets_it_up(name: str) -> None:
    documented = (FOLDER.parents[1] / "docs" / "edge.md").read_text("utf-8")
    assert f"infra/edge/{name}" in documented
