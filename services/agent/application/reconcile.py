"""The store is the log, the queue is the doorbell: rings again for every message whose bell got lost."""

from collections.abc import Iterator
from itertools import islice

import structlog

from services.agent.application.ports import EvidenceStore, ReportRepository, Sidecar, ViolationInbox
from shared.errors import ObjectMissingError, PermanentError
from shared.observability.health import Heart

BATCH = 500

log = structlog.get_logger()


def reconcile(
    evidence: EvidenceStore, repository: ReportRepository, inbox: ViolationInbox, heart: Heart | None = None
) -> int:
    """Send every sidecar to the inbox that is neither finished, quarantined, erased nor under work.

    It runs only while the inbox is empty: what waits there is not lost, and would be sent again and again.
    *heart* beats with every message and every batch: a long list is no stuck loop.

    Returns:
        Number of messages sent.

    Raises:
        TransientError: store, database or inbox is down.
    """
    counts = inbox.counts()
    if counts.waiting or counts.held:
        return 0
    heart, sent = heart or Heart(), 0
    for batch in _batches(evidence.sidecars()):
        heart.beat()
        for sidecar in repository.unfinished(batch):
            heart.beat()
            sent += _ring(sidecar, evidence, inbox)
    if sent:
        log.warning("agent.reconciled", messages=sent)
    return sent


def _ring(sidecar: Sidecar, evidence: EvidenceStore, inbox: ViolationInbox) -> bool:
    try:
        inbox.send(evidence.fetch(sidecar.key))
    except ObjectMissingError:
        return False  # removed since it was listed
    except PermanentError as error:
        log.error("sidecar.unreadable", key=sidecar.key, code=error.code)
        return False
    log.info("message.found", violation_id=sidecar.violation_id, phase=sidecar.phase)
    return True


def _batches(sidecars: Iterator[Sidecar]) -> Iterator[list[Sidecar]]:
    while batch := list(islice(sidecars, BATCH)):
        yield batch
