"""Sets become one folder: our words, unknown labels kept unknown, copies of val left out, rare pictures repeated."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from officer.training.prepare import Preparation, prepare
from officer.training.prepared import label_file, read_prepared, set_of
from services.detection.domain.detection import Label
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError
from tests.labelled_sets import HAT, PERSON, write_set

BARE = "2 0.5 0.2 0.25 0.15"
# EXIF with orientation 6, and with a resolution that is text: Pillow reads that and cannot write it again.
TURNED = b"".join(
    [
        b"Exif\0\0MM\0*\0\0\0\x08\0\x02",
        b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0",
        b"\x01\x1a\0\x02\0\0\0\x04odd\0",
        b"\0\0\0\0",
    ]
)


def prepared(tmp_path: Path, *sources: Path, **changes: Any) -> dict[str, Any]:
    return prepare(Preparation(sources, tmp_path / "out", **changes))


def test_dialects_become_our_words_and_what_is_not_labelled_stays_unknown(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON, HAT], "val/b": [PERSON]})
    two = write_set(tmp_path / "two", {"train/a": ["0 0.5 0.5 0.5 0.5"]}, ["NO-Hardhat", "crane"], seed=2)
    prepared(tmp_path, one, two)
    found = read_prepared(tmp_path / "out")
    assert found.labelled == {
        "one": frozenset({Label.PERSON, Label.HARDHAT}),
        "two": frozenset({Label.NO_HARDHAT}),
    }
    train = sorted(found.pictures("train"))
    assert [set_of(path) for path in train] == ["one", "two"]
    numbers = {label: number for number, label in found.names.items()}
    assert label_file(train[1]).read_text().startswith(f"{numbers[Label.NO_HARDHAT]} 0.5")
    assert [path.exists() for path in found.pictures("val")] == [True]


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_near_duplicate_of_val_is_left_out_of_train_and_listed(tmp_path: Path, mirrored: bool) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON], "train/b": [PERSON], "val/c": [PERSON]})
    two = write_set(tmp_path / "two", {"train/z": [PERSON]}, seed=9)
    image = cv2.imread(str(one / "images/val/c.png"))
    again = cv2.resize(image[:, ::-1] if mirrored else image, (50, 50))
    cv2.imwrite(str(two / "images/train/z.png"), np.asarray(again))
    record = prepared(tmp_path, one, two)
    (leak,) = record["near_duplicates_of_val"]
    assert (leak["dropped"], leak["like"]) == ("two__train-z.png", "one__val-c.png")
    names = {path.name for path in read_prepared(tmp_path / "out").pictures("train")}
    assert names == {"one__train-a.png", "one__train-b.png"}
    assert (tmp_path / "out" / "sheets" / "taken-for-copies.png").stat().st_size > 0


def test_a_near_duplicate_is_found_though_a_phone_has_stored_it_turned(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON], "val/c": [PERSON]})
    turned = Image.open(one / "images/val/c.png").rotate(90)
    (one / "images/train/a.png").unlink()
    turned.save(one / "images/train/a.jpg", quality=95, exif=TURNED)
    (leak,) = prepared(tmp_path, one)["near_duplicates_of_val"]
    assert (leak["dropped"], leak["like"]) == ("one__train-a.jpg", "one__val-c.png")


def test_pictures_with_a_rare_label_are_shown_more_often(tmp_path: Path) -> None:
    pictures = {f"train/{number}": [PERSON] for number in range(19)}
    one = write_set(
        tmp_path / "one", {**pictures, "train/bare": [PERSON, BARE]}, ["person", "helmet", "head"]
    )
    prepared(tmp_path, one)
    names = [path.name for path in read_prepared(tmp_path / "out").pictures("train")]
    assert names.count("one__train-bare.png") == 4  # sqrt(0.8 / (1 / 20))
    assert len(names) == 19 + 4


def test_no_picture_takes_the_place_of_another(tmp_path: Path) -> None:
    """Equal names in two folders, equal but for the ending, with the split before it, as of a mosaic's part."""
    equal = ("train/x/a", "train/y/a", "train/1", "train/train-1", "train/mosaic", "train/mosaic-part1")
    lines = {name: [f"0 0.5 0.5 0.5 0.{number}"] for number, name in enumerate(equal, 1)}
    one = write_set(tmp_path / "one", lines)
    write_mosaic(one / "images/train/mosaic.png", 5)
    (one / "images/train/y/a.png").rename(one / "images/train/y/a.jpg")
    record = prepared(tmp_path, one, cut_mosaics=("one",))
    found = read_prepared(tmp_path / "out").pictures("train")
    assert record["counts"][0]["pictures"] == len({label_file(path) for path in found}) == 5 + 4
    assert {set_of(path) for path in found} == {"one"}
    pictures = {path.read_bytes() for path in found}
    assert pictures.issuperset(path.read_bytes() for path in one.rglob("a.*g"))
    assert len(pictures) == 5 + 4
    written = {label_file(path).read_text() for path in found}
    assert {f"0 0.500000 0.500000 0.500000 0.{number}00000\n" for number in (1, 2, 3, 4, 6)} <= written


