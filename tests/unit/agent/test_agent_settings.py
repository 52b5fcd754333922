"""The agent's environment: what is allowed, and every problem told at once without a secret."""

import os
from pathlib import Path

import pytest

from services.agent.settings import AgentSettings
from shared.config.settings import read_settings
from shared.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("MAIL_", "SMTP_", "LLM_", "DATABASE_", "OPENAI_", "LEASE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SITE_FILE", str(tmp_path / "site.yaml"))


def test_without_anything_else_it_is_one_pc_with_files(tmp_path: Path) -> None:
    settings = read_settings(AgentSettings)
    assert settings.database == f"sqlite:///{tmp_path.resolve()}/officer.db"
    assert (settings.mail_transport, settings.llm_model, settings.mail_cap_per_hour) == ("folder", None, 20)


def test_addresses_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_TO", "anna@site.example, ben@site.example,")
    assert read_settings(AgentSettings).mail_to == ("anna@site.example", "ben@site.example")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MAIL_TO", "anna@site..example", "is no mail address"),
        ("MAIL_FROM", "officer.@site.example", "is no mail address"),
        ("SMTP_HOST", "mail..site.example", "is no host name; allowed: such as mail.example.org"),
        ("SMTP_HOST", f"{'a' * 64}.example", "is no host name"),
    ],
)
def test_what_no_mail_can_go_to_from_or_through_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name}: .*{words}"):
        read_settings(AgentSettings)


@pytest.mark.parametrize("host", ["localhost", "10.0.0.7", "::1", "bücher.example", "mail.site.example."])
def test_a_mail_server_is_named_or_numbered(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SMTP_HOST", host)
    assert read_settings(AgentSettings).smtp_host == host


def test_a_password_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://officer:geheim@db/officer\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    assert read_settings(AgentSettings).database == "postgresql://officer:geheim@db/officer"


def test_all_problems_come_in_one_message_that_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_CAP_PER_HOUR", "0")
    monkeypatch.setenv("SMTP_PORT", "99999")
    monkeypatch.setenv("MAIL_TRANSPORT", "pigeon")
    monkeypatch.setenv("MAIL_TO", "anna@site.example,nobody")
    monkeypatch.setenv("SMTP_PASSWORD", "geheim\n")
    with pytest.raises(ConfigurationError) as caught:
        read_settings(AgentSettings)
    text = str(caught.value)
    for wanted in (
        "MAIL_CAP_PER_HOUR",
        "from 1 to 1,000",
        "SMTP_PORT",
        "MAIL_TRANSPORT",
        "folder, smtp",
        "is no mail address",
        "SMTP_PASSWORD",
    ):
        assert wanted in text
    assert "geheim" not in text


def test_smtp_needs_a_host_and_a_sender_and_both_halves_of_a_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAIL_TRANSPORT", "smtp")
    monkeypatch.setenv("SMTP_USER", "officer")
    with pytest.raises(ConfigurationError) as caught:
        read_settings(AgentSettings)
    for wanted in ("SMTP_HOST is missing", "MAIL_FROM is missing", "SMTP_USER is set without SMTP_PASSWORD"):
        assert wanted in str(caught.value)


def test_a_login_with_letters_that_mail_servers_do_not_take_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAIL_TRANSPORT", "smtp")
    monkeypatch.setenv("SMTP_HOST", "mail.site.example")
    monkeypatch.setenv("MAIL_FROM", "officer@site.example")
    monkeypatch.setenv("SMTP_USER", "officer")
    monkeypatch.setenv("SMTP_PASSWORD", "Schlüssel-7")
    with pytest.raises(ConfigurationError, match="letters outside ASCII") as caught:
        read_settings(AgentSettings)
    assert "Schl" not in str(caught.value)


def test_secrets_do_not_show_in_a_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "geheim")
    monkeypatch.setenv("DATABASE_URL", "postgresql://officer:geheim@db/officer")
    assert "geheim" not in repr(read_settings(AgentSettings))
