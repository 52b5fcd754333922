"""Sets come from folders and zip files; what a stranger packed cannot leave its folder or fill the disk."""

import json
import shutil
import stat
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml

from officer.training import collect
from officer.training.collect import collect_set
from officer.training.yolo_set import read_set
from shared.errors import ConfigurationError
from tests.labelled_sets import HAT, PERSON, write_set

PICTURES = {"train/a": [PERSON, HAT], "train/b": [], "val/c": [PERSON]}


def packed(folder: Path, path: Path, below: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{below}{file.relative_to(folder)}")
    return path


def names(folder: Path) -> list[str]:
    return [path.name for split in ("train", "val") for path in read_set(folder).pictures(split)]


@pytest.fixture(params=["folder", "zip", "zip with a folder"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    made = write_set(tmp_path / "my set", PICTURES)
    if request.param == "folder":
        yield made
    else:
        yield packed(made, tmp_path / "my set.zip", "export/" if request.param != "zip" else "")


def test_a_set_lies_whole_in_a_folder_of_its_own(source: Path, tmp_path: Path) -> None:
    found = collect_set(str(source), tmp_path / "sets")
    assert found.folder == tmp_path / "sets" / "my-set"
    assert found.pictures == 3
    assert names(found.folder) == ["a.png", "b.png", "c.png"]
    assert (found.folder / "labels/train/a.txt").read_text() == f"{PERSON}\n{HAT}\n"
    assert json.loads((found.folder / "collected.json").read_text())["pictures"] == {"train": 2, "val": 1}
    assert [path.name for path in (tmp_path / "sets").iterdir()] == ["my-set"]


def test_what_was_collected_before_stays(source: Path, tmp_path: Path) -> None:
    first = collect_set(str(source), tmp_path / "sets")
    (first.folder / "labels/train/a.txt").write_text("mended by hand")
    again = collect_set(str(source), tmp_path / "sets")
    assert again.state == "collected before"
    assert (first.folder / "labels/train/a.txt").read_text() == "mended by hand"


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_another_set_of_the_same_name_is_refused_and_so_is_a_changed_one(tmp_path: Path, kind: str) -> None:
    def export(place: str, lines: list[str]) -> str:
        shutil.rmtree(tmp_path / place, ignore_errors=True)
        made = write_set(tmp_path / place / "export", {**PICTURES, "train/a": lines})
        return str(made if kind == "folder" else packed(made, tmp_path / place / "export.zip"))

    first = collect_set(export("c1", [PERSON, HAT]), tmp_path / "sets").folder
    for other in (export("c2", [HAT]), export("c1", [HAT, PERSON])):
        with pytest.raises(ConfigurationError, match=r"was collected from 'export.*rename this one"):
            collect_set(other, tmp_path / "sets")
    assert (first / "labels/train/a.txt").read_text() == f"{PERSON}\n{HAT}\n"
    shutil.rmtree(first)
    assert collect_set(other, tmp_path / "sets").state == "collected"


def test_an_interrupted_collection_goes_on_with_its_own_set_and_with_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (write_set(tmp_path / place / "export", PICTURES) for place in ("c1", "c2"))
    (other / "labels/train/a.txt").write_text(f"{HAT}\n")
    copies = iter(range(3))

    def fails_at_the_third(source: Path, target: Path) -> None:
        if next(copies) == 2:
            raise KeyboardInterrupt
        shutil.copyfile(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(collect, "_copy", fails_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            collect_set(str(one), tmp_path / "sets")
    with pytest.raises(ConfigurationError, match=r"was collected from 'export'.*rename this one"):
        collect_set(str(other), tmp_path / "sets")
    found = collect_set(str(one), tmp_path / "sets")
    assert (found.state, found.pictures) == ("collected", 3)
    assert collect_set(str(one), tmp_path / "sets").state == "collected before"


@pytest.mark.parametrize("note", [None, "{", "[]", "{}"])
def test_files_of_which_nobody_knows_from_where_are_left_alone(tmp_path: Path, note: str | None) -> None:
    made = write_set(tmp_path / "one", PICTURES)
    lying = write_set(tmp_path / "sets" / "one", {"train/mine": [HAT]})
    if note is not None:
        (lying / "collected.json").write_text(note)
    with pytest.raises(ConfigurationError, match=r"no collected.json that tells .* do: rename the set"):
        collect_set(str(made), tmp_path / "sets")
    assert names(lying) == ["mine.png"]


def test_a_name_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    for name in ("数据", "工地"):
        with pytest.raises(ConfigurationError, match=f"nothing of the name '{name}' can name a folder"):
            collect_set(str(write_set(tmp_path / name, PICTURES)), tmp_path / "sets")
    assert not (tmp_path / "sets").exists()


@pytest.mark.parametrize("place", ["", "one"])
def test_a_file_where_the_folder_shall_be_is_told(tmp_path: Path, place: str) -> None:
    made = write_set(tmp_path / "one", PICTURES)
    file = tmp_path / "sets" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"cannot be made: .*; do: give another --out"):
        collect_set(str(made), tmp_path / "sets")
    assert file.read_text() == "mine"


def test_exporters_paths_one_folder_too_high_are_understood(tmp_path: Path) -> None:
    made = write_set(tmp_path / "one", PICTURES)
    (made / "data.yaml").write_text("train: ../images/train\nval: ../images/val\nnames: [person, helmet]\n")
    assert collect_set(str(made), tmp_path / "sets").pictures == 3


def test_same_names_in_two_folders_stay_two_pictures(tmp_path: Path) -> None:
    made = write_set(tmp_path / "one", {"train/a-1": [], "train/x/a": [PERSON], "train/y/a": [HAT]})
    found = collect_set(str(made), tmp_path / "sets")
    assert names(found.folder) == ["a-1.png", "a-2.png", "a.png"]
    assert (found.folder / "labels/train/a-2.txt").read_text() == f"{HAT}\n"


@pytest.mark.parametrize(
    "line",
    [
        "./images/train/a.png",
        "\ufeffimages/train/a.png",
        "train/a.png",
        "../images/train/a.png",
        "{set}/images/train/a.png",
    ],
)
def test_a_list_may_name_pictures_of_the_set_in_many_ways(tmp_path: Path, line: str) -> None:
    made = write_set(tmp_path / "one", PICTURES)
    place = made / "images" if line.startswith("train") else made
    (place / "train.txt").write_text(f"{line.format(set=made)}\n\n")
    (made / "data.yaml").write_text(yaml.safe_dump({"train": str(place / "train.txt"), "names": ["person"]}))
    assert names(collect_set(str(made), tmp_path / "sets").folder) == ["a.png"]


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/etc/outside.txt", "a/../../outside.txt", "C:/outside.txt"]
)
def test_a_file_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = packed(write_set(tmp_path / "one", PICTURES), tmp_path / "one.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(ConfigurationError, match="would leave the folder"):
        collect_set(str(path), tmp_path / "sets")
    assert not list(tmp_path.glob("**/outside.txt"))


@pytest.mark.parametrize(
    "line", ["{outside}", "../{outside.name}", "images/../../{outside.name}", "images/link.png"]
)
def test_a_picture_outside_of_the_set_is_refused(tmp_path: Path, line: str) -> None:
    outside = tmp_path / "private.png"
    outside.write_bytes(b"of someone else")
    made = write_set(tmp_path / "one", PICTURES)
    (made / "images/link.png").symlink_to(outside)
    (made / "train.txt").write_text(line.format(outside=outside))
    (made / "data.yaml").write_text(yaml.safe_dump({"train": "train.txt", "names": ["person"]}))
    with pytest.raises(ConfigurationError, match=r"train.txt names .* not in the set's folder"):
        collect_set(str(made), tmp_path / "sets")
    assert not list((tmp_path / "sets").rglob("*.png"))


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = packed(write_set(tmp_path / "one", PICTURES), tmp_path / "one.zip")
    link = zipfile.ZipInfo("images/train/passwd.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ConfigurationError, match="is a link"):
        collect_set(str(path), tmp_path / "sets")


def test_a_file_that_unfolds_to_too_much_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(write_set(tmp_path / "one", PICTURES), tmp_path / "one.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels/train/bomb.txt", b"0" * 3_000_000)
    assert path.stat().st_size < 200_000
    monkeypatch.setattr(collect, "MOST_BYTES", 2_000_000)
    with pytest.raises(ConfigurationError, match="unfolds to"):
        collect_set(str(path), tmp_path / "sets")
    monkeypatch.setattr(collect, "MOST_BYTES_A_FILE", 1_000_000)
    with pytest.raises(ConfigurationError, match="is too large"):
        collect_set(str(path), tmp_path / "sets")
    assert not list((tmp_path / "sets").rglob("*.txt"))


def test_there_must_be_room_where_it_unfolds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(write_set(tmp_path / "one", PICTURES), tmp_path / "one.zip")
    full = tmp_path / "full"
    monkeypatch.setattr(
        shutil,
        "disk_usage",
        lambda asked: SimpleNamespace(free=0 if full in (asked, *asked.parents) else 10**12),
    )
    with pytest.raises(ConfigurationError, match="unfolds to"):
        collect_set(str(path), full)
    assert collect_set(str(path), tmp_path / "sets").pictures == 3


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_a_damaged_file_is_told(tmp_path: Path, method: int) -> None:
    path = tmp_path / "one.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("data.yaml", "names: [person]\n" * 100)
    body = bytearray(path.read_bytes())
    body[39:59] = b"\xff" * 20  # after the header of 30 bytes and the name of 9
    path.write_bytes(body)
    with pytest.raises(ConfigurationError, match="cannot be unpacked"):
        collect_set(str(path), tmp_path / "sets")


@pytest.mark.parametrize(
    ("body", "words"), [(b"no zip", "cannot be unpacked"), (b"PK\x05\x06" + b"\0" * 18, "holds no data.yaml")]
)
def test_what_is_no_set_is_refused(tmp_path: Path, body: bytes, words: str) -> None:
    (tmp_path / "one.zip").write_bytes(body)
    with pytest.raises(ConfigurationError, match=words):
        collect_set(str(tmp_path / "one.zip"), tmp_path / "sets")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 7)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{BOMB}names: [person, *a6]", "has more than 100,000 values once its aliases"),
        (f"names: {'[' * 3000}{']' * 3000}", "is nested deeper than 24 levels"),
        (
            "names: [person]\ntrain: !!timestamp 2024-13-45",
            "data.yaml:2: train: tag '!!timestamp' is not allowed",
        ),
        ("names: [person", "data.yaml:1: is not YAML"),
        ("", "is empty; do: fill it in"),
    ],
)
def test_a_hostile_or_odd_data_yaml_is_told(tmp_path: Path, text: str, words: str) -> None:
    made = write_set(tmp_path / "one", PICTURES)
    (made / "data.yaml").write_text(text)
    for source in (made, packed(made, tmp_path / "one.zip")):
        with pytest.raises(ConfigurationError, match=words):
            collect_set(str(source), tmp_path / "sets")


def test_words_that_yaml_would_turn_into_dates_or_truths_stay_words(tmp_path: Path) -> None:
    made = write_set(tmp_path / "one", PICTURES)
    (made / "data.yaml").write_text("train: images/train\nnames: {0: person, 1: no}\nmade: 2024-13-45\n")
    assert read_set(collect_set(str(made), tmp_path / "sets").folder).classes == {0: "person", 1: "no"}


def test_a_path_that_does_not_exist_is_no_name_of_a_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no folder and no zip file"):
        collect_set(str(tmp_path / "nothing"), tmp_path / "sets")


def test_a_name_needs_the_extra_train(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="needs the extra train: torch, ultralytics is not installed"
    ):
        collect_set("coco8", tmp_path / "sets")


def test_a_name_means_ultralytics_own_set_and_no_file_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_det_dataset(file: str | Path) -> dict[str, str]:
        return {"path": Path(file).read_text()}  # the real one runs what is written there under `download`

    known = tmp_path / "cfg" / "datasets" / "yard.yaml"
    known.parent.mkdir(parents=True)
    known.write_text(str(write_set(tmp_path / "fetched", PICTURES)))
    stand_in(monkeypatch, "torch")
    stand_in(monkeypatch, "ultralytics")
    stand_in(monkeypatch, "ultralytics.utils", ROOT=tmp_path)
    stand_in(monkeypatch, "ultralytics.data.utils", check_det_dataset=check_det_dataset)
    monkeypatch.chdir(tmp_path)
    for name in ("yard", "other"):
        Path(f"{name}.yaml").write_text("of a stranger")
    assert collect_set("yard", tmp_path / "sets").pictures == 3
    with pytest.raises(ConfigurationError, match="Ultralytics knows no set 'other'"):
        collect_set("other", tmp_path / "sets")


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **content: object) -> None:
    """Put a module in the place of one that only the extra `train` brings."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)
