"""Erases all that is held of violations, in an order after which nothing brings it back."""

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import structlog

from services.agent.application.ports import Erasable, ReportRepository

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Holding:
    """Objects of which some may belong to the violations: those of *store* whose keys begin with *prefix*."""

    store: Erasable
    prefix: str


def erase(
    violation_ids: Set[str],
    reason: str,
    repository: ReportRepository,
    holdings: Sequence[Holding],
    elsewhere: Sequence[Callable[[Set[str]], list[str]]],
    wait: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Erase rows, picture, stored and waiting messages, report and the copies of its mails.

    The tombstone comes first: from then on no worker can file the report, and the reconciler does not ring for it. Who
    is at work just then may still put the PDF or hand over a mail: so stores and folders are cleared after his lease.
    What a failure leaves behind goes when this is called again.

    Args:
        violation_ids: whole ids, one at least.
        reason: why, for the audit.
        repository, holdings: where rows and objects are.
        elsewhere: each removes what names a violation in one other place, and tells what that was.
        wait: sleeps so many seconds.

    Returns:
        Keys and names of what was removed beside the rows.

    Raises:
        TransientError: database or a store does not answer or allow it.
    """
    log.info("violation.erasing", violation_ids=sorted(violation_ids))
    wait(max([repository.erase(violation_id, reason) for violation_id in violation_ids]))
    gone = [key for held in holdings for key in held.store.erase(violation_ids, held.prefix)]
    gone += [what for erase_there in elsewhere for what in erase_there(violation_ids)]
    for violation_id in violation_ids:
        log.info(
            "violation.erased", violation_id=violation_id, objects=sum(violation_id in key for key in gone)
        )
    return gone
