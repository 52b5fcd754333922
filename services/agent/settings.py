"""The agent service's settings, from the environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from services.agent.adapters.llm_settings import LlmSettings
from shared.config.settings import ServiceSettings, Words
from shared.config.site import Recipient

LOCAL_SENDER = "officer@localhost"
PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _address(value: str) -> str:
    try:
        return _RECIPIENT.validate_python({"address": value}).address
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from error


def _addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_address(value) for value in values)


_RECIPIENT = TypeAdapter(Recipient)


class AgentSettings(ServiceSettings, LlmSettings):
    """Where reports and mails go, and who writes them."""

    model_config = SettingsConfigDict(title="AgentSettings")

    database_url: SecretStr | None = Field(
        None,
        description="postgresql://user:password@host:5432/name, or sqlite:////path; else officer.db in DATA_DIR",
    )
    mail_transport: Literal["folder", "smtp"] = Field(
        "folder", description="folder writes .eml files into DATA_DIR/mail"
    )
    mail_from: Annotated[str, AfterValidator(_address)] = Field(
        LOCAL_SENDER, description="address that mails come from; needed for smtp"
    )
    mail_to: Annotated[Words, AfterValidator(_addresses)] = Field(
        (), description="addresses separated by commas that get every report; else the site file's recipients"
    )
    mail_cap_per_hour: int = Field(
        20, ge=1, le=1000, description="most mails for one recipient in an hour; beyond it one digest"
    )
    smtp_host: str | None = Field(None, description="mail server; needed for smtp")
    smtp_port: int | None = Field(
        None, ge=1, le=65_535, description="else 587 for starttls, 465 for tls, 25 for none"
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none sends mails and the password in clear: own network only"
    )
    smtp_user: str = Field("", description="login name; empty for a server that asks for none")
    smtp_password: SecretStr | None = Field(None, description="its password")
    smtp_ca_file: Path | None = Field(
        None, description="certificates to trust instead of the system's, in PEM"
    )
    lease_s: float = Field(
        30, ge=0.5, le=600, description="seconds after which a killed worker's work passes to another"
    )

    @model_validator(mode="after")
    def _mail_can_go_out(self) -> "AgentSettings":
        problems = [] if self.mail_transport == "folder" else list(self._smtp_problems())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _smtp_problems(self) -> list[str]:
        found = {
            "SMTP_HOST is missing; do: name the mail server, or set MAIL_TRANSPORT=folder": not self.smtp_host,
            "MAIL_FROM is missing; do: set the address that mails come from": self.mail_from == LOCAL_SENDER,
            "SMTP_USER is set without SMTP_PASSWORD; do: set both or none": bool(self.smtp_user)
            != bool(self.smtp_password),
        }
        if self.smtp_ca_file and not self.smtp_ca_file.is_file():
            found[f"SMTP_CA_FILE names {str(self.smtp_ca_file)[:200]!a}, which is no file"] = True
        return [text for text, wrong in found.items() if wrong]

    @property
    def database(self) -> str:
        """Address of the database; it may hold a password."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / 'officer.db').resolve()}"
