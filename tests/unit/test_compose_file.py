"""docker-compose.yml gives each service every setting that it has, and no secret of the other's."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from shared.config.settings import is_secret

SERVICES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "docker-compose.yml").read_text("utf-8")
)["services"]
# in one variable each (DATABASE_URL, QUEUE_NAME), set in the image, or of no use without a mount (docs/compose.md)
IN_PARTS = {
    "db_host",
    "db_port",
    "db_name",
    "db_user",
    "db_password",
    "db_ca_file",
    "queue_url",
    "smtp_ca_file",
}
OF_THE_IMAGE = {"data_dir"}


def environment(service: str) -> dict[str, Any]:
    found: dict[str, Any] = SERVICES[service]["environment"]
    return found


def test_the_agent_gets_every_setting_of_its_own_by_name() -> None:
    given = {name.lower() for name in environment("agent")}
    assert set(AgentSettings.model_fields) - given == IN_PARTS | OF_THE_IMAGE
    assert "env_file" not in SERVICES["agent"]  # cameras' passwords are not for it


def test_detection_gets_no_secret_of_the_agents() -> None:
    theirs = {name for name, field in AgentSettings.model_fields.items() if is_secret(field)}
    for name in theirs - set(DetectionSettings.model_fields):
        assert environment("detection")[name.upper()] == ""


@pytest.mark.parametrize("service", [name for name in SERVICES if name not in ("officer", "migrate")])
def test_a_service_that_stays_is_bounded_and_starts_again(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert SERVICES[service]["mem_limit"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_port_is_open_to_this_machine_only(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


def test_an_agent_may_have_brothers() -> None:
    assert not {"container_name", "ports", "hostname"} & set(SERVICES["agent"])
