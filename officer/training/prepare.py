"""From labelled sets to one folder to train on: our vocabulary, honest about what a set does not label, no leaks."""

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import cv2
import numpy as np
import yaml
from PIL import Image

from officer.training.contact_sheets import MOST, Tile, draw_sheet
from officer.training.labels import Problem, Thing, read_labels, write_labels
from officer.training.likeness import ALIKE, Hashes, hash_picture, nearest
from officer.training.mosaics import cut_mosaic
from officer.training.prepared import BETWEEN, RECORD, label_file, make_folder, read_data_yaml
from officer.training.progress import track
from officer.training.provenance import file_sha256, software, write_record, write_whole
from officer.training.yolo_set import SPLITS, YoloSet, differing, read_set
from services.detection.domain.detection import Label
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError

LABELS = (Label.PERSON, Label.HARDHAT, Label.NO_HARDHAT, Label.VEST, Label.NO_VEST)
RARE = (Label.NO_HARDHAT, Label.NO_VEST)
LARGEST_PIXELS = 100_000_000
UNREADABLE = (OSError, SyntaxError, Image.DecompressionBombError)  # SyntaxError: of a PNG's chunks
SHEETS = "sheets"
JPEG_QUALITY = 95  # of parts of mosaics


@dataclass(frozen=True, slots=True)
class Preparation:
    """What to make of which sets.

    Attributes:
        sources: folders in YOLO format, with different names.
        out: the folder to make.
        labels: what the model shall learn, numbered in this order; everything else that is labelled is left out.
        rare: labels whose pictures are shown more often.
        repeat_below: a picture with a rare label that the share f of its set's pictures shows is repeated
            sqrt(repeat_below / f) times, if that is more than once (repeat factor sampling: Gupta et al., LVIS, 2019).
        cut_mosaics: names of sets whose train pictures are mosaics: each part becomes a picture of its own.
        alike: bits of 256 by which the hashes of copies may differ.
        seed: decides fractions of repeats, order and what is on the sheets.
    """

    sources: tuple[Path, ...]
    out: Path
    labels: tuple[Label, ...] = LABELS
    rare: tuple[Label, ...] = RARE
    repeat_below: float = 0.8
    cut_mosaics: tuple[str, ...] = ()
    alike: int = ALIKE
    seed: int = 1


@dataclass(frozen=True, slots=True)
class _Picture:
    dataset: str
    split: str
    source: Path
    name: str
    things: list[Thing]
    hashes: tuple[Hashes, Hashes]
    mosaic: Hashes | None = None  # of the picture that it was cut from

    @property
    def looks(self) -> Hashes:
        """[n, 32]: what must not be in val."""
        return np.array([self.hashes[0]] if self.mosaic is None else [self.hashes[0], self.mosaic])

    def has(self, labels: Iterable[Label]) -> bool:
        return any(thing.label in labels for thing in self.things)


@dataclass(slots=True)
class _Findings:
    """What a person should know of."""

    broken_lines: list[Problem] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    mosaics: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)


def prepare(preparation: Preparation) -> dict[str, Any]:
    """Make the folder; the record, which is also written there as prepared.json, last.

    Raises:
        ConfigurationError: a set is not understood, two have the same name, nothing is left, or *out* is no folder or
            a labelled set.
    """
    sets = _sets(preparation)
    _refuse_labelled_set(preparation)
    make_folder(preparation.out)
    with TemporaryDirectory(prefix="parts-", dir=preparation.out) as parts:
        return _prepare(preparation, sets, Path(parts))


def _prepare(preparation: Preparation, sets: list[YoloSet], parts: Path) -> dict[str, Any]:
    findings = _Findings()
    read = [one for dataset in sets for one in _read(dataset, preparation, parts, findings)]
    names = differing(one.name for one in read)
    pictures = [replace(one, name=name) for one, name in zip(read, names, strict=True)]
    val = [one for one in pictures if one.split == "val"]
    train, leaks = _without_leaks([one for one in pictures if one.split == "train"], val, preparation.alike)
    if not train and not val:
        raise ConfigurationError(
            f"no picture is left of {', '.join(one.name for one in sets)}; do: look at the sets"
        )
    labelled = {
        one.name: [label for label in preparation.labels if label in one.labels.values()] for one in sets
    }
    shown = _repeated(train, labelled, preparation)
    digest = _write(preparation, {"train": shown, "val": val}, labelled)
    _draw(preparation, train, val, leaks)
    record = {
        **_parameters(preparation),
        "sets": [_about(one, labelled[one.name]) for one in sets],
        "counts": _counts({"train": train, "val": val}, labelled),
        "mosaics": [
            {"set": name, "cut": findings.mosaics[name], "parts": findings.parts[name]}
            for name in preparation.cut_mosaics
        ],
        "listed_for_training": dict(Counter(one.dataset for one in shown)),
        "near_duplicates_of_val": [
            {"dropped": one.name, "like": other.name, "bits": bits} for one, other, bits in leaks
        ],
        "alike_in_val": _alike_in_val(val, preparation.alike),
        "broken_lines": [f"{one.file}:{one.line}: {one.text}" for one in findings.broken_lines],
        "unreadable_pictures": findings.unreadable,
        "content_sha256": digest,
        **software(),
    }
    write_record(preparation.out / RECORD, record)
    return record


