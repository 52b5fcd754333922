"""Bring labelled sets into one folder, from a folder, a zip file, or by a name that Ultralytics knows.

Each becomes NAME/ with data.yaml, images/{train,val} and labels/{train,val}. What a stranger packed is not trusted:
no file leaves the folder, and nothing unfolds to more than it may.
"""

import json
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from officer.training.extra import require
from officer.training.prepared import BETWEEN, label_file
from officer.training.progress import track
from officer.training.provenance import file_sha256, software
from officer.training.train import without_downloads
from officer.training.yolo_set import PICTURES, SPLITS, YoloSet, read_set
from shared.errors import ConfigurationError

RECORD = "collected.json"
MOST_FILES = 500_000
MOST_BYTES = 50_000_000_000
MOST_BYTES_A_FILE = 100_000_000
WANTED = {*PICTURES, ".txt", ".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class Collected:
    """A set as it lies now.

    Attributes:
        folder: where.
        pictures: how many.
        state: in words.
    """

    folder: Path
    pictures: int
    state: str


def collect_set(source: str, out: Path) -> Collected:
    """Bring the set *source* into a folder of its own below *out*; one that is there already stays as it is.

    Raises:
        ConfigurationError: it is not understood, not to be trusted, or cannot be fetched.
    """
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", Path(source).resolve().name.removesuffix(".zip")).strip("-.")
    target = out / name
    if (target / RECORD).exists():
        told = json.loads((target / RECORD).read_text("utf-8"))
        return Collected(target, sum(told["pictures"].values()), "collected before")
    with _opened(source, out) as folder:
        record = _copied(read_set(folder), target)
    record = {"source": Path(source).name, "sha256": _hash(source), **record, **software()}
    (target / RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    bare = record["without_label_file"]
    state = f"collected; {bare} have no label file, so nothing is to be seen in them" if bare else "collected"
    return Collected(target, sum(record["pictures"].values()), state)


@contextmanager
def _opened(source: str, out: Path) -> Iterator[Path]:
    """The folder with the data.yaml of *source*."""
    path = Path(source)
    if path.is_dir():
        yield path
    elif path.suffix.lower() == ".zip":
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out, prefix=".unpacking-") as folder:
            yield _unpacked(path, Path(folder))
    else:
        yield _known(source)


def _unpacked(path: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = _checked(archive, path)
            for info in track(wanted, f"{path.name}: unpacks"):
                archive.extract(info, folder)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ConfigurationError(
            f"{path} cannot be unpacked: {str(error)[:160]}; do: fetch it again"
        ) from error
    found = sorted(folder.rglob("data.y*ml"), key=lambda one: len(one.parts))
    if not found:
        raise ConfigurationError(f"{path} holds no data.yaml; do: export the set in YOLO format")
    return found[0].rename(found[0].with_name("data.yaml")).parent


def _checked(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The files to unpack. The sizes are those of the directory; more than it says is never unpacked."""
    wanted = [one for one in archive.infolist() if PurePosixPath(one.filename).suffix.lower() in WANTED]
    for info in archive.infolist():
        if problem := _problem(info):
            raise ConfigurationError(f"{path}: {info.filename[:80]!a} {problem}; do: pack the set again")
    total = sum(info.file_size for info in wanted)
    room = min(MOST_BYTES, shutil.disk_usage(path.parent).free)
    if len(wanted) > MOST_FILES or total > room:
        raise ConfigurationError(
            f"{path} unfolds to {len(wanted):,} files of {total:,} bytes; allowed: {MOST_FILES:,} of {room:,}; "
            "do: pack fewer, or make room"
        )
    return wanted


def _problem(info: zipfile.ZipInfo) -> str:
    parts = PurePosixPath(info.filename).parts
    if info.filename.startswith("/") or ".." in parts or "\\" in info.orig_filename or ":" in info.filename:
        return "would leave the folder"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    return "is too large" if info.file_size > MOST_BYTES_A_FILE else ""


def _known(name: str) -> Path:
    """Where Ultralytics has put the set that it knows by *name*, fetched if need be."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ConfigurationError(f"{name[:80]!a} is no folder and no zip file; do: check the path")
    require(f"collect {name} (no folder or zip file here)", "torch", "ultralytics")
    without_downloads()
    from ultralytics.data.utils import check_det_dataset

    try:
        found: dict[str, Any] = check_det_dataset(f"{name.removesuffix('.yaml')}.yaml")
    except (OSError, RuntimeError, SyntaxError, KeyError) as error:
        raise ConfigurationError(
            f"Ultralytics knows no set {name!a}, or cannot fetch it ({str(error)[:160]}); "
            "do: check the name and the network, or name a folder or zip file"
        ) from error
    return _described(found)


def _described(found: dict[str, Any]) -> Path:
    folder = Path(found["path"])
    if not (folder / "data.yaml").exists():
        document = {split: _relative(found.get(split), folder) for split in SPLITS}
        (folder / "data.yaml").write_text(yaml.safe_dump({**document, "names": found["names"]}), "utf-8")
    return folder


def _relative(places: Any, folder: Path) -> list[str]:
    listed = [places] if isinstance(places, str) else places or []
    return [Path(place).relative_to(folder).as_posix() for place in listed]


def _copied(dataset: YoloSet, target: Path) -> dict[str, Any]:
    """Copy pictures and labels, and write data.yaml; what was copied before an interruption is not copied again."""
    if BETWEEN in target.name:
        raise ConfigurationError(
            f"{target.name!a} holds {BETWEEN!r}, which parts set and picture here; do: rename it"
        )
    counts, bare = {}, 0
    for split in SPLITS:
        pictures = dataset.pictures(split)
        counts[split] = len(pictures)
        for kind in ("images", "labels"):
            (target / kind / split).mkdir(parents=True, exist_ok=True)
        for path, name in track(
            list(zip(pictures, _names(pictures), strict=True)), f"{target.name}: {split}"
        ):
            _copy(path, target / "images" / split / name)
            labels = label_file(path)
            if labels.exists():
                _copy(labels, target / "labels" / split / f"{Path(name).stem}.txt")
            else:
                bare += 1
    document = {**{split: f"images/{split}" for split in SPLITS}, "names": dataset.classes}
    (target / "data.yaml").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return {"pictures": counts, "without_label_file": bare}


def _names(pictures: list[Path]) -> list[str]:
    """File names, made different where two folders hold the same."""
    taken: set[str] = set()
    names = []
    for number, path in enumerate(pictures):
        name = path.name if path.stem not in taken else f"{number}-{path.name}"
        taken.add(Path(name).stem)
        names.append(name)
    return names


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        shutil.copyfile(source, target)


def _hash(source: str) -> str | None:
    return file_sha256(Path(source)) if Path(source).is_file() else None
