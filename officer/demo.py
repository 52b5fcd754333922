"""officer demo: the bundled clip through both services."""

import os
from pathlib import Path
from typing import Annotated

import typer

from officer.console import screen
from officer.watch import plain_or_live, run_services, show
from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from shared.errors import ConfigurationError

# the demo needs and touches nothing of what is set up for real runs
SETTINGS = {name.upper() for kind in (AgentSettings, DetectionSettings) for name in kind.model_fields}
UNUSED = SETTINGS | {f"{name}_FILE" for name in SETTINGS}
FOLDER = Path(__file__).parents[1] / "examples" / "demo"


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for what the demo makes.")] = Path("out/demo"),
) -> None:
    """Run the bundled clip from frames to PDF reports and mails, and show what was found.

    Nothing is sent anywhere: mails are written as files. Takes a minute or two on an ordinary PC.

        officer demo
        officer demo --out /tmp/demo
    """
    site, clips = FOLDER / "site.yaml", sorted(FOLDER.glob("*.mp4"))
    if not clips or not site.is_file():
        raise ConfigurationError(
            f"{FOLDER}: the demo's clip or site file is missing; do: run it from a full checkout"
        )
    os.environ.update(dict.fromkeys(UNUSED, ""))
    environment = {"SOURCE": str(clips[0].resolve()), "SAVE_VIDEO": "true"}
    ending, summary = run_services(site, out, environment, plain_or_live())
    show(summary, out)
    if summary.violations and not any(violation.new for violation in summary.violations):
        screen.print(
            "This folder held the demo's result already: seeing the same recording again adds nothing."
        )
    raise typer.Exit(ending)
