"""Measure a model on labelled pictures and on clips, compare it with another, and say whether it is refused."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from officer.training import figures
from officer.training.described import described
from officer.training.events import judge_clip
from officer.training.extra import require
from officer.training.figures import Estimate, Floats, Matches
from officer.training.looks import Picture, look
from officer.training.prepared import RECORD, Prepared, read_prepared
from officer.training.progress import track
from officer.training.provenance import software
from officer.training.quantise import VARIANT_OF
from officer.training.rates import PERSON_SIZES, SIZES, rates, reliability, thresholds, unkept
from officer.training.verdict import ALL, Floors, missed, refusals, untraced
from services.detection.adapters.detector_loader import load_detector
from services.detection.adapters.model_file import read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from services.detection.application.ports import Detector
from services.detection.domain.detection import Label, ModelInfo
from shared.config.site import load_site
from shared.errors import ConfigurationError

REPORT = "validation.json"
HEADS = (Label.HARDHAT, Label.NO_HARDHAT)


@dataclass(frozen=True, slots=True)
class Validation:
    """What to measure, and against what.

    Attributes:
        model: an .onnx file.
        prepared: folder made by `prepare`.
        out: folder for validation.json, the plots and the looks, from which an interrupted run goes on.
        against: the model to compare with on the same pictures; None compares with none.
        floors: what must be reached.
        clips: folders with clips of known truth.
        split: which pictures.
        longest: long side of the network's input in pixels; None: as the file says.
        backend: see `load_detector`.
        threads: processor threads; 0 leaves it to the backend.
        thresholds: in place of the file's own and of those that the rules advise.
    """

    model: Path
    prepared: Path
    out: Path
    against: Path | None = None
    floors: Floors = field(default_factory=Floors)
    clips: tuple[Path, ...] = ()
    split: str = "val"
    longest: int | None = None
    backend: str = "auto"
    threads: int = 0
    thresholds: Mapping[Label, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A model and its matches: for each set, and `ALL`, and each of its labels that the set labels."""

    info: ModelInfo
    pictures: list[Picture]
    matches: dict[tuple[str, Label], Matches]
    weights: Floats


def validate(validation: Validation) -> dict[str, Any]:
    """Measure; the report, which is also written to `validation.out`. It is refused if `refused` is not empty.

    Raises:
        ConfigurationError: a file or folder is missing or wrong.
    """
    prepared = read_prepared(validation.prepared)
    detector = _detector(validation, validation.model, validation.longest)
    measured = _measured(detector, prepared, validation)
    rows = rates(measured.pictures, measured.info.labels, prepared.labelled)
    advised = thresholds(rows, _best_f1_at(measured))
    used = {**advised, **measured.info.thresholds, **validation.thresholds}
    metadata = onnx_metadata(read_model_file(validation.model, ".onnx"))
    report: dict[str, Any] = {
        **_facts(measured, validation, prepared),
        "variant_of": metadata.get(VARIANT_OF),
        "thresholds": {label: used[label] for label in sorted(used) if label in measured.info.labels},
        "recommended": advised,
        "accuracy": [
            {"set": name, "label": label, **_accuracy(matches, measured.weights, used[label])}
            for (name, label), matches in measured.matches.items()
        ],
        "by_size": _by_size(measured),
        "rates": rows,
        "comparison": _comparison(measured, prepared, validation),
        "events": _events(validation, measured.info, used),
    }
    precision = {
        row["label"]: row["precision"]["value"] or 0.0 for row in report["accuracy"] if row["set"] == ALL
    }
    report["reliability"] = reliability(rows, used, precision)
    report["missed_goals"] = [*missed(report, validation.floors.goals, "misses its goal"), *unkept(rows)]
    report["cautions"] = list(untraced(metadata, report["data"]))
    report["refused"] = refusals(report, validation.floors)
    report["plots"] = _plots(measured, prepared, used, validation.out)
    (validation.out / REPORT).write_text(compact(report), "utf-8")
    return report


