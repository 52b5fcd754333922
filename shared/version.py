"""The version of the software, as the package's metadata says."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("ai-safety-compliance-officer")
    except PackageNotFoundError:
        return "0+unknown"


VERSION = _installed()
"""Such as ``0.1.0``; ``0+unknown`` where the package is not installed."""