def _sets(preparation: Preparation) -> list[YoloSet]:
    sets = [read_set(source) for source in preparation.sources]
    names = [one.name for one in sets]
    if strange := set(preparation.cut_mosaics) - set(names):
        raise ConfigurationError(
            f"mosaics of {', '.join(sorted(strange))} shall be cut, but the sets are {', '.join(names)}; "
            "do: name one of these"
        )
    for name, times in Counter(names).items():
        if times > 1 or BETWEEN in f"{name}_" or any(character.isspace() for character in name):
            raise ConfigurationError(
                f"the set's name {name!a} stands twice, holds a space or {BETWEEN!r}, or ends in '_'; "
                "do: rename its folder"
            )
    return sets


def _refuse_labelled_set(preparation: Preparation) -> None:
    """Nothing is written over or among labels that a person made."""
    place = preparation.out.resolve()
    for source in (one.resolve() for one in preparation.sources):
        if place.is_relative_to(source) or source.is_relative_to(place):
            raise ConfigurationError(
                f"--out {preparation.out} is, holds or lies in the set {source}; do: name another folder"
            )
    if (place / "data.yaml").exists() and "labelled" not in read_data_yaml(place):
        raise ConfigurationError(
            f"{place / 'data.yaml'} is of a set that 'officer model prepare' has not made; do: name another --out"
        )


def _read(dataset: YoloSet, preparation: Preparation, parts: Path, findings: _Findings) -> Iterator[_Picture]:
    classes = {number: label for number, label in dataset.labels.items() if label in preparation.labels}
    paths = [(split, path) for split in SPLITS for path in dataset.pictures(split)]
    for split, path in track(paths, f"{dataset.name}: reads"):
        things, problems = read_labels(label_file(path), classes, len(dataset.classes))
        findings.broken_lines += problems
        try:
            image = _image(path)
        except UNREADABLE as error:
            findings.unreadable.append(f"{path}: {error}")
            continue
        name = f"{dataset.name}{BETWEEN}{split}-{path.name.removeprefix(f'{split}-')}"
        picture = _Picture(dataset.name, split, path, name, things, hash_picture(image))
        cut = (
            _cut(picture, image, parts)
            if split == "train" and dataset.name in preparation.cut_mosaics
            else []
        )
        findings.mosaics[dataset.name] += bool(cut)
        findings.parts[dataset.name] += len(cut)
        yield from cut or [picture]


def _cut(picture: _Picture, image: BgrImage, folder: Path) -> list[_Picture]:
    """The parts of *picture*, each written to a folder of its own in *folder*; none if it is no mosaic."""
    found = []
    for number, part in enumerate(cut_mosaic(image, picture.things), 1):
        name = f"{Path(picture.name).stem}-part{number}.jpg"
        file = Path(mkdtemp(dir=folder)) / name
        Image.fromarray(part.image[..., ::-1]).save(file, quality=JPEG_QUALITY)
        hashes, mosaic = hash_picture(part.image), picture.hashes[0]
        found.append(_Picture(picture.dataset, "train", file, name, part.things, hashes, mosaic))
    return found


def _image(path: Path) -> BgrImage:
    """As training and detection read it, turned as its EXIF says.

    Raises:
        UNREADABLE: it is too large, damaged, or of a kind that OpenCV or Pillow does not read.
    """
    with Image.open(path) as picture:
        if picture.width * picture.height > LARGEST_PIXELS:
            raise OSError(f"has {picture.width} x {picture.height} pixels, {LARGEST_PIXELS:,} are allowed")
        image = cv2.imread(str(path))
        if image is None:
            raise OSError("is damaged")
        picture.load()  # refuses what is cut short, of which OpenCV makes up the rest
    return np.asarray(image, np.uint8)


