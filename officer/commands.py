"""All commands of `officer`: one module for each group of them."""

from typing import Annotated

import typer

from officer import compare, demo, deploy_check, doctor, erase, model, reports, site, trace, watch
from officer.console import screen
from shared.version import VERSION

HELP = """
Watches work sites through their cameras and mails a cited report for each potential safety non-compliance.

Everything runs on this machine: no cloud, no key, no container.

**First steps**

    officer demo
    officer doctor --site examples/sites/ppe-everywhere.yaml
    officer watch clip.mp4 --site examples/sites/ppe-everywhere.yaml --out out/a
    officer reports list --data out/a

**Exit codes**: 0 done; 1 something failed or is left undone; 2 something is set up wrong, and the message says what;
130 stopped at once by Ctrl-C.

Commands read the environment and a file `.env` in the working folder; `.env.example` lists every variable.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="watch")(watch.watch)
app.command(name="demo")(demo.demo)
app.command(name="doctor")(doctor.doctor)
app.command(name="deploy-check")(deploy_check.deploy_check)
app.command(name="trace")(trace.trace)
app.add_typer(site.app, name="site")
reports.app.command()(erase.erase)
app.add_typer(reports.app, name="reports")
model.app.command()(compare.compare)
app.add_typer(model.app, name="model")


def _version(wanted: bool) -> None:
    if wanted:
        screen.print(VERSION)
        raise typer.Exit


@app.callback()
def _officer(
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass
