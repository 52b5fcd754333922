"""officer model: what a model file says of itself."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from officer.console import screen, table
from services.detection.adapters.model_file import ModelCard, ModelFile, read_card, read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from services.detection.settings import SHIPPED_MODEL

app = typer.Typer(help="Look into a model file.", no_args_is_help=True, rich_markup_mode="markdown")


@app.command()
def info(
    path: Annotated[
        Path, typer.Argument(help="An .onnx file.", show_default="the shipped model")
    ] = SHIPPED_MODEL,
) -> None:
    """Show a model's metadata: classes in our vocabulary, input size, thresholds, hash. Nothing in the file is run.

    officer model info
    officer model info models/ppe4.onnx
    """
    file = read_model_file(path, ".onnx")
    metadata = onnx_metadata(file)
    screen.print(_table(file, read_card(metadata, path), metadata))


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
    }
    for what, value in rows.items():
        shown.add_row(what, escape(value))
    return shown