def _without_leaks(
    train: list[_Picture], val: list[_Picture], alike: int
) -> tuple[list[_Picture], list[tuple[_Picture, _Picture, int]]]:
    """What is left of *train* without what is nearly in *val*, of any set, as it is or mirrored; and what is not.

    A part of a mosaic goes, too, if the whole mosaic is nearly in *val*.
    """
    known = np.array([one.hashes[side] for one in val for side in (0, 1)], np.uint8).reshape(-1, 32)
    found = [
        min(filter(None, nearest(one.looks, known, alike)), key=lambda near: near[1], default=None)
        for one in train
    ]
    leaks = [
        (one, val[near[0] // 2], near[1]) for one, near in zip(train, found, strict=True) if near is not None
    ]
    return [one for one, near in zip(train, found, strict=True) if near is None], leaks


def _alike_in_val(val: list[_Picture], alike: int) -> int:
    """How many val pictures are nearly the same as an earlier one: their intervals are too narrow."""
    hashes = np.array([one.hashes[0] for one in val], np.uint8).reshape(-1, 32)
    return sum(
        nearest(hashes[at : at + 1], hashes[:at], alike)[0] is not None for at in range(1, len(hashes))
    )


def _repeated(
    train: list[_Picture], labelled: Mapping[str, list[Label]], preparation: Preparation
) -> list[_Picture]:
    """*train* in random order, those with rare labels as often as the rule says; fractions are drawn."""
    dice = random.Random(preparation.seed)
    times = {
        (dataset, label): _times(train, dataset, label, preparation.repeat_below)
        for dataset, labels in labelled.items()
        for label in labels
        if label in preparation.rare
    }
    shown = []
    for one in train:
        wanted = max([1.0, *(times.get((one.dataset, thing.label), 1.0) for thing in one.things)])
        shown += [one] * (int(wanted) + (dice.random() < wanted % 1))
    dice.shuffle(shown)
    return shown


def _times(train: list[_Picture], dataset: str, label: Label, repeat_below: float) -> float:
    members = [one for one in train if one.dataset == dataset]
    share = sum(one.has([label]) for one in members) / max(1, len(members))
    return max(1.0, float(np.sqrt(repeat_below / share))) if share else 1.0


def _write(
    preparation: Preparation, lists: Mapping[str, list[_Picture]], labelled: Mapping[str, list[Label]]
) -> str:
    """Copy pictures, write labels, lists and data.yaml; the SHA-256 over all of it."""
    out, digest = preparation.out, hashlib.sha256()
    numbers = {label: number for number, label in enumerate(preparation.labels)}
    for split, listed in lists.items():
        for folder in ("images", "labels"):
            make_folder(out / folder / split)
        for one in track(
            sorted({one.name: one for one in listed}.values(), key=lambda p: p.name), f"{split}: writes"
        ):
            target = out / "images" / split / one.name
            shutil.copyfile(one.source, target)
            text = write_labels(one.things, numbers)
            label_file(target).write_text(text, "utf-8")
            digest.update(f"{one.name} {file_sha256(target)}\n{text}".encode())
        text = "".join(f"./images/{split}/{one.name}\n" for one in listed)
        (out / f"{split}.txt").write_text(text, "utf-8")
        digest.update(text.encode())
    document = {
        "train": "train.txt",
        "val": "val.txt",
        "names": {number: str(label) for label, number in numbers.items()},
        "labelled": {name: [str(label) for label in labels] for name, labels in labelled.items()},
    }
    write_whole(out / "data.yaml", yaml.safe_dump(document, sort_keys=False))
    return digest.hexdigest()


def _draw(
    preparation: Preparation,
    train: list[_Picture],
    val: list[_Picture],
    leaks: list[tuple[_Picture, _Picture, int]],
) -> None:
    """Sheets of each set and split, of each label, and of the least alike pairs that were taken for copies."""
    sheets, dice = preparation.out / SHEETS, random.Random(preparation.seed)
    names = [f"{one.dataset}-{one.split}" for one in (*train, *val)]
    groups: dict[str, list[_Picture]] = {name: [] for name in names}
    groups |= {f"label-{label}": [] for label in preparation.labels}
    for one in (*train, *val):
        groups[f"{one.dataset}-{one.split}"].append(one)
        for label in {thing.label for thing in one.things}:
            groups[f"label-{label}"].append(one)
    for name, members in groups.items():
        chosen = dice.sample(members, min(MOST, len(members)))
        if chosen:
            draw_sheet([Tile(one.source, one.name, one.things) for one in chosen], sheets / f"{name}.png")
    if leaks:
        least = sorted(leaks, key=lambda leak: -leak[2])[: MOST // 2]
        pairs = [tile for leak in least for tile in _pair(*leak)]
        draw_sheet(pairs, sheets / "taken-for-copies.png")


def _pair(dropped: _Picture, kept: _Picture, bits: int) -> tuple[Tile, Tile]:
    return Tile(dropped.source, f"{bits} bits: {dropped.name}"), Tile(kept.source, f"like {kept.name}")


def _parameters(preparation: Preparation) -> dict[str, Any]:
    found = asdict(preparation)
    return {"parameters": {name: found[name] for name in found if name not in ("sources", "out")}}


def _about(dataset: YoloSet, labelled: list[Label]) -> dict[str, Any]:
    """What a set calls its classes, what they are here, and which of ours are unknown in it."""
    meant = {name: dataset.labels.get(number) for number, name in dataset.classes.items()}
    return {
        "name": dataset.name,
        "data_yaml_sha256": file_sha256(dataset.folder / "data.yaml"),
        "classes": meant,
        "labelled": labelled,
    }


def _counts(
    splits: Mapping[str, list[_Picture]], labelled: Mapping[str, list[Label]]
) -> list[dict[str, Any]]:
    """For each set and split: pictures and labelled boxes; None where the set does not label that."""
    rows = []
    for split, pictures in splits.items():
        for dataset, labels in labelled.items():
            members = [one for one in pictures if one.dataset == dataset]
            boxes = Counter(thing.label for one in members for thing in one.things)
            rows.append(
                {
                    "set": dataset,
                    "split": split,
                    "pictures": len(members),
                    "boxes": {label: boxes[label] for label in labels},
                }
            )
    return rows
