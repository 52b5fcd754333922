"""Every evidence store, report store and inbox keeps the same promises: in folders, in AWS and in memory."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.agent.adapters.folder_evidence_store import FolderEvidenceStore
from services.agent.adapters.folder_report_store import FolderReportStore
from services.agent.adapters.local_violation_inbox import LocalViolationInbox
from services.agent.adapters.s3_evidence_store import S3EvidenceStore
from services.agent.adapters.s3_report_store import S3ReportStore
from services.agent.adapters.sqs_violation_inbox import SqsViolationInbox
from services.agent.application.ports import Delivery, EvidenceStore, ReportStore, ViolationInbox
from shared.aws.s3_object_store import S3ObjectStore
from shared.aws.sqs_queue import SqsQueue
from shared.errors import ObjectMissingError
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from shared.object_keys import event_key
from shared.objects import MAX_OBJECT_BYTES
from tests import agent_builders as make
from tests.fakes.memory_stores import MemoryEvidenceStore, MemoryInbox, MemoryReportStore
from tests.fakes.unruly_inbox import UnrulyInbox
from tests.servers.localstack import aws_clients, running_localstack

Put = Callable[[str, bytes, str], None]


@pytest.fixture(params=["memory", "unruly", "local", "sqs"])
def inbox(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ViolationInbox]:
    if request.param == "local":
        queue = SqliteQueue(tmp_path / "queue.db")
        yield LocalViolationInbox(queue)
        queue.close()
    elif request.param == "sqs":
        name = running_localstack().new_queue().name
        yield SqsViolationInbox(SqsQueue(aws_clients(monkeypatch).sqs(), name=name), counts_age_s=0)
    else:
        yield MemoryInbox() if request.param == "memory" else UnrulyInbox(MemoryInbox(), misbehaves=0.0)


@pytest.fixture(params=["memory", "folder", "s3"])
def reports(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReportStore:
    if request.param == "s3":
        return S3ReportStore(bucket(monkeypatch))
    return MemoryReportStore() if request.param == "memory" else FolderReportStore(FolderStore(tmp_path))


@pytest.fixture(params=["memory", "folder", "s3"])
def evidence(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[EvidenceStore, Put]:
    if request.param == "memory":
        memory = MemoryEvidenceStore()
        return memory, lambda key, body, _: memory.objects.__setitem__(key, body)
    if request.param == "s3":
        store = bucket(monkeypatch)
        return S3EvidenceStore(store), store.put
    folder = FolderStore(tmp_path)
    return FolderEvidenceStore(folder), folder.put


def bucket(monkeypatch: pytest.MonkeyPatch) -> S3ObjectStore:
    return S3ObjectStore(
        aws_clients(monkeypatch).s3(), running_localstack().new_bucket(), retention="evidence"
    )


def soon(inbox: ViolationInbox) -> Delivery | None:
    """The message whose visibility ends now; SQS counts in whole seconds."""
    until = time.monotonic() + 10
    while (delivery := inbox.receive(30, 0)) is None and time.monotonic() < until:
        time.sleep(0.1)
    return delivery


def test_a_message_is_hidden_while_held_and_gone_when_deleted(inbox: ViolationInbox) -> None:
    inbox.send(b"one")
    delivery = inbox.receive(30, 0)
    assert delivery is not None
    assert (delivery.body, delivery.receive_count) == (b"one", 1)
    assert inbox.receive(30, 0) is None
    assert (inbox.counts().waiting, inbox.counts().held) == (0, 1)
    inbox.delete(delivery)
    assert (inbox.counts().waiting, inbox.counts().held) == (0, 0)


def test_a_message_comes_back_after_its_visibility(inbox: ViolationInbox) -> None:
    inbox.send(b"one")
    inbox.receive(0.05, 0)
    again = soon(inbox)
    assert again is not None
    assert again.receive_count == 2


@pytest.mark.parametrize("inbox", ["memory", "local"], indirect=True)
def test_an_old_receipt_neither_deletes_nor_extends_where_that_is_promised(inbox: ViolationInbox) -> None:
    inbox.send(b"one")
    old = inbox.receive(0.01, 0)
    new = soon(inbox)
    assert old is not None
    assert new is not None
    inbox.delete(old)
    inbox.extend(old, 0.0)
    assert inbox.counts().held == 1


def test_an_old_receipt_is_no_error(inbox: ViolationInbox) -> None:
    inbox.send(b"one")
    old = inbox.receive(0.01, 0)
    new = soon(inbox)
    assert old is not None
    assert new is not None
    inbox.extend(old, 20.0)
    inbox.delete(old)
    inbox.delete(new)
    assert (inbox.counts().waiting, inbox.counts().held) == (0, 0)


def test_no_visibility_means_back_at_once(inbox: ViolationInbox) -> None:
    inbox.send(b"one")
    delivery = inbox.receive(30, 0)
    assert delivery is not None
    inbox.extend(delivery, 0.0)
    assert inbox.receive(30, 0) is not None


def test_the_first_pdf_under_a_key_stays(reports: ReportStore) -> None:
    first, second = reports.put("reports/a.pdf", b"%PDF 1"), reports.put("reports/a.pdf", b"%PDF 22")
    assert (first.was_there, second.was_there) == (False, True)
    assert first.sha256 == second.sha256 == hashlib.sha256(b"%PDF 1").hexdigest()
    assert second.size_bytes == 6
    assert reports.fetch("reports/a.pdf") == b"%PDF 1"


def test_a_pdf_may_be_larger_than_the_largest_evidence(reports: ReportStore) -> None:
    pdf = bytes(MAX_OBJECT_BYTES + 1)
    reports.put("reports/a.pdf", pdf)
    assert reports.put("reports/a.pdf", pdf).size_bytes == len(pdf)
    assert reports.fetch("reports/a.pdf") == pdf


def test_a_pdf_that_is_not_there_is_missing(reports: ReportStore) -> None:
    with pytest.raises(ObjectMissingError):
        reports.fetch("reports/none.pdf")


def test_pictures_come_back_and_missing_ones_are_told(evidence: tuple[EvidenceStore, Put]) -> None:
    store, put = evidence
    key = make.opened().evidence.key
    with pytest.raises(ObjectMissingError):
        store.fetch(key)
    put(key, make.PICTURE, "image/jpeg")
    assert store.fetch(key) == make.PICTURE


def test_sidecars_tell_violation_and_phase(evidence: tuple[EvidenceStore, Put]) -> None:
    store, put = evidence
    for message, body in (
        (make.opened_message(1), make.body(1)),
        (make.closed_message(1), make.closed_body(1)),
    ):
        put(event_key(message, body), body, "application/json")
    put(make.opened().evidence.key, make.PICTURE, "image/jpeg")
    found = list(store.sidecars())
    assert {(s.violation_id, s.phase) for s in found} == {
        (make.violation_id(1), "opened"),
        (make.violation_id(1), "closed"),
    }
    assert {store.fetch(s.key) for s in found} == {make.body(1), make.closed_body(1)}
