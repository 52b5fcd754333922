"""What is generated from the code is up to date, and documents name only what exists."""

import json
from pathlib import Path

import pytest

from officer.summary import summary_schema
from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from shared.config.settings import ServiceSettings, read_settings
from tools import check_docs, check_lock
from tools.env_example import PATH, env_example

ROOT = Path(__file__).parents[2]


def test_env_example_names_every_variable_of_both_services() -> None:
    assert PATH.read_text("utf-8") == env_example(), "run: python tools/env_example.py"


def test_the_published_summary_schema_is_that_of_the_code() -> None:
    published = json.loads((ROOT / "docs" / "summary.schema.json").read_text())
    assert published == summary_schema(), "run: python tools/publish_schemas.py"


@pytest.mark.parametrize("settings", [AgentSettings, DetectionSettings])
def test_each_setting_is_described(settings: type[ServiceSettings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def test_one_services_variables_are_no_slips_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both get the same environment."""
    for settings in (AgentSettings, DetectionSettings):
        for name in settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
    for settings, other in ((AgentSettings, DetectionSettings), (DetectionSettings, AgentSettings)):
        with monkeypatch.context() as environment:
            environment.setenv("DATA_DIR", "out")
            environment.setenv("SITE_FILE", "site.yaml")
            for name in set(other.model_fields) - set(settings.model_fields):
                environment.setenv(name.upper(), "1")
            assert read_settings(settings)


def test_documents_name_only_what_exists() -> None:
    assert check_docs.main() == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("officer wach clip.mp4", "has no command wach"),
        ("officer watch clip.mp4 --sight x", "has no option --sight"),
        ("make instal", "`make instal` is no target"),
        ("see docs/nothing.md", "docs/nothing.md does not exist"),
    ],
)
def test_a_document_that_names_what_is_not_there_is_found(line: str, problem: str) -> None:
    assert any(problem in told for told in check_docs.check_line(line))


def test_the_lock_is_in_step_with_the_project() -> None:
    assert check_lock.main() == 0
