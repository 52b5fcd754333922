"""Floors, goals, and when another model is significantly better."""

import json
from pathlib import Path
from typing import Any

import pytest

from officer.training.verdict import missed, read_floors, refusals, untraced
from services.detection.settings import SHIPPED_MODEL
from shared.errors import ConfigurationError


def told(value: float, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    return {"value": value, "low": low, "high": high}


def report(**changes: Any) -> dict[str, Any]:
    row = {"set": "all", "label": "person", "ap50": told(0.8), "recall": told(0.7)}
    facts = {"variant_of": None, "processor_ms_a_picture": 40.0}
    return {"accuracy": [row], "comparison": None, "events": None, **facts, **changes}


def compared(low: float, high: float, lost: list[str] | None = None) -> dict[str, Any]:
    row = {
        "set": "all",
        "label": "person",
        "ap50": 0.7,
        "other_ap50": 0.8,
        "difference": told(-0.1, low, high),
    }
    row["verdict"] = "worse" if high < 0 else "no clear difference"
    return {"model": "old 1", "lost": lost or [], "rows": [row]}


def floors(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "floors.yaml"
    path.write_text(text)
    return read_floors(path)


def test_a_figure_below_its_floor_refuses_and_one_that_reaches_it_does_not(tmp_path: Path) -> None:
    assert refusals(report(), floors(tmp_path, "floors: [{set: all, label: person, least: 0.8}]")) == []
    asked = floors(tmp_path, "floors: [{set: all, label: person, figure: recall, least: 0.8}]")
    assert refusals(report(), asked) == ["all: recall of person is below its floor: 0.700, 0.80 is asked for"]


def test_what_was_not_measured_reaches_no_floor(tmp_path: Path) -> None:
    asked = floors(tmp_path, "floors: [{set: yard, label: vest, least: 0.1}]")
    assert refusals(report(), asked) == ["yard: ap50 of vest was not measured, 0.10 is asked for"]


def test_a_missed_goal_refuses_nothing(tmp_path: Path) -> None:
    asked = floors(tmp_path, "goals: [{set: all, label: person, least: 0.9}]")
    assert refusals(report(), asked) == []
    assert list(missed(report(), asked.goals, "misses its goal")) == [
        "all: ap50 of person misses its goal: 0.800, 0.90 is asked for"
    ]


def test_significantly_worse_refuses_and_perhaps_worse_does_not(tmp_path: Path) -> None:
    nothing = floors(tmp_path, "{}")
    assert refusals(report(comparison=compared(-0.2, 0.01)), nothing) == []
    (why,) = refusals(report(comparison=compared(-0.2, -0.01)), nothing)
    assert "person is significantly worse than old 1's on the same pictures: AP50 0.700 against 0.800" in why


def test_a_label_that_the_other_reports_must_not_be_lost(tmp_path: Path) -> None:
    why = refusals(report(comparison=compared(-0.1, 0.1, ["vest"])), floors(tmp_path, "{}"))
    assert why == ["vest cannot be reported, old 1 can"]


def test_a_variant_in_8_bits_must_be_quicker_than_its_origin(tmp_path: Path) -> None:
    nothing, origin = floors(tmp_path, "{}"), "a" * 64
    same = {**compared(-0.1, 0.1), "sha256": origin}
    assert (
        refusals(report(variant_of=origin, comparison={**same, "processor_ms_a_picture": 50.0}), nothing)
        == []
    )
    (why,) = refusals(report(variant_of=origin, comparison={**same, "processor_ms_a_picture": 40.0}), nothing)
    assert why == "it is no quicker than its origin: 40.0 ms a picture against 40.0"
    (why,) = refusals(report(variant_of=origin), nothing)
    assert "was not compared with that" in why


def test_floors_for_violations_ask_for_clips(tmp_path: Path) -> None:
    asked = floors(tmp_path, "events: {least_found: 0.5, most_false_per_camera_hour: 2}")
    assert "no clip was judged" in refusals(report(), asked)[0]
    bad = {"found_share": told(0.4), "false_per_camera_hour": told(3)}
    assert len(refusals(report(events=bad), asked)) == 2
    good = {"found_share": told(0.5), "false_per_camera_hour": told(0)}
    assert refusals(report(events=good), asked) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "floors: [{set: all, label: persom, least: 0.8}]",
            r"floors.yaml:1: floors\[0\].label: value 'persom' is not allowed",
        ),
        ("floor: []", "did you mean 'floors'"),
        ("floors: [{set: all, label: person, least: 80}]", "from 0 to 1"),
        ("floors: [", "floors.yaml:1: is not YAML"),
        ("floors: " + "[" * 3000, "is nested deeper than 24 levels"),
        ("made: 2024-13-45", "made: is not a known key"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        floors(tmp_path, text)


def test_the_shipped_floors_can_be_read() -> None:
    assert read_floors(SHIPPED_MODEL.with_name("floors.yaml")).floors


HERE = {"content_sha256": "a"}
OTHERWISE = "It was trained on what was prepared otherwise: these pictures may have been among that."


def run(data: Any, start: Any = None, name: str = "coco.pt") -> dict[str, Any]:
    return {"data_sha256": data, "started_from": name, "start": start}


def average(*runs: Any) -> dict[str, Any]:
    return {"averaged": [{"weights": f"{number}.pt", "training": one} for number, one in enumerate(runs)]}


def untold(*names: str) -> str:
    return f"Nothing tells what {', '.join(names)} was trained on: these pictures may have been among that."


@pytest.mark.parametrize(
    ("training", "data", "why"),
    [
        (run("a"), HERE, [untold("coco.pt")]),
        (run("a", run("a")), HERE, [untold("coco.pt")]),
        (run("b"), HERE, [OTHERWISE, untold("coco.pt")]),
        (run("a", run("b")), HERE, [OTHERWISE, untold("coco.pt")]),
        (run("a", average(run("a"), run("b"))), HERE, [OTHERWISE, untold("coco.pt")]),
        (run("a", None, "ppe.onnx"), HERE, [untold("ppe.onnx")]),
        (average(run("a"), None), HERE, [untold("coco.pt", "1.pt")]),
        (run(None), None, [untold("it", "coco.pt")]),
        (run("a"), None, [OTHERWISE, untold("coco.pt")]),
    ],
)
def test_pictures_that_training_may_have_seen_are_told(
    training: dict[str, Any], data: dict[str, str] | None, why: list[str]
) -> None:
    assert list(untraced({"officer_training": json.dumps(training)}, data)) == why


@pytest.mark.parametrize(
    "text", ["[]", "{", "1", '{"averaged": 5}', '{"averaged": [{}]}', json.dumps(average(5)), "[" * 100_000]
)
def test_a_record_of_a_training_that_is_none_tells_nothing(text: str) -> None:
    assert list(untraced({"officer_training": text}, HERE)) == [untold("it")]


def test_a_model_without_a_record_tells_nothing() -> None:
    assert list(untraced({}, HERE)) == [untold("it")]
