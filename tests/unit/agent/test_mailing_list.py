"""Recipients follow the site file while the agent runs; a wrong file changes nothing."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.agent.application.mailing_list import MailingList
from services.agent.domain.recipients import Recipient, addresses_for
from shared.config.site import load_site
from shared.config.site_watch import SiteWatch
from shared.vocabulary import Severity

SITE = (Path(__file__).parents[2] / "fixtures" / "site.yaml").read_text("utf-8")
BEFORE, AFTER = "safety@example.org", "night.shift@example.org"


class Office:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "site.yaml"
        self.path.write_text(SITE)
        loaded = load_site(self.path)
        self.list = MailingList(loaded)
        self.watch = SiteWatch(loaded, self.list.take_over)

    def told(self) -> list[str]:
        """Events of one look at the file."""
        with capture_logs() as logs:
            self.watch.reload_if_changed()
        return [line["event"] for line in logs]

    def addresses(self) -> list[str]:
        return [recipient.address for recipient in self.list]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_recipients_are_those_of_the_site_file(office: Office) -> None:
    assert list(office.list) == [Recipient(BEFORE, Severity.LOW)]
    assert office.told() == []


def test_a_mailbox_gets_each_report_once_however_its_address_is_spelled() -> None:
    named = (Recipient("Anna@Example.org", Severity.HIGH), Recipient(BEFORE), Recipient("anna@example.org"))
    assert addresses_for(Severity.HIGH, named) == ("Anna@Example.org", BEFORE)
    assert addresses_for(Severity.LOW, named) == (BEFORE, "anna@example.org")


def test_a_changed_file_is_taken_over_once(office: Office) -> None:
    office.told()
    office.path.write_text(SITE.replace(BEFORE, AFTER))
    assert office.told() == ["site.reloaded"]
    assert office.addresses() == [AFTER]
    assert office.told() == []


def test_a_change_between_the_start_and_the_first_look_is_not_missed(office: Office) -> None:
    office.path.write_text(SITE.replace(BEFORE, AFTER))
    assert office.told() == ["site.reloaded"]


@pytest.mark.parametrize("content", [SITE.replace(BEFORE, "nobody at home"), "version: [", ""])
def test_a_wrong_file_is_told_once_and_the_old_recipients_stay_until_it_is_put_right(
    office: Office, content: str
) -> None:
    office.path.write_text(content)
    assert office.told() == ["site.rejected"]
    assert office.told() == []
    assert office.addresses() == [BEFORE]
    office.path.write_text(SITE.replace(BEFORE, AFTER))
    assert office.told() == ["site.reloaded"]


def test_a_file_that_goes_and_comes_back_changes_nothing(office: Office) -> None:
    office.path.unlink()
    assert office.told() == ["site.rejected"]
    office.path.write_text(SITE)
    assert office.told() == []
    assert office.addresses() == [BEFORE]


def test_a_file_that_names_nobody_is_taken_over_with_a_warning(office: Office) -> None:
    office.path.write_text(SITE.partition("recipients:")[0])
    assert office.told() == ["mail.nobody", "site.reloaded"]
    assert office.addresses() == []
