"""The errors that cross module borders, each with what, where, what is allowed and what to do."""


class OfficerError(Exception):
    """Base of all errors that we raise on purpose; its text is fit for a user's eyes and holds no secret."""


class ConfigurationError(OfficerError):
    """The site file, the environment, a model or a source is wrong; retrying does not help."""


class ContractError(OfficerError):
    """A message breaks the contract; it is quarantined at its first receive.

    Attributes:
        code: short machine-readable reason, such as ``not-utf8`` or ``unknown-version``.
        payload: the offending bytes, cut to 4,096; never logged.
    """

    def __init__(self, code: str, message: str, payload: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.payload = payload[:4096]


class TransientError(OfficerError):
    """A dependency failed for now: leave the work where it is and try again later."""


class ObjectMissingError(TransientError):
    """The store has no object of that name, or not yet: it may still be on its way."""


class PermanentError(OfficerError):
    """The work can never succeed: quarantine it with this reason.

    Attributes:
        code: short machine-readable reason, such as ``evidence-hash-differs``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
