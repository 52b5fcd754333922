"""Who gets a mail about what."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.vocabulary import Severity

_RISING = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A mailbox.

    Attributes:
        address: one mail address.
        min_severity: what is less severe is not sent to it.
    """

    address: str
    min_severity: Severity = Severity.LOW


def addresses_for(severity: Severity, recipients: Iterable[Recipient]) -> tuple[str, ...]:
    """Addresses that get a report of *severity*, each once whatever its case, in the order given."""
    wanted: dict[str, str] = {}
    for recipient in recipients:
        if _RISING.index(severity) >= _RISING.index(recipient.min_severity):
            wanted.setdefault(recipient.address.casefold(), recipient.address)
    return tuple(wanted.values())
