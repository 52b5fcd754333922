"""The agent service's settings, from the environment."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import SettingsConfigDict

from services.agent.adapters.llm_settings import LlmSettings
from shared.config.settings import BUCKET, ServiceSettings, Words
from shared.config.site import Recipient

LOCAL_SENDER = "officer@localhost"
POSTGRES = "postgresql"
PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _address(value: str) -> str:
    try:
        return _RECIPIENT.validate_python({"address": value}).address
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from error


def _addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_address(value) for value in values)


def _host(value: str) -> str:
    try:
        value.encode("idna")  # as the resolver will
    except UnicodeError as error:
        raise ValueError("is no host name; allowed: such as mail.example.org, or an IP address") from error
    return value


_RECIPIENT = TypeAdapter(Recipient)


class AgentSettings(ServiceSettings, LlmSettings):
    """Where reports and mails go, and who writes them."""

    model_config = SettingsConfigDict(title="AgentSettings")

    report_bucket: str | None = Field(
        None,
        pattern=BUCKET,
        description="S3 bucket of the reports; needed for STORE=s3, may be EVIDENCE_BUCKET",
    )
    database_url: SecretStr | None = Field(
        None,
        description="postgresql://user:password@host:5432/name, or sqlite:////path; else DB_HOST; "
        "else officer.db in DATA_DIR",
    )
    db_host: str | None = Field(None, description="Postgres server, where its address comes in parts")
    db_port: int = Field(5432, ge=1, le=65_535, description="its port")
    db_name: str = Field("officer", description="name of the database there")
    db_user: str | None = Field(None, description="user there; needed for DB_HOST")
    db_password: SecretStr | None = Field(None, description="that user's password")
    db_ca_file: Path | None = Field(
        None,
        description="certificates in PEM to verify the Postgres server and its name by (sslmode=verify-full), such as "
        "the bundle of Amazon RDS; empty: what DATABASE_URL says, else encrypted if the server offers it",
    )
    mail_transport: Literal["folder", "smtp", "ses"] = Field(
        "folder", description="folder writes .eml files into DATA_DIR/mail; ses is Amazon's service"
    )
    mail_from: Annotated[str, AfterValidator(_address)] = Field(
        LOCAL_SENDER, description="address that mails come from; needed for smtp and ses"
    )
    mail_to: Annotated[Words, AfterValidator(_addresses)] = Field(
        (), description="addresses separated by commas that get every report; else the site file's recipients"
    )
    mail_cap_per_hour: int = Field(
        20,
        ge=1,
        le=1000,
        description="most mails for one recipient in an hour, critical ones aside; beyond it digests",
    )
    smtp_host: Annotated[str, AfterValidator(_host)] | None = Field(
        None, description="mail server; needed for smtp"
    )
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

    def conflicts(self) -> list[str]:
        """See `ServiceSettings.conflicts`."""
        found = {
            "REPORT_BUCKET is missing; do: name the bucket, or set STORE=folder": self.store == "s3"
            and not self.report_bucket,
            **self._database_conflicts(),
            **self._mail_conflicts(),
        }
        own = [text for text, wrong in found.items() if wrong]
        return [*ServiceSettings.conflicts(self), *LlmSettings.conflicts(self), *own]

    def _database_conflicts(self) -> dict[str, bool]:
        url = self.database_url.get_secret_value() if self.database_url else ""
        postgres = bool(self.db_host) or url.startswith(POSTGRES)
        return {
            "DATABASE_URL is set, and so is DB_HOST; do: unset one of them": bool(url and self.db_host),
            "DB_USER is missing; do: set the user of the database, or unset DB_HOST": bool(self.db_host)
            and not self.db_user,
            "DB_USER or DB_PASSWORD is set without DB_HOST; do: name the server, or unset them": not self.db_host
            and bool(self.db_user or self.db_password),
            "DB_CA_FILE is set, but the database is no Postgres; do: unset it": bool(self.db_ca_file)
            and not postgres,
            "DB_CA_FILE is set, and DATABASE_URL has an sslmode of its own; do: remove one of them": bool(
                self.db_ca_file
            )
            and "sslmode=" in url,
            **_no_file("DB_CA_FILE", self.db_ca_file),
        }

    def _mail_conflicts(self) -> dict[str, bool]:
        if self.mail_transport == "folder":
            return {}
        found = {
            "MAIL_FROM is missing; do: set the address that mails come from": self.mail_from == LOCAL_SENDER
        }
        if self.mail_transport == "ses":
            words = "MAIL_FROM has letters outside ASCII before the @, which SES does not take; do: use another address"
            return {**found, words: not self.mail_from.rpartition("@")[0].isascii()}
        return {
            **found,
            "SMTP_HOST is missing; do: name the mail server, or set MAIL_TRANSPORT=folder": not self.smtp_host,
            "SMTP_USER is set without SMTP_PASSWORD; do: set both or none": bool(self.smtp_user)
            != bool(self.smtp_password),
            "SMTP_USER or SMTP_PASSWORD has letters outside ASCII, which logins do not take; do: set others": not (
                self.smtp_user.isascii()
                and (self.smtp_password is None or self.smtp_password.get_secret_value().isascii())
            ),
            **_no_file("SMTP_CA_FILE", self.smtp_ca_file),
        }

    @property
    def database(self) -> str:
        """Address of the database; it may hold a password."""
        if not (self.database_url or self.db_host):
            return f"sqlite:///{(self.data_dir / 'officer.db').resolve()}"
        url = self.database_url.get_secret_value() if self.database_url else self._address_of_parts()
        if not self.db_ca_file:
            return url
        verified = urlencode({"sslmode": "verify-full", "sslrootcert": str(self.db_ca_file)})
        return f"{url}{'&' if '?' in url else '?'}{verified}"

    def _address_of_parts(self) -> str:
        password = f":{quote(self.db_password.get_secret_value(), safe='')}" if self.db_password else ""
        user, name = quote(self.db_user or "", safe=""), quote(self.db_name, safe="")
        return f"{POSTGRES}://{user}{password}@{self.db_host}:{self.db_port}/{name}"


def _no_file(name: str, path: Path | None) -> dict[str, bool]:
    return (
        {f"{name} names {str(path)[:200]!a}, which is no file": True} if path and not path.is_file() else {}
    )
