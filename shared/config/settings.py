"""The environment, read strictly: the base of both services' settings.

A secret is a `SecretStr` field; its value comes from NAME, or from the file that NAME_FILE names (as Docker and
Kubernetes mount secrets). Nothing required has a default.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from shared.config.problems import explain, nearest
from shared.errors import ConfigurationError

MAX_SECRET_BYTES = 16 * 1024
BUCKET = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list in one variable, separated by commas."""


class SettingsError(ConfigurationError):
    """The environment is wrong."""


class ServiceSettings(BaseSettings):
    """What both services need from the environment."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    data_dir: Path = Field(description="folder for the database, evidence, spool, reports and mails")
    site_file: Path = Field(description="the site file: cameras, zones, rules and recipients")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="least important log line that is written. "
        "Under `officer watch`: that is shown; run.log has all from info on",
    )
    log_status_every_s: float = Field(
        1, ge=0, le=3600, description="seconds from one routine line of a camera or the agent to its next"
    )
    store: Literal["folder", "s3"] = Field(
        "folder", description="where pictures and reports go: into DATA_DIR, or into S3 buckets"
    )
    queue: Literal["sqlite", "sqs"] = Field(
        "sqlite", description="what carries violations to the agent: a file in DATA_DIR, or a queue in SQS"
    )
    evidence_bucket: str | None = Field(
        None, pattern=BUCKET, description="S3 bucket of the pictures and messages; needed for STORE=s3"
    )
    queue_name: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_-]{1,80}$",
        description="SQS queue in our own account and region; this or QUEUE_URL is needed for QUEUE=sqs",
    )
    queue_url: str | None = Field(
        None, pattern="^https?://[^ ]+/[^ /]+$", description="SQS queue by its address, of any account"
    )
    aws_region: str | None = Field(
        None,
        pattern="^[a-z0-9-]{1,40}$",
        description="region of buckets, queue and SES, such as eu-central-1; else AWS_DEFAULT_REGION or the profile's. "
        "Credentials and AWS_ENDPOINT_URL are read by the AWS SDK as everywhere",
    )
    health_port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="port for /healthz, /readyz and /metrics, such as 9100; empty: none is opened. "
        "Under `officer watch` the agent takes the next one",
    )
    health_host: str = Field(
        "127.0.0.1", description="address that HEALTH_PORT listens at; 0.0.0.0 in a container"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "ServiceSettings":
        if conflicts := self.conflicts():
            raise ValueError("\n".join(conflicts))
        return self

    def conflicts(self) -> list[str]:
        """Settings that are right one by one and do not fit together, each in words."""
        found = {
            "EVIDENCE_BUCKET is missing; do: name the bucket, or set STORE=folder": self.store == "s3"
            and not self.evidence_bucket,
            "QUEUE_NAME is missing; do: name the queue (or set QUEUE_URL), or set QUEUE=sqlite": self.queue
            == "sqs"
            and not (self.queue_name or self.queue_url),
            "QUEUE_NAME is set, and so is QUEUE_URL; do: unset one of them": bool(
                self.queue_name and self.queue_url
            ),
        }
        return [text for text, wrong in found.items() if wrong]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SecretFiles(settings_cls)


Settings = TypeVar("Settings", bound=ServiceSettings)


def read_settings(kind: type[Settings]) -> Settings:
    """Settings of *kind* from the environment.

    Raises:
        SettingsError: all problems of the environment in one message; no secret is shown.
    """
    settings, problems = _read(kind)
    if settings is None or problems:
        raise _refusal(problems)
    return settings


def check_settings(*kinds: type[ServiceSettings]) -> None:
    """Look whether the environment suits all *kinds* of services.

    Raises:
        SettingsError: it does not; all problems of all of them, each once.
    """
    problems = dict.fromkeys(problem for kind in kinds for problem in _read(kind)[1])
    if problems:
        raise _refusal(list(problems))


def _read(kind: type[Settings]) -> tuple[Settings | None, list[str]]:
    problems = [*_misspelt(kind), *_bad_secrets(kind)]
    try:
        return kind(), problems
    except ValidationError as error:
        return None, [*problems, *_in_words(error, kind), *_conflicts_besides(error, kind)]


def _refusal(problems: list[str]) -> SettingsError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return SettingsError("\n".join([f"environment: {count}", *problems]))


def is_secret(field: FieldInfo) -> bool:
    """Whether the field's value must never be shown."""
    return "SecretStr" in str(field.annotation)


