"""Lease and visibility are extended together while steps make progress, and not for ever."""

import time
from datetime import UTC, datetime

import pytest

from services.agent.application.heartbeat import heartbeat
from services.agent.application.ports import Delivery, LeaseLostError
from services.agent.domain.work_claim import Claim, Leased
from tests import agent_builders as make
from tests.fakes.memory_database import MemoryDatabase, MemoryReportRepository
from tests.fakes.memory_stores import MemoryInbox

LEASE_S = 0.15


class Office:
    def __init__(self) -> None:
        self.repository, self.inbox = MemoryReportRepository(MemoryDatabase()), MemoryInbox()
        self.inbox.send(make.body())
        delivery = self.inbox.receive(LEASE_S, 0)
        claim = self.repository.claim(make.opened_message(), make.body(), LEASE_S)
        assert isinstance(claim, Claim)
        assert isinstance(delivery, Delivery)
        self.claim, self.delivery = claim, delivery

    def still_ours(self) -> bool:
        outcome = self.repository.claim(make.opened_message(), make.body(), LEASE_S)
        return isinstance(outcome, Leased) and self.inbox.counts().held == 1


@pytest.fixture
def office() -> Office:
    return Office()


def test_both_hold_while_the_work_goes_on(office: Office) -> None:
    with heartbeat(office.delivery, office.repository, office.inbox, LEASE_S)(office.claim):
        time.sleep(3 * LEASE_S)
        assert office.still_ours()


def test_without_progress_the_beats_end(office: Office) -> None:
    keep = heartbeat(office.delivery, office.repository, office.inbox, LEASE_S, step_limit_s=0.1)
    with keep(office.claim):
        time.sleep(4 * LEASE_S)
        assert not office.still_ours()


def test_progress_does_not_help_beyond_the_hard_cap(office: Office) -> None:
    keep = heartbeat(office.delivery, office.repository, office.inbox, LEASE_S, hard_cap_s=0.1)
    with keep(office.claim) as progress:
        for _ in range(8):
            time.sleep(LEASE_S / 2)
            progress()
        assert not office.still_ours()


def test_progress_raises_once_the_lease_has_passed_to_another(office: Office) -> None:
    delivery = Delivery(b"", office.delivery.receipt, 1, datetime.now(UTC))
    with heartbeat(delivery, office.repository, office.inbox, LEASE_S)(office.claim) as progress:
        progress()
        office.repository.give_back(office.claim, counted=False)
        time.sleep(LEASE_S)
        with pytest.raises(LeaseLostError):
            progress()
