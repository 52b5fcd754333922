"""Who gets mail by the site file as it is now; a running agent takes a changed file over."""

from collections.abc import Iterator

import structlog

from services.agent.domain.recipients import Recipient
from shared.config.site import LoadedSite

NOBODY = "no recipients: reports are made, mails are not; do: name them in the site file, or set MAIL_TO"

log = structlog.get_logger()


class MailingList:
    """Iterating gives the recipients of the moment; another thread may take a new file over meanwhile."""

    def __init__(self, loaded: LoadedSite) -> None:
        self.take_over(loaded)

    def __iter__(self) -> Iterator[Recipient]:
        return iter(self._recipients)

    def take_over(self, loaded: LoadedSite) -> None:
        """From now on mail goes to whom *loaded* names."""
        named = loaded.site.recipients
        self._recipients = tuple(Recipient(one.address, one.min_severity) for one in named)
        if not named:
            log.warning("mail.nobody", problem=NOBODY)
