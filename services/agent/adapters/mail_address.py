"""Mail addresses as mail servers take them."""

import idna

from services.agent.application.ports import MailRefusedError


def ascii_domain(address: str) -> str:
    """*address* with its domain as DNS has it: ``a@bücher.example`` becomes ``a@xn--bcher-kva.example``.

    Raises:
        MailRefusedError: the domain cannot exist.
    """
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise MailRefusedError(
            "bad-domain", f"address {address[:80]!a}: its domain cannot exist; correct it"
        ) from error
