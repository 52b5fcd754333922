"""Where the command line writes: results to standard output, words about the run to standard error."""

import os
from typing import TextIO

from rich.console import Console
from rich.table import Table

screen = Console()
errors = Console(stderr=True)


def let_go(stream: TextIO) -> None:
    """What is written to *stream* from now on goes nowhere; to be called once nothing can be written to it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def table(title: str, *columns: str) -> Table:
    """A table whose cells break rather than lose a character: ids and hashes are there to be copied."""
    made = Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
