"""Where the command line writes: results to standard output, words about the run to standard error."""

from rich.console import Console

screen = Console()
errors = Console(stderr=True)
