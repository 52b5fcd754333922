"""Sets come from folders and zip files; what a stranger packed cannot leave its folder or fill the disk."""

import json
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_exporters_paths_one_folder_too_high_are_understood(tmp_path: Path) -> None:
    made = write_set(tmp_path / "one", PICTURES)
    (made / "data.yaml").write_text("train: ../images/train\nval: ../images/val\nnames: [person, helmet]\n")
    assert collect_set(str(made), tmp_path / "sets").pictures == 3


def test_same_names_in_two_folders_stay_two_pictures(tmp_path: Path) -> None:
    made = write_set(tmp_path / "one", {"train/x/a": [PERSON], "train/y/a": [HAT]})
    found = collect_set(str(made), tmp_path / "sets")
    assert names(found.folder) == ["1-a.png", "a.png"]
    assert (found.folder / "labels/train/1-a.txt").read_text() == f"{HAT}\n"


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


@pytest.mark.parametrize(
    ("body", "words"), [(b"no zip", "cannot be unpacked"), (b"PK\x05\x06" + b"\0" * 18, "holds no data.yaml")]
)
def test_what_is_no_set_is_refused(tmp_path: Path, body: bytes, words: str) -> None:
    (tmp_path / "one.zip").write_bytes(body)
    with pytest.raises(ConfigurationError, match=words):
        collect_set(str(tmp_path / "one.zip"), tmp_path / "sets")


def test_a_path_that_does_not_exist_is_no_name_of_a_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no folder and no zip file"):
        collect_set(str(tmp_path / "nothing"), tmp_path / "sets")


def test_a_name_needs_the_extra_train(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="needs the extra train: torch, ultralytics is not installed"
    ):
        collect_set("coco8", tmp_path / "sets")
