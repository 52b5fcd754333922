"""Messages whose bell got lost are found in the store and rung again."""

from services.agent.application.reconcile import reconcile
from shared.object_keys import event_key
from shared.observability.health import Heart
from tests import agent_builders as make
from tests.fakes.memory_database import MemoryDatabase, MemoryReportRepository
from tests.fakes.memory_stores import MemoryEvidenceStore, MemoryInbox


def store_with(*numbers: int) -> MemoryEvidenceStore:
    store = MemoryEvidenceStore()
    for number in numbers:
        message, body = make.opened_message(number), make.body(number)
        store.objects[event_key(message, body)] = body
    return store


def test_a_message_that_never_arrived_is_sent_again_byte_for_byte() -> None:
    inbox = MemoryInbox()
    assert reconcile(store_with(1), MemoryReportRepository(MemoryDatabase()), inbox) == 1
    delivery = inbox.receive(30, 0)
    assert delivery is not None
    assert delivery.body == make.body(1)


def test_what_is_finished_or_erased_is_left_alone() -> None:
    repository, inbox = MemoryReportRepository(MemoryDatabase()), MemoryInbox()
    repository.erase(make.violation_id(1), "asked for")
    assert reconcile(store_with(1, 2), repository, inbox) == 1
    delivery = inbox.receive(30, 0)
    assert delivery is not None
    assert delivery.body == make.body(2)


def test_nothing_is_sent_while_messages_wait() -> None:
    inbox = MemoryInbox()
    inbox.send(make.body(9))
    assert reconcile(store_with(1), MemoryReportRepository(MemoryDatabase()), inbox) == 0
    assert len(inbox.messages) == 1


def test_other_objects_beside_the_messages_do_no_harm() -> None:
    store = store_with(1)
    store.objects["events/2026/03/04/notes.txt"] = b"a note"
    store.objects["events/x.json"] = b"{}"
    assert reconcile(store, MemoryReportRepository(MemoryDatabase()), MemoryInbox()) == 1


def test_a_long_list_is_no_stuck_loop() -> None:
    """Each message takes a second; the loop would be stuck after two without a beat."""
    seconds = [0.0]
    heart = Heart("main", 2.0, lambda: seconds[0])
    inbox, alive = MemoryInbox(), []
    send = inbox.send

    def slow(body: bytes) -> None:
        seconds[0] += 1.0
        alive.append(heart.alive)
        send(body)

    inbox.send = slow  # type: ignore[method-assign] # a slow queue
    assert reconcile(store_with(*range(1, 9)), MemoryReportRepository(MemoryDatabase()), inbox, heart) == 8
    assert alive == [True] * 8
