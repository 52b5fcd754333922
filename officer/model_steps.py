"""The steps of `officer model` that make a model; each is one module of officer.training, imported when it is run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from officer.console import errors, screen, table
from services.detection.domain.detection import Label
from services.detection.settings import SHIPPED_MODEL
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from officer.training.average import Share
    from officer.training.registry import Registry

FLOORS = SHIPPED_MODEL.with_name("floors.yaml")
PAIR = "LABEL=NUMBER"

OutOption = Annotated[
    Path, typer.Option("--out", file_okay=False, help="The folder to make, or to go on with.")
]
DataOption = Annotated[Path, typer.Option("--data", help="A folder that `prepare` has made.")]
RegistryOption = Annotated[
    str, typer.Option("--registry", envvar="MODEL_REGISTRY", help="A folder, or s3://bucket/prefix.")
]


def open_registry(address: str) -> "Registry":
    """The registry at *address*."""
    from officer.training.registry import Registry
    from services.detection.adapters.model_shelf import open_shelf

    return Registry(open_shelf(address), address)


def collect(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Folders, zip files, or names that Ultralytics knows.")
    ] = None,
    *,
    out: OutOption,
    reviewed: Annotated[
        Path | None,
        typer.Option(help="The folder that was given to watch as --out: its reviewed violations."),
    ] = None,
) -> None:
    """Bring labelled sets, and pictures of reviewed violations to label, into one folder.

    officer model collect construction.zip other-set/ --out sets

    officer model collect --reviewed out/first --out sets
    """
    from officer.training.collect import collect_set
    from officer.training.reviewed import collect_reviewed

    if not sources and reviewed is None:
        raise ConfigurationError("there is nothing to collect; do: name a folder, a zip file, or --reviewed")
    for source in sources or []:
        made = collect_set(source, out)
        screen.print(escape(f"{made.folder}: {made.pictures} pictures, {made.state}"), soft_wrap=True)
    if reviewed is not None:
        screen.print(escape(collect_reviewed(reviewed, out)), soft_wrap=True)


def prepare(
    sources: Annotated[list[Path], typer.Argument(help="Folders in YOLO format.")],
    out: OutOption,
    label: Annotated[
        list[Label] | None, typer.Option(help="To learn; repeat it.", show_default="five")
    ] = None,
    rare: Annotated[
        list[Label] | None, typer.Option(help="To show more often.", show_default="bare spots")
    ] = None,
    repeat_below: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pictures that is not rare.")
    ] = 0.8,
    cut_mosaics: Annotated[
        list[str] | None,
        typer.Option(metavar="SET", help="Train pictures of this set are mosaics: cut them; repeat it."),
    ] = None,
) -> None:
    """Make one folder to train on, and sheets to look at before that.

    Classes are mapped to our vocabulary; what a set does not label stays unknown there. Pictures of train that are
    nearly in val are left out and listed in prepared.json, as are broken label lines.

    officer model prepare sets/a sets/b --out prepared
    """
    from officer.training.extra import require

    require("prepare", "imagehash")
    from officer.training.prepare import LABELS, RARE, SHEETS, Preparation
    from officer.training.prepare import prepare as run

    labels, rare_labels = tuple(label or LABELS), tuple(rare or RARE)
    mosaics = tuple(dict.fromkeys(cut_mosaics or []))
    record = run(Preparation(tuple(sources), out, labels, rare_labels, repeat_below, mosaics))
    shown = table("Prepared", "set", "split", "pictures", *labels)
    for row in record["counts"]:
        boxes = [str(row["boxes"].get(name, "-")) for name in labels]
        shown.add_row(row["set"], row["split"], str(row["pictures"]), *boxes)
    screen.print(shown)
    for row in record["mosaics"]:
        screen.print(escape(f"{row['set']}: {row['cut']} train pictures were cut into {row['parts']} parts."))
    for line in record["broken_lines"] + record["unreadable_pictures"]:
        errors.print(escape(line), style="yellow", highlight=False, soft_wrap=True)
    leaks = len(record["near_duplicates_of_val"])
    screen.print(
        f"{leaks} train pictures are nearly in val and were left out. Look at {out / SHEETS} before you train."
    )


def train(
    data: DataOption,
    weights: Annotated[
        Path,
        typer.Option(help="An .onnx or .pt to start from; a .pt runs code, so only one that you trust."),
    ],
    out: OutOption,
    longest: Annotated[int, typer.Option(min=64, max=1920, help="Long side of pictures in pixels.")] = 416,
    epochs: Annotated[int, typer.Option(min=1, help="Rounds.")] = 30,
    hours: Annotated[
        float | None, typer.Option(min=0.01, help="Train so long, however many rounds that makes.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or the number of a GPU.")] = "cpu",
    batch: Annotated[int, typer.Option(min=1, help="Pictures in one step.")] = 16,
    frozen: Annotated[int, typer.Option(min=0, max=22, help="First layers that stay as they are.")] = 0,
    rate: Annotated[float, typer.Option(min=1e-6, max=0.1, help="Highest learning rate.")] = 0.001,
    mosaics: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pictures shown in mosaics of four.")
    ] = 0.4,
) -> None:
    """Train; what was interrupted goes on from its last round. Needs the extra train.

    officer model train --data prepared --weights models/ppe.onnx --out runs/a --longest 640
    """
    from officer.training.train import Training, with_kind_allocator
    from officer.training.train import train as run

    if device == "cpu":
        with_kind_allocator()
    made = run(Training(data, weights, out, longest, epochs, hours, device, batch, frozen, rate, mosaics))
    screen.print(f"Trained: {made}")


def average(
    trainings: Annotated[
        list[str],
        typer.Argument(metavar="FILE=SHARE", help="A .pt that you trust; the shares add up to 1."),
    ],
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="The folder to make.")],
) -> None:
    """Average the weights of several trainings that began alike. Needs the extra train.

    officer model average runs/a/weights/last.pt=0.6 runs/b/weights/last.pt=0.4 --out runs/mean
    """
    from officer.training.average import average as run

    screen.print(f"Averaged: {run([_share(text) for text in trainings], out)}")


def validate(
    model: Annotated[Path, typer.Argument(help="An .onnx file, or a .pt (needs the extra train).")],
    data: DataOption,
    out: OutOption,
    against: Annotated[
        Path | None, typer.Option(help="Compare with this model.", show_default="the shipped model")
    ] = SHIPPED_MODEL,
    floors: Annotated[
        Path, typer.Option(help="What must be reached.", show_default="models/floors.yaml")
    ] = FLOORS,
    clip: Annotated[
        list[Path] | None, typer.Option(help="A clip's folder with its truth; repeat it.")
    ] = None,
    split: Annotated[str, typer.Option(help="val or train.")] = "val",
    longest: Annotated[
        int | None, typer.Option(min=64, max=1920, help="Long side of the input in pixels.")
    ] = None,
    backend: Annotated[str, typer.Option(help="auto, openvino or onnxruntime.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0: all.")] = 0,
    threshold: Annotated[
        list[str] | None, typer.Option(metavar=PAIR, help="In place of the advised one.")
    ] = None,
) -> None:
    """Measure a model and say whether it is refused (exit code 1): every figure with its 95 % interval.

    officer model validate runs/a/weights/last.pt --data prepared --out validated --longest 640
    """
    from officer.training.validate import Validation
    from officer.training.validate import validate as run
    from officer.training.verdict import read_floors

    asked = dict(map(_threshold, threshold or []))
    file = _exported(model, out, longest) if model.suffix == ".pt" else model
    limits, clips = read_floors(floors), tuple(clip or ())
    report = run(Validation(file, data, out, against, limits, clips, split, longest, backend, threads, asked))
    _show(report)
    screen.print(f"{out}: validation.json{''.join(f', {plot}' for plot in report['plots'])}", highlight=False)
    if not report["plots"]:
        errors.print("No plots: they need the extra train.", style="yellow")
    if report["refused"]:
        raise typer.Exit(1)


def quantise(
    model: Annotated[Path, typer.Argument(help="A validated .onnx file.")],
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="The .onnx file to write.")],
) -> None:
    """Make a variant that computes in 8 bits, which OpenVINO runs quicker; then validate it against its origin.

    officer model quantise ppe5.onnx --data prepared --out ppe5-int8.onnx

    officer model validate ppe5-int8.onnx --against ppe5.onnx --data prepared --out validated-int8
    """
    from officer.training.quantise import quantise as run

    run(model, data, out)
    screen.print(f"{out}: {out.stat().st_size / 1e6:.1f} MB; now validate it with --against {model}")


def package(
    model: Annotated[
        Path, typer.Argument(help="The .onnx file that was validated; of a .pt the one in its folder.")
    ],
    validated: Annotated[Path, typer.Option(help="The folder that `validate` has filled.")],
    registry: RegistryOption,
    name: Annotated[str, typer.Option(help="Of the model.")],
    version: Annotated[str, typer.Option(help="Such as 1.0.0; never given twice.")],
    about: Annotated[Path, typer.Option(help="Markdown: the sets, their makers and licences.")],
    limits: Annotated[Path, typer.Option(help="Markdown: known weaknesses.")],
    licence: Annotated[str, typer.Option(help="Of the model.")] = "AGPL-3.0",
) -> None:
    """Add a validated model to a registry, with its thresholds in the file and a card beside it.

    officer model package validated/last.onnx --validated validated --registry out/models --name ppe5 --version 1.0.0
    --about data.md --limits limits.md
    """
    from officer.training.card import Words
    from officer.training.package import Packaging
    from officer.training.package import package as run

    words = Words(licence, _text(about), _text(limits))
    entry = run(Packaging(model, validated, name, version, words), open_registry(registry))
    screen.print(
        f"{registry}: {entry.name} {entry.version}, SHA-256 {entry.sha256}", highlight=False, soft_wrap=True
    )


def _exported(weights: Path, out: Path, longest: int | None) -> Path:
    from officer.training.export import export

    if longest is None:
        raise ConfigurationError(
            "a .pt file does not say at which size it is to be measured; do: add --longest"
        )
    made = out / f"{weights.stem}.onnx"
    export(weights, made, longest)
    return made


def _share(text: str) -> "Share":
    from officer.training.average import Share

    path, _, number = text.rpartition("=")
    try:
        return Share(Path(path), float(number))
    except ValueError as error:
        raise ConfigurationError(
            f"{text[:80]!a} is no share; allowed: FILE=SHARE, such as last.pt=0.5"
        ) from error


def _threshold(text: str) -> tuple[Label, float]:
    label, _, number = text.partition("=")
    try:
        asked = Label(label), float(number)
    except ValueError:
        asked = None
    if asked is None or not 0 < asked[1] < 1:
        raise ConfigurationError(
            f"{text[:40]!a} is no threshold; allowed: {PAIR} between 0 and 1, such as person=0.3"
        )
    return asked


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({str(error)[:120]}); do: write it") from error


def _show(report: dict[str, Any]) -> None:
    title = f"{report['model']} {report['version']}, {report['processor_ms_a_picture']} ms a picture"
    shown = table(title, "set", "class", "boxes", "AP50, 95 %", "prec.", "recall")
    for row in report["accuracy"]:
        precision, recall = (f"{row[name]['value'] or 0:.2f}" for name in ("precision", "recall"))
        shown.add_row(
            row["set"], row["label"], str(row["labelled"]), _interval(row["ap50"]), precision, recall
        )
    screen.print(shown)
    if comparison := report["comparison"]:
        against = table(f"AP50 against {comparison['model']}", "set", "class", "change, 95 %", "so")
        for row in comparison["rows"]:
            against.add_row(row["set"], row["label"], _interval(row["difference"], "+.2f"), row["verdict"])
        screen.print(against)
    if events := report["events"]:
        screen.print(
            f"On {len(events['clips'])} clips ({events['camera_s']:.0f} s): {events['found']:.0f} of "
            f"{events['expected']:.0f} violations found ({_interval(events['found_share'])}), "
            f"{events['false']:.0f} false, {events['duplicates']:.0f} duplicates",
            highlight=False,
        )
    for goal in (*report["missed_goals"], *report["cautions"]):
        screen.print(escape(goal), style="yellow", highlight=False)
    for why in report["refused"]:
        errors.print(escape(f"refused: {why}"), style="red", highlight=False, soft_wrap=True)


def _interval(figure: dict[str, float | None], form: str = ".2f") -> str:
    value, low, high = (format(figure[name] or 0.0, form) for name in ("value", "low", "high"))
    return f"{value} {low}..{high}"
