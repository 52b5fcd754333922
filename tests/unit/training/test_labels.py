"""Label files: boxes, outlines, and what is broken, told by file and line."""

from pathlib import Path

import pytest

from officer.training.labels import Thing, read_labels, write_labels
from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box

CLASSES = {0: Label.PERSON, 2: Label.VEST}


def read(tmp_path: Path, *lines: str) -> tuple[list[Thing], list[str]]:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(lines))
    things, problems = read_labels(path, CLASSES, 3)
    assert {problem.file for problem in problems} <= {path}
    return things, [f"{problem.line}: {problem.text}" for problem in problems]


def test_boxes_are_read_and_written_again(tmp_path: Path) -> None:
    things, problems = read(tmp_path, "0 0.5 0.5 0.5 1", "", "2 0.25 0.25 0.5 0.5")
    assert things == [Thing(Label.PERSON, Box(0.25, 0, 0.75, 1)), Thing(Label.VEST, Box(0, 0, 0.5, 0.5))]
    assert problems == []
    text = write_labels(things, {Label.PERSON: 4, Label.VEST: 3})
    assert text.splitlines()[0] == "4 0.500000 0.500000 0.500000 1.000000"


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff0 0.5 0.5 0.5 1") == ([Thing(Label.PERSON, Box(0.25, 0, 0.75, 1))], [])


def test_of_an_outline_the_upright_box_is_taken(tmp_path: Path) -> None:
    things, _ = read(tmp_path, "0 0.1 0.5 0.3 0.2 0.5 0.6")
    assert things == [Thing(Label.PERSON, Box(0.1, 0.2, 0.5, 0.6))]


def test_a_class_without_a_word_of_ours_is_left_out_in_silence(tmp_path: Path) -> None:
    assert read(tmp_path, "1 0.5 0.5 0.5 0.5") == ([], [])


def test_a_picture_without_a_label_file_shows_nothing(tmp_path: Path) -> None:
    assert read_labels(tmp_path / "none.txt", CLASSES, 3) == ([], [])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("0 0.5 0.5 0.5", "3 numbers after the class"),
        ("0 0.5 0.5 0.5 0.5 0.5", "5 numbers after the class"),
        ("person 0.5 0.5 0.5 0.5", "not made of numbers"),
        ("7 0.5 0.5 0.5 0.5", "class 7 is unknown; allowed are 0 to 2"),
        ("0.5 0.5 0.5 0.5 0.5", "class 0.5 is unknown"),
        ("0 nan 0.5 0.5 0.5", "not finite"),
        ("0 0.9 0.5 0.5 0.5", "leaves the picture"),
        ("0 0.5 0.5 0 0.5", "no area"),
        ("0 320 200 64 64", "leaves the picture"),
    ],
)
def test_a_broken_line_is_left_out_and_told(tmp_path: Path, line: str, told: str) -> None:
    things, problems = read(tmp_path, "0 0.5 0.5 0.5 0.5", line)
    assert len(things) == 1
    assert len(problems) == 1
    assert problems[0].startswith("2: ")
    assert told in problems[0]


def test_a_box_that_stands_twice_counts_once(tmp_path: Path) -> None:
    things, problems = read(tmp_path, "0 0.5 0.5 0.5 0.5", "0 0.5 0.5 0.5 0.5")
    assert len(things) == 1
    assert problems == ["2: the same box stands there twice; one is used"]
