"""Checks that the commands, make targets and files that the documents name exist: python tools/check_docs.py"""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from officer.commands import app

ROOT = Path(__file__).parents[1]
FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(
    r"(?<![\w/.-])(?:docker|docs|examples|infra|models|officer|requirements|services|shared|tests|tools|\.ci)/[A-Za-z0-9_./-]*[A-Za-z0-9_]"
)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def main() -> int:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*.md")]
    problems = [problem for document in sorted(documents) for problem in check(document)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def check(document: Path) -> Iterator[str]:
    """What *document* names and is not there."""
    text = document.read_text("utf-8")
    name = document.relative_to(ROOT)
    prose = FENCED.sub("", text)
    blocks = (line for block in FENCED.findall(text) for line in block.splitlines())
    shown = [*INLINE.findall(prose), *INDENTED.findall(prose), *blocks]
    for line in shown:
        yield from (f"{name}: {problem}" for problem in check_line(line.strip().removeprefix("$ ")))
    for target in LINK.findall(text):
        if (
            "://" not in target
            and not target.startswith("mailto:")
            and not (document.parent / target).exists()
        ):
            yield f"{name}: link to {target}, which does not exist"


def check_line(line: str) -> Iterator[str]:
    """What one line of code or one piece of inline code names and is not there."""
    words = line.split("#", maxsplit=1)[0]
    for command in re.findall(r"(?:^|\s|/)(officer\s[a-z-][^|>;&]*)", words):
        yield from check_command(command)
    for target in re.findall(r"^(?:[A-Z_]+=\S+ )*make ([a-z-]+)", words):
        if target not in TARGET.findall((ROOT / "Makefile").read_text("utf-8")):
            yield f"`make {target}` is no target of the Makefile"
    for path in PATH.findall(words):
        if not (ROOT / path).exists() and not list(ROOT.glob(f"{path}*")):
            yield f"{path} does not exist"


def check_command(text: str) -> Iterator[str]:
    """Whether the words after `officer` are commands and options that it has."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(text)[1:]
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        if words[0] not in command.commands:
            yield f"`{text.strip()}`: {command.name or 'officer'} has no command {words[0]}"
            return
        command = command.commands[words.pop(0)]
    known = {
        option
        for parameter in command.params
        for kind in ("opts", "secondary_opts")
        for option in getattr(parameter, kind, [])
    }
    known |= {"--help", "-h", "--version"}
    for word in words:
        option = word.partition("=")[0]
        if re.match(r"--?[a-z]", option) and option not in known:
            yield f"`{text.strip()}`: {command.name} has no option {option}"


if __name__ == "__main__":
    sys.exit(main())
