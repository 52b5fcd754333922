"""Which model writes reports, if any, and within which limits."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

OPENAI = "openai"
NO_KEY = (
    "LLM_MODEL names an OpenAI model, but there is no key; do: set OPENAI_API_KEY, or LLM_BASE_URL for a local server, "
    "or leave LLM_MODEL empty for the template"
)


def _plain_url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or "@" in value or any(c.isspace() for c in value):
        raise ValueError(
            "write an http or https URL without user and password; the key goes into LLM_API_KEY"
        )
    return value


class LlmSettings(BaseSettings):
    """Settings of the report writer; without LLM_MODEL the template writes and nothing leaves the machine."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    llm_model: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*:\S+$", max_length=200)] | None = Field(
        None, description="provider:model, such as openai:gpt-5-mini; empty: the template writes"
    )
    llm_base_url: Annotated[str, AfterValidator(_plain_url)] | None = Field(
        None, description="any OpenAI-compatible server, such as http://127.0.0.1:11434/v1 for Ollama"
    )
    llm_api_key: SecretStr | None = Field(None, description="key for LLM_BASE_URL or another provider")
    openai_api_key: SecretStr | None = Field(
        None, description="key for OpenAI itself; never sent to LLM_BASE_URL"
    )
    llm_timeout_s: float = Field(
        45, gt=0, le=50, description="seconds for one try, from request to whole answer"
    )
    llm_temperature: float | None = Field(
        None, ge=0, le=2, description="empty: the model's own (some models take no other)"
    )
    llm_max_output_tokens: int = Field(8_000, ge=500, le=100_000, description="most tokens of one answer")
    llm_price_input: float = Field(0, ge=0, description="US dollars for a million input tokens")
    llm_price_output: float = Field(0, ge=0, description="US dollars for a million output tokens")
    llm_send_picture: bool = Field(
        True, description="send the blurred picture; unblurred ones are never sent"
    )
    llm_breaker_failures: int = Field(
        3,
        ge=1,
        le=100,
        description="after so many failed reports in a row the model is left alone for a while",
    )
    llm_breaker_rest_s: float = Field(120, gt=0, le=3_600, description="seconds that it is left alone")

    @property
    def key(self) -> SecretStr | None:
        """The key to send; OPENAI_API_KEY goes to OpenAI only, not to whatever LLM_BASE_URL names."""
        provider = (self.llm_model or "").partition(":")[0]
        if self.llm_api_key or self.llm_base_url or provider != OPENAI:
            return self.llm_api_key
        return self.openai_api_key

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        """What so many tokens cost by the prices set here, in US dollars."""
        price = input_tokens * self.llm_price_input + output_tokens * self.llm_price_output
        return round(price / 1_000_000, 6)

    @model_validator(mode="after")
    def _fits_together(self) -> "LlmSettings":
        if conflicts := self.conflicts():
            raise ValueError("\n".join(conflicts))
        return self

    def conflicts(self) -> list[str]:
        """See `shared.config.settings.ServiceSettings.conflicts`."""
        if (self.llm_model or "").startswith(f"{OPENAI}:") and not self.llm_base_url and not self.key:
            return [NO_KEY]
        return []
