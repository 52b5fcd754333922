"""Checks that requirements/*.txt are in step with pyproject.toml and with each other: python tools/check_lock.py"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PARTS = {"aws"}  # extras that only others ask for: nobody installs them alone
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)
ADDRESS = re.compile(r"^[^#\n]*(?:https?://|--index-url|--extra-index-url|--find-links)", re.MULTILINE)


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    purposes = [extra for extra in extras if extra not in PARTS]
    problems = [problem for extra in purposes for problem in check(extra, wanted_by(extra, project))]
    problems += disagreements({extra: pins(extra) for extra in purposes})
    for path in (ROOT / "requirements").glob("*.in"):
        problems += check(path.stem, _lines(path))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def check(extra: str, requirements: Iterable[Requirement]) -> Iterator[str]:
    """What requirements/*extra*.txt lacks of *requirements*."""
    text, pinned = lock(extra).read_text("utf-8"), pins(extra)
    for wanted in requirements:
        version = pinned.get(canonicalize_name(wanted.name))
        if version is None:
            yield f"{lock(extra).name}: {wanted} is not locked; do: make lock"
        elif not wanted.specifier.contains(version, prereleases=True):
            yield f"{lock(extra).name}: {wanted.name} {version} is not {wanted.specifier}; do: make lock"
    if ADDRESS.search(text):
        yield f"{lock(extra).name}: holds an address; allowed: names, versions and hashes; do: make lock"
    for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        if "--hash=sha256:" not in block:
            yield f"{lock(extra).name}: {block.splitlines()[0]} has no hash; do: make lock"


def wanted_by(extra: str, project: dict[str, Any]) -> Iterator[Requirement]:
    """Requirements of the project and of *extra*, its own extras unfolded."""
    name, extras = project["name"], project["optional-dependencies"]
    for text in [*project["dependencies"], *extras[extra]]:
        requirement = Requirement(text)
        if requirement.name == name:
            for inner in requirement.extras:
                yield from wanted_by(inner, project)
        else:
            yield requirement


def _lines(path: Path) -> Iterator[Requirement]:
    lines = path.read_text("utf-8").splitlines()
    return (Requirement(line) for line in lines if line and not line.startswith(("#", "-")))


def disagreements(locks: dict[str, dict[str, str]]) -> Iterator[str]:
    """Packages that two files pin to different versions."""
    for name in sorted({name for pinned in locks.values() for name in pinned}):
        versions = {pinned[name]: extra for extra, pinned in locks.items() if name in pinned}
        if len(versions) > 1:
            told = ", ".join(f"{version} in {extra}.txt" for version, extra in versions.items())
            yield f"{name} is locked to {told}; do: make lock"


def pins(extra: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PIN.findall(lock(extra).read_text("utf-8"))}


def lock(extra: str) -> Path:
    return ROOT / "requirements" / f"{extra}.txt"


if __name__ == "__main__":
    sys.exit(main())