def test_a_picture_that_was_mended_is_taken_anew(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON], "train/b": [PERSON]})
    first, other = (one / f"images/train/{name}.png" for name in "ab")
    prepared(tmp_path, one)
    mended = other.read_bytes().ljust(size := max(first.stat().st_size, other.stat().st_size), b"\0")
    first.write_bytes(first.read_bytes().ljust(size, b"\0"))
    prepared(tmp_path, one)
    first.write_bytes(mended)
    prepared(tmp_path, one)
    assert (tmp_path / "out/images/train/one__train-a.png").read_bytes() == mended


def test_broken_lines_and_pictures_are_told_and_left_out(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON, "0 0.5"], "train/b": []})
    (one / "images/train/b.png").write_bytes(b"no picture")
    record = prepared(tmp_path, one)
    assert record["broken_lines"][0].endswith(
        "a.txt:2: 1 numbers after the class; allowed are 4, or pairs from 6 on"
    )
    assert "b.png" in record["unreadable_pictures"][0]
    assert [row["pictures"] for row in record["counts"]] == [1, 0]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", ["12000 10000", "20000 10000"])
def test_a_huge_picture_is_told_and_left_out(tmp_path: Path, size: str) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON], "train/b": []})
    (one / "images/train/b.png").write_bytes(f"P5 {size} 255\n".encode())
    (told,) = prepared(tmp_path, one)["unreadable_pictures"]
    assert "b.png: " in told
    assert "pixels" in told


def test_a_picture_that_is_damaged_inside_is_told_and_left_out(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON], "train/b": []})
    picture = one / "images/train/b.png"
    body = bytearray(picture.read_bytes())
    length = body.index(b"IDAT") - 4
    body[length : length + 4] = b"\0\0\0\x20"  # there is more
    picture.write_bytes(body)
    assert "b.png: is damaged" in prepared(tmp_path, one)["unreadable_pictures"][0]


def test_a_picture_that_only_pillow_reads_is_told_and_left_out(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON], "train/b": []})
    picture = one / "images/train/b.png"
    picture.write_bytes(picture.read_bytes().replace(b"IEND", b"IENX"))
    assert prepared(tmp_path, one)["unreadable_pictures"] == [f"{picture}: is damaged"]


def test_a_file_where_the_folder_shall_be_is_told(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON]})
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"out cannot be made: File exists; do: give another --out"):
        prepared(tmp_path, one)


@pytest.mark.parametrize(
    "place", ["sets/one", "sets/one/out", "sets", "sets/../sets/one", "link", "sets/other"]
)
def test_a_labelled_set_is_never_written_over(tmp_path: Path, place: str) -> None:
    one = write_set(tmp_path / "sets/one", {"train/a": [PERSON]})
    write_set(tmp_path / "sets/other", {"train/a": [HAT]})
    (tmp_path / "link").symlink_to(one)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    with pytest.raises(ConfigurationError, match=r"do: name another"):
        prepare(Preparation((one,), tmp_path / place))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == before


def test_a_preparation_that_was_interrupted_before_its_record_can_be_made_again(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON]})
    prepared(tmp_path, one)
    (tmp_path / "out" / "prepared.json").unlink()
    assert prepared(tmp_path, one)["counts"][0]["pictures"] == 1


def test_the_folder_that_was_made_is_a_set_itself(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON], "val/b": [PERSON]})
    prepared(tmp_path, one)
    again = prepare(Preparation((tmp_path / "out",), tmp_path / "again"))
    assert [row["pictures"] for row in again["counts"]] == [1, 1]


def test_the_record_lies_beside_and_the_same_again_gives_the_same(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON, HAT], "val/b": [PERSON]})
    first = prepared(tmp_path, one)
    written = json.loads((tmp_path / "out" / "prepared.json").read_text())
    assert written["content_sha256"] == first["content_sha256"] == prepared(tmp_path, one)["content_sha256"]
    assert written["counts"][0] == {
        "set": "one",
        "split": "train",
        "pictures": 1,
        "boxes": {"person": 1, "hardhat": 1},
    }
    (one / "labels/train/a.txt").write_text(PERSON)
    assert prepared(tmp_path, one)["content_sha256"] != first["content_sha256"]


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    prepared(tmp_path, write_set(tmp_path / "one", {"train/a": [PERSON], "val/b": [PERSON]}))
    moved = shutil.move(tmp_path / "out", tmp_path / "elsewhere")
    assert all(path.exists() for path in read_prepared(Path(moved)).pictures("train"))


def write_mosaic(path: Path, seed: int = 5) -> list[BgrImage]:
    """Write 2 x 2 pictures of 160 pixels a side as one to *path*; they, row by row."""
    dice = np.random.default_rng(seed)
    blocks = [dice.integers(0, 255, (6, 6, 3), np.uint8) for _ in range(4)]
    parts = [
        np.asarray(cv2.resize(one, (160, 160), interpolation=cv2.INTER_CUBIC), np.uint8) for one in blocks
    ]
    cv2.imwrite(str(path), np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])]))
    return parts


