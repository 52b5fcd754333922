"""Bring labelled sets into one folder, from a folder, a zip file, or by a name that Ultralytics knows.

Each becomes NAME/ with data.yaml, images/{train,val} and labels/{train,val}. What a stranger packed is not trusted:
no file leaves the folder, and nothing unfolds to more than it may.
"""

import hashlib
import lzma
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from officer.training.extra import require
from officer.training.prepared import label_file, make_folder
from officer.training.progress import track
from officer.training.provenance import file_sha256, read_record, software, write_record
from officer.training.train import without_downloads
from officer.training.yolo_set import PICTURES, SPLITS, YoloSet, differing, read_set
from shared.errors import ConfigurationError

RECORD = "collected.json"
MOST_FILES = 500_000
MOST_BYTES = 50_000_000_000
MOST_BYTES_A_FILE = 100_000_000
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, NotImplementedError, ValueError)
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
        ConfigurationError: it is not understood, not to be trusted, cannot be fetched, or another lies there.
    """
    name = Path(source).resolve().name
    target = out / _folder_name(name)
    origin = {"source": name, "sha256": _sha256(source)}
    before = _collected_before(target, origin)
    if before:
        return before
    make_folder(out)
    with _opened(source, out) as folder:
        dataset = read_set(folder)
        make_folder(target)
        # First: what lies there after an interruption is known to be of this set.
        write_record(target / RECORD, origin)
        record = _copied(dataset, target)
    write_record(target / RECORD, {**origin, **record, **software()})
    bare = record["without_label_file"]
    state = f"collected; {bare} have no label file, so nothing is to be seen in them" if bare else "collected"
    return Collected(target, sum(record["pictures"].values()), state)


def _folder_name(source: str) -> str:
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", source.removesuffix(".zip")).strip("-.")
    if not name:
        raise ConfigurationError(
            f"nothing of the name {source!r} can name a folder; allowed: A-Z a-z 0-9 . -; do: rename it"
        )
    return name


def _sha256(source: str) -> str | None:
    """What tells *source* from another of its name; None if it is only a name."""
    path = Path(source)
    if path.is_dir():
        return _set_sha256(read_set(path))
    return file_sha256(path) if path.is_file() else None


def _set_sha256(dataset: YoloSet) -> str:
    """SHA-256 over data.yaml, labels, and names and sizes of the pictures: these themselves would take long to read."""
    digest = hashlib.sha256((dataset.folder / "data.yaml").read_bytes())
    for split in SPLITS:
        for picture in dataset.pictures(split):
            labels = label_file(picture)
            digest.update(f"{split} {picture.name!a} {picture.stat().st_size}\n".encode())
            digest.update(labels.read_bytes() if labels.exists() else b"")
    return digest.hexdigest()


def _collected_before(target: Path, origin: Mapping[str, str | None]) -> Collected | None:
    """What was collected to its end; None if nothing lies there, or what an interruption left of the same set."""
    if not target.is_dir() or not any(target.iterdir()):
        return None
    told = _read_note(target)
    if any(told[key] != value for key, value in origin.items()):
        raise ConfigurationError(
            f"{target} was collected from {told['source']!r} with SHA-256 {told['sha256']}, which is not this "
            f"{origin['source']!r} with SHA-256 {origin['sha256']}; "
            f"do: check the path, rename this one, give another --out, or remove {target}"
        )
    pictures = told.get("pictures")
    return Collected(target, sum(pictures.values()), "collected before") if pictures else None


def _read_note(target: Path) -> dict[str, Any]:
    try:
        return read_record((target / RECORD).read_text("utf-8"), "source", "sha256")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{target} holds files, but no {RECORD} that tells from what they were collected ({str(error)[:120]}); "
            f"do: rename the set, give another --out, or remove {target}"
        ) from error


@contextmanager
def _opened(source: str, out: Path) -> Iterator[Path]:
    """The folder with the data.yaml of *source*."""
    path = Path(source)
    if path.is_dir():
        yield path
    elif path.suffix.lower() == ".zip":
        with TemporaryDirectory(dir=out, prefix=".unpacking-") as folder:
            yield _unpacked(path, Path(folder))
    else:
        yield _known(source)


def _unpacked(path: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = _checked(archive, path, shutil.disk_usage(folder).free)
            for info in track(wanted, f"{path.name}: unpacks"):
                archive.extract(info, folder)
    except DAMAGED as error:
        raise ConfigurationError(
            f"{path} cannot be unpacked: {str(error)[:160] or 'it ends too early'}; do: fetch it again"
        ) from error
    found = sorted(folder.rglob("data.y*ml"), key=lambda one: len(one.parts))
    if not found:
        raise ConfigurationError(f"{path} holds no data.yaml; do: export the set in YOLO format")
    return found[0].rename(found[0].with_name("data.yaml")).parent


def _checked(archive: zipfile.ZipFile, path: Path, free: int) -> list[zipfile.ZipInfo]:
    """The files to unpack. The sizes are those of the directory; more than it says is never unpacked.

    Args:
        archive: what is packed in *path*.
        path: the zip file.
        free: bytes; half of them are for the copy of what is unpacked.
    """
    wanted = [one for one in archive.infolist() if PurePosixPath(one.filename).suffix.lower() in WANTED]
    for info in archive.infolist():
        if problem := _problem(info):
            raise ConfigurationError(f"{path}: {info.filename[:80]!a} {problem}; do: pack the set again")
    total = sum(info.file_size for info in wanted)
    room = min(MOST_BYTES, free // 2)
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
    from ultralytics.utils import ROOT

    # In full: by its name alone, one in the working folder would be found first, and what it says under `download` run.
    described = ROOT / "cfg" / "datasets" / f"{name.removesuffix('.yaml')}.yaml"
    try:
        found: dict[str, Any] = check_det_dataset(described)
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
    counts, bare = {}, 0
    for split in SPLITS:
        pictures = dataset.pictures(split)
        counts[split] = len(pictures)
        for kind in ("images", "labels"):
            make_folder(target / kind / split)
        names = differing(path.name for path in pictures)
        for path, name in track(list(zip(pictures, names, strict=True)), f"{target.name}: {split}"):
            _copy(path, target / "images" / split / name)
            labels = label_file(path)
            if labels.exists():
                _copy(labels, target / "labels" / split / f"{Path(name).stem}.txt")
            else:
                bare += 1
    document = {**{split: f"images/{split}" for split in SPLITS}, "names": dataset.classes}
    (target / "data.yaml").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return {"pictures": counts, "without_label_file": bare}


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        shutil.copyfile(source, target)
