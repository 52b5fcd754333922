"""officer model: what a model file says of itself, which versions there are, which is in use, how one is made."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from officer import model_steps
from officer.console import errors, screen, table
from officer.model_steps import RegistryOption, open_registry
from services.detection.adapters.model_file import ModelCard, ModelFile, read_card, read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from services.detection.settings import SHIPPED_MODEL
from shared.errors import ConfigurationError

app = typer.Typer(
    help="Look into model files, switch between them, and make them: collect, prepare, train, validate, package.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.command()
def info(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|NAME",
            help="An .onnx file, or a name as `list` shows it.",
            show_default="the shipped model",
        ),
    ] = SHIPPED_MODEL,
    version: Annotated[str | None, typer.Argument(help="After a name: as `list` shows it.")] = None,
    registry: Annotated[  # never from the environment, where it would change what a FILE means
        str | None, typer.Option(help="After a name: a folder, or s3://bucket/prefix.")
    ] = None,
) -> None:
    """Show a model's metadata: classes in our vocabulary, input size, thresholds, hash. Nothing in the file is run.

    officer model info

    officer model info models/ppe.onnx

    officer model info ppe5 1.0.0 --registry out/models
    """
    file = _file(model, version, registry)
    metadata = onnx_metadata(file)
    screen.print(_table(file, read_card(metadata, file.path), metadata))


@app.command("list")
def list_models(registry: RegistryOption) -> None:
    """List the versions in a registry, and which is in use.

    officer model list --registry out/models
    """
    found, used = open_registry(registry), []
    try:
        used = found.in_use()
    except ConfigurationError as error:  # what there is has to be seen to choose what mends it
        errors.print(escape(str(error)), style="yellow", highlight=False, soft_wrap=True)
    shown = table("Models", "name", "version", "SHA-256", "")
    for entry in found.entries():
        mark = "in use" if used and entry == used[-1] else "was in use" if entry in used else ""
        shown.add_row(entry.name, entry.version, entry.sha256, mark)
    screen.print(shown if shown.row_count else "No model is there.")


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="As `list` shows it.")],
    version: Annotated[str, typer.Argument(help="As `list` shows it.")],
    registry: RegistryOption,
) -> None:
    """Let detection services with that MODEL_REGISTRY run a version from their next start on.

    officer model use ppe5 1.0.0 --registry out/models
    """
    entry = open_registry(registry).use(name, version)
    screen.print(f"{entry.name} {entry.version} is in use; services take it at their next start.")


@app.command()
def rollback(registry: RegistryOption) -> None:
    """Go back to the version that was in use before.

    officer model rollback --registry out/models
    """
    entry = open_registry(registry).rollback()
    screen.print(f"{entry.name} {entry.version} is in use again; services take it at their next start.")


app.command()(model_steps.collect)
app.command()(model_steps.prepare)
app.command()(model_steps.train)
app.command()(model_steps.average)
app.command()(model_steps.validate)
app.command()(model_steps.quantise)
app.command()(model_steps.package)


def _file(model: Path, version: str | None, registry: str | None) -> ModelFile:
    """The file that was asked for: of this machine, or that of a version in a registry."""
    if version is None and registry is None:
        return read_model_file(model, ".onnx")
    if version is None or registry is None:
        raise ConfigurationError(
            "a model in a registry is named by three words; do: officer model info NAME VERSION --registry REGISTRY"
        )
    return open_registry(registry).file(str(model), version)


def _table(file: ModelFile, card: ModelCard, metadata: dict[str, str]) -> Table:
    shown = table(f"{card.name} {card.version}".strip(), "of the model", "value")
    rows = {
        "file": f"{file.path} ({len(file.body) / 1e6:.1f} MB)",
        "SHA-256": file.sha256,
        "reports": ", ".join(f"{number} {label}" for number, label in card.labels.items()),
        "classes without a word of ours": str(card.classes - len(card.labels)),
        "input": f"up to {card.longest} pixels, sides in multiples of {card.stride}",
        "suppresses overlaps itself": "yes" if card.end_to_end else "no",
        "thresholds": ", ".join(f"{label} {value:g}" for label, value in card.thresholds.items())
        or "none given",
        "licence": metadata.get("license", "not stated"),
        "made by": metadata.get("author", "not stated"),
        "data (SHA-256)": metadata.get("officer_data_sha256") or "not stated",
        "software": metadata.get("officer_software", "not stated"),
    }
    for what, value in rows.items():
        shown.add_row(what, escape(value))
    return shown