def compact(report: Mapping[str, Any]) -> str:
    """JSON with one line for each row of a table, which a version control shows well."""
    lines = []
    for key, value in report.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"  {json.dumps(row)}" for row in value)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _detector(validation: Validation, model: Path, longest: int | None) -> Detector:
    return load_detector(model, validation.backend, threads=validation.threads, longest=longest)


def _measured(detector: Detector, prepared: Prepared, validation: Validation) -> _Measured:
    pictures = look(detector, prepared, validation.split, validation.out)
    if not pictures:
        raise ConfigurationError(
            f"{validation.prepared} has no {validation.split} pictures; do: prepare more"
        )
    matches = {}
    for name in (*sorted({picture.dataset for picture in pictures}), ALL):
        for label in sorted(detector.info.labels):
            chosen = [
                number
                for number, picture in enumerate(pictures)
                if name in (picture.dataset, ALL) and label in prepared.labelled[picture.dataset]
            ]
            found = figures.match(pictures, label, chosen)
            if len(found.labelled_px):
                matches[name, label] = found
    return _Measured(detector.info, pictures, matches, figures.draws(pictures))


def _facts(measured: _Measured, validation: Validation, prepared: Prepared) -> dict[str, Any]:
    info = measured.info
    return {
        "model": info.name,
        "version": info.version,
        "sha256": info.sha256,
        "backend": info.backend,
        "input_px": list(info.input_px),
        "labels": sorted(info.labels),
        "pictures": len(measured.pictures),
        "split": validation.split,
        "sets": {name: sorted(labels) for name, labels in sorted(prepared.labelled.items())},
        "data": _data(validation.prepared / RECORD),
        "processor_ms_a_picture": round(
            float(np.median([picture.processor_ms for picture in measured.pictures])), 1
        ),
        "interval": f"95 % interval: bootstrap over pictures within each set, {figures.DRAWS} draws",
        **software(),
    }


def _data(record: Path) -> dict[str, Any] | None:
    """What the record of `prepare` says in short; None for a folder without one."""
    if not record.exists():
        return None
    told = json.loads(record.read_text("utf-8"))
    kept = ("parameters", "sets", "counts", "listed_for_training", "alike_in_val", "content_sha256")
    leaks = len(told["near_duplicates_of_val"])
    return {
        **{key: told[key] for key in kept},
        "near_duplicates_of_val": leaks,
    }


def _best_f1_at(measured: _Measured) -> dict[Label, float]:
    best = {
        label: figures.best_f1(matches)[1]
        for (name, label), matches in measured.matches.items()
        if name == ALL
    }
    return {label: best.get(label, 0.25) for label in measured.info.labels}


def _accuracy(matches: Matches, weights: Floats, threshold: float) -> dict[str, Any]:
    precision, recall = figures.precision_and_recall(matches, weights, threshold)
    best, at = figures.best_f1(matches)
    return {
        "labelled": len(matches.labelled_px),
        "ap50": _told(figures.estimate(figures.average_precision(matches, weights))),
        "ap50_95": _told(figures.estimate(figures.average_precision(matches, weights, len(figures.IOUS)))),
        "threshold": threshold,
        "precision": _told(figures.estimate(precision)),
        "recall": _told(figures.estimate(recall)),
        "best_f1": round(best, 3),
        "best_f1_at": round(at, 3),
    }


def _by_size(measured: _Measured) -> list[dict[str, Any]]:
    rows = []
    for (name, label), matches in measured.matches.items():
        for low, high in SIZES if label in HEADS else PERSON_SIZES:
            within = matches.of_height(low, high)
            if name == ALL and len(within.labelled_px):
                ap50 = figures.estimate(figures.average_precision(within, measured.weights))
                row = {"label": label, "px": [low, high], "labelled": len(within.labelled_px)}
                rows.append({**row, "ap50": _told(ap50)})
    return rows