class _SecretFiles(PydanticBaseSettingsSource):
    """NAME_FILE names a file that holds the secret NAME; one line break at its end belongs to the file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{field_name.upper()}_FILE", "")
        if not (path and is_secret(field)):
            return None, field_name, False
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None, field_name, False  # told by _bad_secrets
        return SecretStr(_without_line_break(text)), field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        found = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in found.items() if value is not None}


def _without_line_break(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _bad_secrets(kind: type[ServiceSettings]) -> list[str]:
    names = [name.upper() for name, field in kind.model_fields.items() if is_secret(field)]
    return [problem for name in names for problem in (_bad_variable(name), _bad_file(name)) if problem]


def _bad_variable(name: str) -> str | None:
    value = os.environ.get(name, "")
    if value and os.environ.get(f"{name}_FILE"):
        return f"environment: {name}: is set, and so is {name}_FILE; do: unset one of them"
    if value != value.strip() or not value.isprintable():
        return (
            f"environment: {name}: begins or ends with white space, or holds a line break or another control "
            "character; allowed: the bare secret; do: set it without the line break (printf, not echo)"
        )
    return None


def _bad_file(name: str) -> str | None:
    path = os.environ.get(f"{name}_FILE", "")
    if not path:
        return None
    where = f"environment: {name}_FILE: {path[:200]!a}"
    try:
        if Path(path).stat().st_size > MAX_SECRET_BYTES:
            return f"{where} is larger than {MAX_SECRET_BYTES:,} bytes; do: name a file that holds only the secret"
        secret = _without_line_break(Path(path).read_text("utf-8"))
    except UnicodeDecodeError:
        return f"{where} is not UTF-8 text; do: save the secret as plain text"
    except OSError as error:
        return f"{where} cannot be read ({error.strerror}); do: name a readable file that holds the secret"
    if not secret or secret != secret.strip() or not secret.isprintable():
        return (
            f"{where} is empty, begins or ends with white space, or holds a control character; allowed: the "
            "bare secret and at most one line break after it; do: write it again (printf)"
        )
    return None


def _misspelt(kind: type[ServiceSettings]) -> list[str]:
    """Variables that differ from a setting by a slip of the hand, where the setting itself is not set."""
    known = {name.upper() for name in kind.model_fields}
    known |= {f"{name.upper()}_FILE" for name, field in kind.model_fields.items() if is_secret(field)}
    unset = {name for name in known if name not in os.environ}
    return [
        f"environment: {name}: is not a setting; do: did you mean {meant}? Rename or unset it"
        for name in sorted(os.environ)
        if name not in known and (meant := _slip(name, unset))
    ]


def _slip(name: str, unset: set[str]) -> str | None:
    """The setting that *name* is one slip away from; plain words are left alone, others may use them."""
    meant = nearest(name, unset) if "_" in name else None
    same_letters = meant is not None and sorted(meant) == sorted(name)
    return meant if meant and (same_letters or _one_edit_apart(meant, name)) else None


def _one_edit_apart(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((i for i, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    return short[at + (len(short) == len(long)) :] == long[at + 1 :]


def _in_words(error: ValidationError, kind: type[ServiceSettings]) -> list[str]:
    schema = kind.model_json_schema()
    problems = error.errors(include_url=False)
    return [line for problem in problems for line in _told(problem, kind, schema)]


def _conflicts_besides(error: ValidationError, kind: type[ServiceSettings]) -> list[str]:
    """What does not fit together apart from the values that *error* tells of: those are left at their defaults."""
    wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
    if not wrong:
        return []
    defaults = {name: kind.model_fields[name].get_default() for name in wrong}
    stand_ins: dict[str, Any] = {n: "." if v is PydanticUndefined else v for n, v in defaults.items()}
    try:
        kind(**stand_ins)
    except ValidationError as rest:
        told = _in_words(rest, kind)
        return [text for text in told if not any(name.upper() in text for name in wrong)]
    return []


def _told(problem: Any, kind: type[ServiceSettings], schema: dict[str, Any]) -> list[str]:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    secret = name in kind.model_fields and is_secret(kind.model_fields[name])
    told = explain(problem, schema, show_value=bool(name) and not secret)
    where = f"environment: {name.upper()}: " if name else "environment: "
    return [where + line for line in told.splitlines()]
