"""The card of a model, in Markdown: what it is, what it was made from, what was measured, where it is weak."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RATES_AT = ("0.05", "0.08", "0.10", "0.15", "0.20", "0.30", "0.50")


@dataclass(frozen=True, slots=True)
class Words:
    """What no measurement tells, in Markdown.

    Attributes:
        licence: of the model, such as AGPL-3.0.
        data: the sets, who made them, their licences.
        limits: known weaknesses, and what it must not be used for.
    """

    licence: str
    data: str
    limits: str


def write_card(
    report: Mapping[str, Any], size_bytes: int, training: Mapping[str, Any] | None, words: Words
) -> str:
    """The card.

    Args:
        report: of `validate`, with the name, version and hash of the packaged file.
        size_bytes: length of that file.
        training: record of `train`; None if it is not known.
        words: the rest.
    """
    parts = [
        f"# {report['model']} {report['version']}",
        "\n".join(_facts(report, size_bytes, words)),
        "## Made from",
        words.data.strip(),
        *_prepared(report["data"]),
        *_trained(training),
        *report["cautions"],
        "## Measured",
        _how(report),
        _accuracy(report),
        "By size: height of a head, or of the whole person or vest, in pixels of the network's input.",
        _by_size(report),
        *_compared(report["comparison"]),
        *_events(report["events"]),
        *_rates(report),
        *_goals(report),
        "## Limits",
        words.limits.strip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(report: Mapping[str, Any], size_bytes: int, words: Words) -> Iterator[str]:
    width, height = report["input_px"]
    thresholds = ", ".join(f"{label} {value:g}" for label, value in report["thresholds"].items())
    yield "| | |\n|---|---|"
    yield f"| File | `model.onnx`, {size_bytes / 1e6:.1f} MB, SHA-256 `{report['sha256']}` |"
    yield f"| Measured as | SHA-256 `{report['measured_sha256']}`: the same network before it was described |"
    yield f"| Reports | {', '.join(report['labels'])} |"
    yield f"| Input | up to {width} x {height} pixels; colours RGB, 0 to 1; the frame's aspect is kept |"
    yield f"| Thresholds | {thresholds} |"
    yield f"| Licence | {words.licence} |"
    yield f"| Software | {report['software']}, commit `{report['commit'] or 'unknown'}` |"


def _prepared(data: Mapping[str, Any] | None) -> Iterator[str]:
    if data is None:
        return
    labels = data["parameters"]["labels"]
    rows = [
        [row["set"], row["split"], row["pictures"], *(row["boxes"].get(label, "-") for label in labels)]
        for row in data["counts"]
    ]
    yield _table(["Set", "Split", "Pictures", *labels], rows)
    listed = ", ".join(f"{name} {number}" for name, number in data["listed_for_training"].items())
    yield (
        "Boxes that are labelled; - where a set does not label that: there it is unknown, not absent, and was neither "
        f"trained nor measured. {data['near_duplicates_of_val']} train pictures that are nearly in a val split were "
        f"left out; {data['alike_in_val']} val pictures are nearly the same as another. Pictures a round, with rare "
        f"labels repeated: {listed}. SHA-256 over all of it: `{data['content_sha256']}`."
    )


def _trained(training: Mapping[str, Any] | None) -> Iterator[str]:
    if training is None:
        return
    if "averaged" in training:
        yield "Averaged from\n\n" + "\n".join(map(_averaged, training["averaged"]))
        return
    settings = ", ".join(
        f"{name} {value}" for name, value in training["settings"].items() if value is not None
    )
    packages = ", ".join(f"{name} {version}" for name, version in training["packages"].items())
    yield (
        f"Trained from `{training['started_from']}` (SHA-256 `{training['started_from_sha256']}`), "
        f"{training['epochs_seen']} epochs, {training['seconds']} s on {training['machine']}: {settings}. {packages}."
    )


def _averaged(origin: Mapping[str, Any]) -> str:
    told = " ".join(_trained(origin["training"])) or "where it comes from is not known"
    return f"- {origin['share']:g} of `{origin['weights']}` (SHA-256 `{origin['sha256']}`): {told}"


def _how(report: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    return (
        f"{report['pictures']} pictures of the {report['split']} splits, through this project's own detector "
        f"({report['backend']}; {packages}; {report['machine']}): {report['processor_ms_a_picture']} ms of processor "
        "time a picture, median. A box is right if its IoU with a labelled box of its class is at least 0.5; precision "
        f"and recall are at the threshold. In brackets the {report['interval']}; pictures of one scene are not "
        "independent, so the truth may lie outside more often than it says, and where nothing or all is found it says "
        "nothing."
    )


def _accuracy(report: Mapping[str, Any]) -> str:
    rows = [
        [
            row["set"],
            row["label"],
            row["labelled"],
            *(_shown(row[name]) for name in ("ap50", "ap50_95")),
            f"{row['threshold']:g}",
            *(_shown(row[name]) for name in ("precision", "recall")),
        ]
        for row in report["accuracy"]
    ]
    return _table(["Set", "Class", "Labelled", "AP50", "AP50-95", "Threshold", "Precision", "Recall"], rows)


def _by_size(report: Mapping[str, Any]) -> str:
    rows = [
        [row["label"], _pixels(row["px"]), row["labelled"], _shown(row["ap50"])] for row in report["by_size"]
    ]
    return _table(["Class", "Height", "Labelled", "AP50"], rows)


def _compared(comparison: Mapping[str, Any] | None) -> Iterator[str]:
    if comparison is None:
        return
    rows = [
        [
            row["set"],
            row["label"],
            f"{row['ap50']:.2f}",
            f"{row['other_ap50']:.2f}",
            _shown(row["difference"], "+.2f"),
            row["verdict"],
        ]
        for row in comparison["rows"]
    ]
    yield (
        f"### Against {comparison['model']}\n\nOn the same pictures (its input {comparison['input_px'][0]} pixels, "
        f"{comparison['processor_ms_a_picture']} ms); paired bootstrap."
    )
    yield _table(["Set", "Class", "AP50", "its AP50", "Difference", "So"], rows)


def _events(events: Mapping[str, Any] | None) -> Iterator[str]:
    yield "### Violations on clips"
    if events is None:
        yield "Not judged."
        return
    clips = ", ".join(f"{name} at {px} pixels" for name, px in events["clips"].items())
    yield (
        f"{len(events['clips'])} clips with known truth ({clips}), {events['camera_s']:.0f} s: "
        f"{events['found']:.0f} of {events['expected']:.0f} violations found ({_shown(events['found_share'])}), "
        f"{events['missed']:.0f} missed, {events['false']:.0f} false "
        f"({_shown(events['false_per_camera_hour'], '.1f')} a camera's hour), {events['duplicates']:.0f} duplicates; "
        f"median delay {events['median_delay_s']} s."
    )


def _rates(report: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "### What a box says\n\nShare of labelled things on which there is a box of at least that confidence; "
        "by the height of the person in pixels of the network's input."
    )
    rows = [
        [row["question"].replace("|", "where"), _pixels(row["px"]), row["looks"]]
        + [f"{row['share'][limit]:.2f}" for limit in RATES_AT]
        for row in report["rates"]
        if row["by"] in ("any", "person_height_px")
    ]
    yield _table(["Box", "Person", "Looks", *RATES_AT], rows)


def _goals(report: Mapping[str, Any]) -> Iterator[str]:
    if report["missed_goals"]:
        yield "### Goals that are missed"
        yield "\n".join(f"- {goal}" for goal in report["missed_goals"])


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _shown(figure: Mapping[str, float | None], form: str = ".2f") -> str:
    if figure["value"] is None:
        return "-"
    if figure["low"] is None:
        return format(figure["value"], form)
    return f"{figure['value']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"


def _pixels(bounds: Sequence[int] | None) -> str:
    if bounds is None:
        return "any"
    return f"{bounds[0]} or more" if bounds[1] >= 10_000 else f"{bounds[0]} to {bounds[1]}"
