"""A progress bar on standard error, in a terminal alone."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.progress import track as rich_track

from officer.console import errors

T = TypeVar("T")


def track(parts: Sequence[T], what: str) -> Iterable[T]:
    """Go through *parts*, showing how many are done."""
    return rich_track(parts, description=what, console=errors, disable=not errors.is_terminal, transient=True)