def test_mosaics_of_a_set_are_cut_in_train_only(tmp_path: Path) -> None:
    upper_right = "0 0.75 0.25 0.25 0.25"
    one = write_set(tmp_path / "one", {"train/a": [upper_right], "train/plain": [], "val/b": [upper_right]})
    two = write_set(tmp_path / "two", {"train/a": [upper_right]}, seed=2)
    for seed, path in enumerate(
        [one / "images/train/a.png", one / "images/val/b.png", two / "images/train/a.png"]
    ):
        write_mosaic(path, seed)
    record = prepared(tmp_path, one, two, cut_mosaics=("one",))
    found = read_prepared(tmp_path / "out")
    assert record["mosaics"] == [{"set": "one", "cut": 1, "parts": 4}]
    assert sorted(path.name for path in found.pictures("train")) == [
        *(f"one__train-a-part{number}.jpg" for number in (1, 2, 3, 4)),
        "one__train-plain.png",
        "two__train-a.png",
    ]
    assert [path.name for path in found.pictures("val")] == ["one__val-b.png"]
    part = tmp_path / "out" / "images" / "train" / "one__train-a-part2.jpg"
    assert np.asarray(cv2.imread(str(part))).shape == (160, 160, 3)
    assert label_file(part).read_text() == "0 0.500000 0.500000 0.500000 0.500000\n"
    assert not list((tmp_path / "out").glob("parts-*"))


def test_a_part_that_is_nearly_in_val_is_left_out(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [], "val/b": [PERSON]})
    parts = write_mosaic(one / "images/train/a.png")
    cv2.imwrite(str(one / "images/val/b.png"), parts[2])
    record = prepared(tmp_path, one, cut_mosaics=("one",))
    assert [leak["dropped"] for leak in record["near_duplicates_of_val"]] == ["one__train-a-part3.jpg"]


def test_all_parts_of_a_mosaic_that_is_nearly_in_val_are_left_out(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [], "val/b": [PERSON]})
    write_mosaic(one / "images/train/a.png")
    shutil.copy(one / "images/train/a.png", one / "images/val/b.png")
    record = prepared(tmp_path, one, cut_mosaics=("one",))
    assert len(record["near_duplicates_of_val"]) == 4
    assert read_prepared(tmp_path / "out").pictures("train") == []


def test_mosaics_of_a_set_that_is_not_there_are_refused(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON]})
    with pytest.raises(ConfigurationError, match="mosaics of other shall be cut, but the sets are one"):
        prepared(tmp_path, one, cut_mosaics=("other",))


@pytest.mark.parametrize(
    ("data_yaml", "words"),
    [
        ({"train": "images/train"}, "has no 'names'"),
        ({"names": ["crane"]}, "only classes that are unknown here: crane"),
        ({"names": {0: "person", 2: "helmet"}}, "a list of names, or a mapping to them from 0 on"),
        (
            {"names": ["person"], "kpt_shape": [3, 2]},
            "is of key points .*; do: export the set with boxes alone",
        ),
        ({"names": ["person"], "train": "../elsewhere"}, "not in the set's folder"),
        ({"names": ["person"], "train": "/etc"}, "not in the set's folder"),
        (
            {"names": ["person"], "train": "missing.txt"},
            r"missing.txt names 'images/train/c.png', which is not",
        ),
        ({"names": ["person"], "train": "outside.txt"}, r"outside.txt names '/etc/hostname', which is not"),
        ({"names": ["person"], "train": "images/train/a.png"}, "cannot be read as a list of pictures"),
        ({"names": ["person"], "train": "long.txt"}, "cannot be read as a list of pictures"),
        ({"names": ["person"], "train": 5}, "'train' is '5'; do: name a folder"),
        ({"names": ["person"], "train": {"a": 1}}, "'train' is "),
    ],
)
def test_a_set_that_is_not_understood_is_refused(tmp_path: Path, data_yaml: Any, words: str) -> None:
    one = write_set(tmp_path / "one", {"train/a": [PERSON]})
    (tmp_path / "elsewhere").mkdir()
    for name, line in (("missing", "images/train/c.png"), ("outside", "/etc/hostname"), ("long", "x" * 300)):
        (one / f"{name}.txt").write_text(line)
    (one / "data.yaml").write_text(yaml.safe_dump(data_yaml))
    with pytest.raises(ConfigurationError, match=words):
        prepared(tmp_path, one)


@pytest.mark.parametrize("name", ["a b", "a__b", "a_"])
def test_a_set_whose_name_cannot_be_told_from_its_pictures_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="do: rename its folder"):
        prepared(tmp_path, write_set(tmp_path / name, {"train/a": [PERSON]}))


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    sets = [write_set(tmp_path / place / "one", {"train/a": [PERSON]}) for place in ("x", "y")]
    with pytest.raises(ConfigurationError, match="stands twice"):
        prepared(tmp_path, *sets)
