"""Settings of the model's writer: nothing by default, keys only where they belong."""

import pytest
from pydantic import SecretStr, ValidationError

from services.agent.adapters.circuit_breaker import CircuitBreaker
from services.agent.adapters.langchain_report_writer import LangChainReportWriter
from services.agent.adapters.llm_settings import LlmSettings
from services.agent.adapters.report_writers import compose_writer
from services.agent.adapters.template_report_writer import TemplateReportWriter

NAMES = [name.upper() for name in LlmSettings.model_fields]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_without_a_model_the_template_writes() -> None:
    assert isinstance(compose_writer(LlmSettings()), TemplateReportWriter)


def test_with_a_model_the_model_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_MODEL", "openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")

    assert isinstance(compose_writer(LlmSettings()), LangChainReportWriter)


def test_openai_without_a_key_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValidationError, match="set OPENAI_API_KEY"):
        LlmSettings(llm_model="openai:gpt-5-mini")


def test_a_local_server_needs_no_key() -> None:
    settings = LlmSettings(llm_model="openai:qwen2.5vl:7b", llm_base_url="http://127.0.0.1:11434/v1")

    assert isinstance(compose_writer(settings), LangChainReportWriter)


def test_the_key_of_openai_is_not_sent_elsewhere() -> None:
    elsewhere = LlmSettings(
        llm_model="openai:m", llm_base_url="https://models.example/v1", openai_api_key=SecretStr("sk-x")
    )

    assert elsewhere.key is None
    assert LlmSettings(llm_model="anthropic:m", openai_api_key=SecretStr("sk-x")).key is None


def test_no_key_is_shown() -> None:
    settings = LlmSettings(
        llm_model="openai:m", openai_api_key=SecretStr("sk-x"), llm_api_key=SecretStr("sk-y")
    )

    assert "sk-" not in f"{settings!r} {settings} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_MODEL", "gpt-5"),
        ("LLM_MODEL", ":gpt-5"),
        ("LLM_BASE_URL", "localhost:11434"),
        ("LLM_BASE_URL", "file:///etc/passwd"),
        ("LLM_BASE_URL", "https://user:secret@models.example/v1"),
        ("LLM_TIMEOUT_S", "0"),
        ("LLM_TIMEOUT_S", "600"),
        ("LLM_PRICE_INPUT", "-1"),
        ("LLM_TEMPERATURE", "7"),
    ],
)
def test_a_wrong_value_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as refusal:
        LlmSettings()
    assert "secret" not in str(refusal.value)


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_try_after_the_rest() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=2, rest_s=10, clock=lambda: now[0])

    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.lets_through()
    breaker.failed()
    assert not breaker.lets_through()
    now[0] = 10.0
    assert breaker.lets_through()
    assert not breaker.lets_through()
    breaker.succeeded()
    assert breaker.lets_through()
