"""YAML from a person, read strictly into a model; all problems at once, each with its line.

YAML 1.1 has traps that a safety rule must not fall into: `no` and `on` are booleans there, 06:30 is the number 390,
010 is 8, a repeated key silently wins. So plain values are read by the few rules of YAML 1.2 (numbers, true, false,
null; all else is text) and the rest is refused.
"""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.config.problems import explain
from shared.config.yaml_document import Document, Loc, Problem, read_document
from shared.errors import ConfigurationError

MAX_FILE_BYTES = 256 * 1024
MAX_PROBLEMS = 50

Model = TypeVar("Model", bound=BaseModel)
Misfit = tuple[Loc, str]
CrossCheck = Callable[[Any], Iterable[Misfit]]


def read_model(path: Path, model: type[Model], cross_check: CrossCheck = lambda _: ()) -> tuple[bytes, Model]:
    """Read *path* as *model*.

    Args:
        path: the file.
        model: what it must hold.
        cross_check: finds what no single field can tell, each with its place; gets the plain values, which may be
            wrong in any other way, so that one run shows all problems.

    Returns:
        The file's bytes and what they say.

    Raises:
        ConfigurationError: every problem of the file in one message, each as ``file:line: key: what; allowed; do``.
    """
    content = _read(path)
    document = read_document(_text(path, content))
    value, problems = _validate(document, model, cross_check)
    if problems or value is None:
        raise ConfigurationError(_told(path, problems))
    return content, value


def read_values(path: Path) -> Any:
    """What *path*, whose keys others decide, says as plain values; each key is text, also one that looks like a number.

    Raises:
        ConfigurationError: as for `read_model`.
    """
    document = read_document(_text(path, _read(path)))
    if document.problems:
        raise ConfigurationError(_told(path, document.problems))
    return document.value


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); do: name a readable YAML file"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise ConfigurationError(
            f"{path}: is larger than {MAX_FILE_BYTES:,} bytes, the most allowed; do: shorten or split it"
        )
    return content


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            f"{path}:{line}: is not UTF-8 text (byte {content[error.start]:#04x}); do: save the file as UTF-8"
        ) from error


def _validate(
    document: Document, model: type[Model], cross_check: CrossCheck
) -> tuple[Model | None, list[Problem]]:
    if document.broken:
        return None, document.problems
    problems = [
        *document.problems,
        *(Problem(document.line(loc), loc, text) for loc, text in cross_check(document.value)),
    ]
    try:
        value = model.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        schema = _schema(model)
        found = [_placed(problem, document, schema) for problem in _causes(error)]
        known = {problem.loc for problem in document.problems}
        problems += [problem for problem in found if not _within(problem.loc, known)]
        return None, sorted(problems, key=lambda problem: problem.line)
    return value, problems


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Without the lists that are only too short because entries of theirs are wrong."""
    found = error.errors(include_url=False)
    places = [tuple(problem["loc"]) for problem in found]
    return [
        problem
        for problem in found
        if problem["type"] != "too_short"
        or not any(place[: len(problem["loc"])] == problem["loc"] != place for place in places)
    ]


def _placed(error: ErrorDetails, document: Document, schema: dict[str, Any]) -> Problem:
    loc = document.place(error["loc"])
    if error["type"].startswith("union_tag"):
        loc = (*loc, str(error["ctx"]["discriminator"]).strip("'"))
    return Problem(document.line(loc), loc, explain(error, schema))


def _within(loc: Loc, known: set[Loc]) -> bool:
    return any(loc[: len(start)] == start for start in known)


def _told(path: Path, problems: list[Problem]) -> str:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [f"{path}:{problem.line}: {problem.key}{problem.text}" for problem in problems[:MAX_PROBLEMS]]
    more = len(problems) - MAX_PROBLEMS
    return "\n".join([f"{path}: {count}", *lines, *([f"... and {more} more"] if more > 0 else [])])
