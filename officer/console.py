"""Where the command line writes: results to standard output, words about the run to standard error."""

from rich.console import Console
from rich.table import Table

screen = Console()
errors = Console(stderr=True)


def table(title: str, *columns: str) -> Table:
    """A table whose cells break rather than lose a character: ids and hashes are there to be copied."""
    made = Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
