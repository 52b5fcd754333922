"""YAML text as plain values with the line of each, by strict rules and within limits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import yaml

MAX_NODES = 100_000
MAX_DEPTH = 24
MAX_OPEN_BRACKETS = 200
MAX_DIGITS = 15

Loc = tuple[int | str, ...]
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the file.

    Attributes:
        line: counted from 1.
        loc: keys and list positions that lead there.
        text: what, what is allowed, what to do.
    """

    line: int
    loc: Loc
    text: str

    @property
    def key(self) -> str:
        """Such as ``rules[0].requires[1]: ``; empty for the whole file."""
        parts = [f"[{step}]" if isinstance(step, int) else f".{_shown_key(step)}" for step in self.loc]
        return "".join(parts).lstrip(".") + ": " if parts else ""


@dataclass(slots=True)
class Document:
    """What the file says.

    Attributes:
        value: dicts, lists, str, int, float, bool and None.
        problems: found so far.
        broken: there is no value, or only a part of it.
    """

    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False
    _lines: dict[Loc, int] = field(default_factory=dict)

    def place(self, loc: Sequence[int | str]) -> Loc:
        """*loc* of a pydantic error without the tags of unions; a missing or surplus last key stays."""
        placed: Loc = ()
        for position, step in enumerate(loc):
            if (*placed, step) in self._lines or position == len(loc) - 1:
                placed = (*placed, step)
        return placed

    def line(self, loc: Loc) -> int:
        """Line of *loc*, or of the nearest thing around it."""
        while loc and loc not in self._lines:
            loc = loc[:-1]
        return self._lines.get(loc, 1)


def read_document(text: str) -> Document:
    """Read one YAML document; nothing is raised, problems are listed."""
    document = Document()
    if _brackets_open(text) > MAX_OPEN_BRACKETS:
        return _broken(document, 1, f"is nested deeper than {MAX_DEPTH} levels; do: flatten it")
    try:
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return _broken(document, *_syntax(error, text))
    if node is None:
        return _broken(
            document, 1, "is empty; do: fill it in (a site file: start from one in examples/sites)"
        )
    try:
        document.value = _Reader(document).value(node, ())
    except _TooLargeError as error:
        return _broken(document, *error.args)
    return document


def _brackets_open(text: str) -> int:
    """Most brackets open at once, those in quotes too; the parser takes seconds over thousands."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    return max(accumulate(steps), default=0)


class _Loader(yaml.SafeLoader):
    """Composes nodes only; plain values get their type from the patterns below."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the base class declares it


_PATTERNS = {
    "bool": r"true|false",
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "null": r"~|null|",
}
_FIRST_CHARACTERS = {"bool": "tf", "int": "-+0123456789", "float": "-+.0123456789", "null": ["~", "n", ""]}

for _kind, _pattern in _PATTERNS.items():
    _Loader.add_implicit_resolver(
        f"{_TAG}{_kind}", re.compile(f"^(?:{_pattern})$"), list(_FIRST_CHARACTERS[_kind])
    )


class _TooLargeError(Exception):
    """Args: line, sentence."""


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        self._count(node, loc)
        self._document._lines[loc] = _line(node)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(part, (*loc, index)) for index, part in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, loc)
        return self._bad_tag(node, loc)

    def _count(self, node: yaml.Node, loc: Loc) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooLargeError(
                _line(node),
                f"has more than {MAX_NODES:,} values once its aliases (*name) are filled in; do: shorten it",
            )
        if len(loc) > MAX_DEPTH:
            raise _TooLargeError(_line(node), f"is nested deeper than {MAX_DEPTH} levels; do: flatten it")

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(
                    key_node, loc, "a key must be plain text, not a list or mapping; do: check brackets"
                )
                continue
            key = str(key_node.value)
            if key in result:
                first = self._document.line((*loc, key))
                self._problem(key_node, (*loc, key), f"stands twice, first in line {first}; do: remove one")
                continue
            result[key] = self.value(value_node, (*loc, key))
            self._document._lines[(*loc, key)] = _line(key_node)
        return result

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> Any:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if problem := _refusal(kind, text):
            return self._problem(node, loc, problem)
        match kind:
            case "str":
                return text
            case "bool":
                return text == "true"
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "null":
                return None
        return self._bad_tag(node, loc)

    def _bad_tag(self, node: yaml.Node, loc: Loc) -> None:
        tag = node.tag.replace(_TAG, "!!")
        self._problem(
            node, loc, f"tag {tag[:80]!a} is not allowed; allowed: plain values; do: remove the tag"
        )

    def _problem(self, node: yaml.Node, loc: Loc, text: str) -> None:
        self._document.problems.append(Problem(_line(node), loc, text))


def _refusal(kind: str, text: str) -> str | None:
    shown = f"value {text[:40]!a}"
    if kind in _PATTERNS and not re.fullmatch(_PATTERNS[kind], text):
        return f"{shown} is no {kind}; do: remove the tag !!{kind}"
    if kind == "float" and not re.fullmatch(r"[-+0-9.eE]+", text):
        return f"{shown} is not a number one can compare with; allowed: finite numbers; do: write a number"
    if kind == "float" and float(text) in (float("inf"), float("-inf")):
        return f"{shown} is too large a number; do: write a smaller one"
    if kind == "int" and len(text.lstrip("+-")) > MAX_DIGITS:
        return f"{shown} has {len(text)} digits; allowed: at most {MAX_DIGITS}; do: write a smaller number"
    if kind == "str" and any(c == "\0" or 0xD800 <= ord(c) < 0xE000 for c in text):
        return f"{shown} holds NUL or half a character; allowed: text; do: remove the escape"
    return None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _shown_key(key: str) -> str:
    return key if key.isidentifier() else ascii(key[:80])


def _broken(document: Document, line: int, text: str) -> Document:
    document.broken = True
    document.problems = [Problem(line, (), text)]
    return document


def _syntax(error: Exception, text: str) -> tuple[int, str]:
    if isinstance(error, RecursionError):
        return 1, f"is nested deeper than {MAX_DEPTH} levels; do: flatten it"
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
        return (
            line,
            f"holds the character U+{ord(text[error.position]):04X}, which YAML forbids; do: remove it",
        )
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        line = error.problem_mark.line + 1
        source = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
        if "\t" in source[: len(source) - len(source.lstrip())] or "\\t" in str(error.problem):
            return line, "is indented with a tab; allowed: spaces; do: replace tabs by spaces"
        return line, f"is not YAML: {error.problem}; do: check indentation, quotes and colons near here"
    return 1, f"is not YAML: {str(error)[:120]}; do: check the file"
