"""The extra `train`: whether what a step needs of it is installed."""

import importlib.util
from pickle import UnpicklingError

from shared.errors import ConfigurationError

# What torch and Ultralytics raise over a .pt that is empty, cut, of another kind or of another version
NO_WEIGHTS = (
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    UnpicklingError,
    ValueError,
)


def require(step: str, *modules: str) -> None:
    """Refuse to begin *step* without all of *modules*.

    Raises:
        ConfigurationError: some are not installed.
    """
    lacking = [name for name in modules if importlib.util.find_spec(name) is None]
    if lacking:
        raise ConfigurationError(
            f"officer model {step} needs the extra train: {', '.join(lacking)} is not installed; "
            "do: make the environment that docs/models.md describes"
        )
