"""The environment: all problems in one message, secrets from variables or files, none of them shown."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from shared.config.settings import ServiceSettings, Words, check_settings, read_settings
from shared.errors import ConfigurationError


class MailSettings(ServiceSettings):
    """As a service declares its settings."""

    smtp_host: str | None = None
    smtp_port: int = Field(25, ge=1, le=65_535, description="port of the mail server")
    smtp_password: SecretStr | None = None
    mail_to: Words = ()
    rate: float = Field(5, gt=0, le=60)


class OtherSettings(ServiceSettings):
    """Of another service in the same environment."""

    threads: int = 0


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in MailSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", "/data")
    monkeypatch.setenv("SITE_FILE", "site.yaml")
    return monkeypatch


def refused() -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(MailSettings)
    return str(caught.value)


def test_values_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MAIL_TO", "a@example.org, b@example.org,")
    environment.setenv("RATE", "2.5")
    environment.setenv("SMTP_HOST", "")
    settings = read_settings(MailSettings)
    assert settings.mail_to == ("a@example.org", "b@example.org")
    assert (settings.data_dir, settings.rate, settings.smtp_host) == (Path("/data"), 2.5, None)


def test_all_problems_come_in_one_message(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DATA_DIR")
    environment.setenv("SMTP_PORT", "99999")
    environment.setenv("RATE", "nan")
    environment.setenv("LOG_LEVEL", "warnin")
    environment.setenv("SMTP_HSOT", "mail.example.org")
    assert refused() == (
        "environment: 5 problems\n"
        "environment: SMTP_HSOT: is not a setting; do: did you mean SMTP_HOST? Rename or unset it\n"
        "environment: DATA_DIR: is missing; allowed: a path (folder for the database, evidence, spool, reports and "
        "mails); do: add it\n"
        "environment: LOG_LEVEL: value 'warnin' is not allowed; allowed: debug, info, warning, error; "
        "do: did you mean 'warning'?\n"
        "environment: SMTP_PORT: value '99999' is not allowed; allowed: a whole number from 1 to 65,535 "
        "(port of the mail server)\n"
        "environment: RATE: value 'nan' is not allowed; allowed: a number above 0 to 60"
    )


@pytest.mark.parametrize("name", ["SMTP_HOSTNAMES", "SMTPHOST", "RATES", "MAIL_TOO_OFTEN", "PATH"])
def test_variables_of_other_programs_are_left_alone(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "x")
    assert read_settings(MailSettings)


@pytest.mark.parametrize("secret", ["hunter2\n", " hunter2", "hunter2\r\n", "hun\tter2"])
def test_a_line_break_in_a_secret_is_told_without_the_secret(
    environment: pytest.MonkeyPatch, secret: str
) -> None:
    environment.setenv("SMTP_PASSWORD", secret)
    told = refused()
    assert "environment: SMTP_PASSWORD: begins or ends with white space, or holds a line break" in told
    assert "do: set it without the line break (printf, not echo)" in told
    assert "hunter2" not in told


def test_a_secret_may_lie_in_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    environment.setenv("SMTP_PASSWORD_FILE", str(tmp_path / "secret"))
    settings = read_settings(MailSettings)
    assert settings.smtp_password is not None
    assert settings.smtp_password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (No such file or directory); do: name a readable file"),
        (b"hunter2\n\n", "is empty, begins or ends with white space, or holds a control character"),
        (b"", "is empty"),
        (b"\xff", "is not UTF-8 text; do: save the secret as plain text"),
        (b"x" * 20_000, "is larger than 16,384 bytes"),
    ],
)
def test_a_bad_secret_file_is_told(
    environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    environment.setenv("SMTP_PASSWORD_FILE", str(tmp_path / "secret"))
    assert words in refused()


def test_a_secret_in_two_places_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a")
    environment.setenv("SMTP_PASSWORD_FILE", str(tmp_path / "secret"))
    environment.setenv("SMTP_PASSWORD", "b")
    assert (
        "environment: SMTP_PASSWORD: is set, and so is SMTP_PASSWORD_FILE; do: unset one of them" in refused()
    )


def test_the_problems_of_two_services_are_told_together_each_once(environment: pytest.MonkeyPatch) -> None:
    check_settings(MailSettings, OtherSettings)
    environment.setenv("LOG_LEVEL", "loud")
    environment.setenv("RATE", "nan")
    environment.setenv("THREADS", "many")
    with pytest.raises(ConfigurationError, match=r"^environment: 3 problems\n") as caught:
        check_settings(MailSettings, OtherSettings)
    assert all(str(caught.value).count(name) == 1 for name in ("LOG_LEVEL", "RATE", "THREADS"))
