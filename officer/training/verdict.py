"""Whether a measured model may take the place of the shipped one: floors and goals are data, in a YAML file.

A model is refused if a figure lies below its floor, if it lacks a label that the other reports, or if on the same
pictures the average precision of a label is significantly worse: the paired bootstrap's 95 % interval of the
difference lies below 0. A goal that is missed is told and refuses nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from officer.training.provenance import training_of
from services.detection.domain.detection import Label
from shared.config.yaml_file import read_model
from shared.errors import ConfigurationError

ALL = "all"  # the name that stands for all sets together


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Floor(_Strict):
    """The least that a figure of one label in one set (or in `all`) must be."""

    set: str
    label: Label
    figure: Literal["ap50", "ap50_95", "precision", "recall"] = "ap50"
    least: float = Field(ge=0, le=1)


class EventFloor(_Strict):
    """The least share of expected violations that are found on clips, and the most false ones in a camera's hour."""

    least_found: float = Field(0.0, ge=0, le=1)
    most_false_per_camera_hour: float | None = Field(None, ge=0)


class Floors(_Strict):
    """What a model must reach, and what it should.

    Attributes:
        floors: below any of them it is refused.
        goals: told if missed.
        events: for clips; None: told only.
    """

    floors: tuple[Floor, ...] = ()
    goals: tuple[Floor, ...] = ()
    events: EventFloor | None = None


def read_floors(path: Path) -> Floors:
    """Read *path*.

    Raises:
        ConfigurationError: every problem of the file, as of a site file.
    """
    return read_model(path, Floors)[1]


def refusals(report: dict[str, Any], floors: Floors) -> list[str]:
    """Why the model that *report* (of `validate`) measures is refused; one sentence each, none if it is not."""
    return [
        *missed(report, floors.floors, "is below its floor"),
        *_worse(report["comparison"]),
        *_no_quicker(report),
        *_events(report["events"], floors.events),
    ]


def missed(report: dict[str, Any], floors: Sequence[Floor], words: str) -> Iterator[str]:
    """Which of *floors* are not reached; a figure that was not measured is none that is reached."""
    measured = {(row["set"], row["label"]): row for row in report["accuracy"]}
    for floor in floors:
        row = measured.get((floor.set, floor.label))
        what = f"{floor.set}: {floor.figure} of {floor.label}"
        if row is None:
            yield f"{what} was not measured, {floor.least:.2f} is asked for"
        elif (value := row[floor.figure]["value"]) is None or value < floor.least:
            shown = "nothing" if value is None else f"{value:.3f}"
            yield f"{what} {words}: {shown}, {floor.least:.2f} is asked for"


def untraced(metadata: Mapping[str, str], data: Mapping[str, Any] | None) -> Iterator[str]:
    """Why the model may have been trained on pictures that it is measured on; nothing if `prepare` kept them apart.

    Args:
        metadata: of the model's file.
        data: the validation's record of the prepared folder.
    """
    try:
        trained_on = [*_trained_on("it", training_of(metadata))]
    except (ConfigurationError, KeyError, TypeError, AttributeError):
        trained_on = [("it", None)]
    here = data and data["content_sha256"]
    if any(found not in (None, here) for _, found in trained_on):
        yield "It was trained on what was prepared otherwise: these pictures may have been among that."
    if untold := [name for name, found in trained_on if found is None]:
        yield (
            f"Nothing tells what {', '.join(dict.fromkeys(untold))} was trained on: these pictures may have been among "
            "that."
        )


def _trained_on(name: str, training: Mapping[str, Any] | None) -> Iterator[tuple[str, str | None]]:
    """Of each training behind a model the name of what came out, and the hash of its pictures, None if not told."""
    if training is None:
        yield name, None
    elif "averaged" in training:
        for origin in training["averaged"]:
            yield from _trained_on(str(origin["weights"]), origin["training"])
    else:
        found = training["data_sha256"]
        yield name, None if found is None else str(found)
        yield from _trained_on(str(training["started_from"]), training["start"])


def _worse(comparison: dict[str, Any] | None) -> Iterator[str]:
    if comparison is None:
        return
    other = comparison["model"]
    for label in comparison["lost"]:
        yield f"{label} cannot be reported, {other} can"
    for row in comparison["rows"]:
        if row["set"] == ALL and row["verdict"] == "worse":
            change = row["difference"]
            yield (
                f"{row['label']} is significantly worse than {other}'s on the same pictures: AP50 "
                f"{row['ap50']:.3f} against {row['other_ap50']:.3f} ({change['low']:+.3f} to {change['high']:+.3f})"
            )


def _no_quicker(report: dict[str, Any]) -> Iterator[str]:
    """A variant in 8 bits is worth nothing else."""
    origin, comparison = report["variant_of"], report["comparison"]
    if origin is None:
        return
    if comparison is None or comparison["sha256"] != origin:
        yield f"it is a variant of {origin[:12]} and was not compared with that; do: validate it --against its origin"
    elif report["processor_ms_a_picture"] >= comparison["processor_ms_a_picture"]:
        yield (
            f"it is no quicker than its origin: {report['processor_ms_a_picture']} ms a picture against "
            f"{comparison['processor_ms_a_picture']}"
        )


def _events(events: dict[str, Any] | None, floor: EventFloor | None) -> Iterator[str]:
    if floor is None:
        return
    if events is None:
        yield "no clip was judged, and the floors ask for violations; do: name clips with --clip"
        return
    found, false = events["found_share"]["value"], events["false_per_camera_hour"]["value"]
    if found is None or found < floor.least_found:
        yield f"clips: too few violations are found: {found}, {floor.least_found} is asked for"
    most = floor.most_false_per_camera_hour
    if most is not None and (false is None or false > most):
        yield f"clips: too many false violations in a camera's hour: {false}, at most {most} are allowed"
