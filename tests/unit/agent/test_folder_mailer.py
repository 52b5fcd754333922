"""Mails in a folder."""

import email
import email.policy
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.agent.adapters.folder_mailer import FolderMailer, erase_mail_files
from services.agent.domain.letter import VIOLATION_HEADER
from shared.errors import ConfigurationError, TransientError


def mail(message_id: str = "<abc.1@site.example>", text: str = "Hello") -> EmailMessage:
    made = EmailMessage()
    made["Message-ID"], made["Subject"] = message_id, "A test"
    made.set_content(text)
    return made


def test_a_mail_becomes_a_file_that_mail_programs_open(tmp_path: Path) -> None:
    FolderMailer(tmp_path / "mail").send(mail(), "anna@site.example")
    (path,) = (tmp_path / "mail").iterdir()
    assert path.name == "abc.1.eml"
    got = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert got.get_content().strip() == "Hello"


def test_the_same_mail_again_replaces_itself(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path)
    mailer.send(mail(text="first"), "anna@site.example")
    mailer.send(mail(text="second"), "anna@site.example")
    (path,) = tmp_path.iterdir()
    assert b"second" in path.read_bytes()


@pytest.mark.parametrize(
    "message_id", ["<../../etc/passwd@x>", "<a/b\\c@x>", "<.hidden@x>", "<" + "x" * 500 + "@x>"]
)
def test_no_message_id_leads_out_of_the_folder(tmp_path: Path, message_id: str) -> None:
    folder = tmp_path / "mail"
    FolderMailer(folder).send(mail(message_id), "anna@site.example")
    (path,) = folder.iterdir()
    assert not path.name.startswith(".")
    assert list(tmp_path.iterdir()) == [folder]


def test_letters_outside_ascii_are_kept_as_they_are(tmp_path: Path) -> None:
    made = mail()
    made["From"] = Address("Officer", "büro", "site.example")
    FolderMailer(tmp_path).send(made, "anna@site.example")
    assert "büro@site.example" in next(tmp_path.iterdir()).read_text("utf-8")


def test_what_else_lies_in_the_folder_does_not_keep_a_mail_from_being_erased(tmp_path: Path) -> None:
    made = mail()
    made[VIOLATION_HEADER] = "a" * 32
    FolderMailer(tmp_path).send(made, "anna@site.example")
    (tmp_path / "archive").mkdir()
    assert erase_mail_files(tmp_path, {"a" * 32}) == ["abc.1.eml"]
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_folder_that_went_away_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "mail")
    (tmp_path / "mail").rmdir()
    with pytest.raises(TransientError, match="does not take a mail"):
        mailer.send(mail(), "anna@site.example")


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="name a folder"):
        FolderMailer(tmp_path / "file" / "mail")
