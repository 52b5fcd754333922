"""The command `officer`: errors in one sentence, exit codes for scripts.

The commands are imported where they are run: they take a second, in which Ctrl-C is no fault either.
"""

import sys
from pathlib import Path
from typing import NoReturn

from dotenv import load_dotenv

from officer.console import errors, let_go
from shared.errors import ConfigurationError, OfficerError
from shared.observability.logging import configure_logging

FAILED, WRONG_SETUP, INTERRUPTED = 1, 2, 130


def main() -> None:
    """Run the command line; never shows a traceback for what a user can put right."""
    try:
        _run()
    except OfficerError as error:
        _end(str(error), WRONG_SETUP if isinstance(error, ConfigurationError) else FAILED)
    except OSError as error:
        let_go(sys.stdout)  # it may be what failed
        where = f"{error.filename}: " if error.filename else ""
        _end(
            f"{where}{error.strerror or error}; do: check that it can be read and written, and has room",
            FAILED,
        )
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run() -> None:
    _read_variables(Path.cwd() / ".env")
    configure_logging("critical")  # the services' words about themselves are for their own logs
    from officer.commands import app

    app()


def _read_variables(path: Path) -> None:
    try:
        load_dotenv(path)
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text; do: save it as UTF-8") from error


def _end(problem: str, code: int) -> NoReturn:
    errors.print(f"officer: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)