def _comparison(measured: _Measured, prepared: Prepared, validation: Validation) -> dict[str, Any] | None:
    if validation.against is None:
        return None
    detector = _detector(validation, validation.against, None)
    if detector.info.sha256 == measured.info.sha256:
        return None
    other = _measured(detector, prepared, validation)
    return {
        "model": f"{other.info.name} {other.info.version}".strip(),
        "sha256": other.info.sha256,
        "input_px": list(other.info.input_px),
        "processor_ms_a_picture": round(float(np.median([one.processor_ms for one in other.pictures])), 1),
        "lost": sorted(other.info.labels - measured.info.labels),
        "rows": [
            {"set": name, "label": label, **_compared(matches, other.matches[name, label], measured.weights)}
            for (name, label), matches in measured.matches.items()
            if (name, label) in other.matches
        ],
    }


def _compared(ours: Matches, theirs: Matches, weights: Floats) -> dict[str, Any]:
    """AP50 of both, and of each draw their difference."""
    ap50, other = figures.average_precision(ours, weights), figures.average_precision(theirs, weights)
    change = figures.estimate(ap50 - other)
    verdict = "worse" if change.high < 0 else "better" if change.low > 0 else "no clear difference"
    return {
        "ap50": round(float(ap50[0]), 3),
        "other_ap50": round(float(other[0]), 3),
        "difference": _told(change),
        "verdict": verdict,
    }


def _events(validation: Validation, info: ModelInfo, used: Mapping[Label, float]) -> dict[str, Any] | None:
    """Violations on clips, with the thresholds and the size that the packaged file will have, or the size that a clip's
    site file asks for; intervals by drawing clips again.
    """
    if not validation.clips:
        return None
    require("validate with clips", "onnx")
    model = validation.out / "judged.onnx"
    changes = {"imgsz": str(list(info.input_px[::-1])), "officer_thresholds": json.dumps(used)}
    model.write_bytes(described(validation.model.read_bytes(), changes))
    asked_px = {clip: load_site(clip / "site.yaml").site.cameras[0].input_px for clip in validation.clips}
    tallies = [judge_clip(clip, model, validation.backend) for clip in track(validation.clips, "clips")]
    columns = ("expected", "found", "missed", "false", "duplicates", "camera_s")
    counts = np.array([[float(getattr(tally, name)) for name in columns] for tally in tallies])
    generator = np.random.default_rng(figures.SEED)
    drawn = generator.multinomial(len(tallies), np.full(len(tallies), 1 / len(tallies)), size=figures.DRAWS)
    sums = np.vstack([np.ones(len(tallies)), drawn]) @ counts
    expected, found, _, false, _, camera_s = sums.T
    delays = [delay for tally in tallies for delay in tally.delays_s]
    return {
        "clips": {clip.name: px or max(info.input_px) for clip, px in asked_px.items()},
        **{name: round(float(total), 1) for name, total in zip(columns, sums[0], strict=True)},
        "found_share": _told(figures.estimate(figures.share(found, expected))),
        "right_share": _told(figures.estimate(figures.share(found, found + false))),
        "false_per_camera_hour": _told(figures.estimate(figures.share(false * 3600, camera_s))),
        "median_delay_s": round(float(np.median(delays)), 2) if delays else None,
    }


def _told(figure: Estimate) -> dict[str, float | None]:
    """Three digits; None where there is no figure."""
    values = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: round(value, 3) if math.isfinite(value) else None for name, value in values.items()}


def _plots(measured: _Measured, prepared: Prepared, used: Mapping[Label, float], out: Path) -> list[str]:
    """Names of the pictures drawn; none without matplotlib, which only the extra `train` brings."""
    try:
        from officer.training.plots import draw_confusion, draw_curves
    except ImportError:
        return []
    draw_curves(measured.matches, f"{measured.info.name} {measured.info.version}", out / "curves.png")
    draw_confusion(measured.pictures, prepared.labelled, used, out / "confusion.png")
    return ["curves.png", "confusion.png"]
