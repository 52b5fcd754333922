"""officer site: check a site file, show its schema."""

import json
import os
from itertools import combinations
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from officer.console import screen, table
from services.agent.domain.claims import fold
from services.agent.domain.forbidden import LAWS
from services.detection.adapters.model_file import read_card, read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from services.detection.domain.confirmation import needed_for
from services.detection.domain.detection import ModelInfo
from services.detection.domain.geometry import Box
from services.detection.settings import SHIPPED_MODEL, DetectionSettings
from shared.config.site import (
    Camera,
    LoadedSite,
    PpeRule,
    RestrictedZoneRule,
    Site,
    Zone,
    load_site,
    site_schema,
    source_of,
)
from shared.errors import ConfigurationError
from shared.observability.redaction import redact_address
from shared.regulations.table import SITE_POLICY, shipped_table
from shared.vocabulary import Finding, missing

app = typer.Typer(
    help="Check a site file before it is used, or show its schema.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

MOST_SHARED = 0.7  # of a closer look's area

FileArgument = Annotated[Path, typer.Argument(help="The site file.", metavar="SITE.YAML", show_default=False)]


@app.command()
def check(path: FileArgument) -> None:
    """Read a site file as the services do, and show what it means.

    Prints cameras, zones, rules and which references a report could cite; or every problem of the file at once,
    each with line, key, value, what is allowed and what to do (exit code 2).

        officer site check examples/sites/ppe-everywhere.yaml
    """
    loaded = load_site(path)
    screen.print(
        f"[bold]{escape(loaded.site.site.name)}[/] ({loaded.site.site.id}), file {escape(str(path))} is valid"
    )
    for part in (
        _cameras(loaded.site),
        _rules(loaded.site),
        _references(loaded.site),
        _recipients(loaded.site),
    ):
        screen.print(part)
    for remark in remarks(loaded):
        screen.print(f"[yellow]note:[/] {escape(remark)}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the site file; editors use it to complete and check while you type.

    officer site schema > site.schema.json
    """
    typer.echo(json.dumps(site_schema(), indent=2, ensure_ascii=False))


def remarks(loaded: LoadedSite) -> list[str]:
    """What is valid, but perhaps not meant."""
    site = loaded.site
    found = [f"{error}" for camera in site.cameras if camera.source for error in _unset(camera)]
    if not site.recipients:
        found.append("recipients: nobody gets mail; reports are only written")
    if not site.site.jurisdictions:
        found.append("site.jurisdictions: none, so reports cite the site's policy alone")
    found += _like_laws(site)
    found += _unfit(loaded)
    found += [remark for camera in site.cameras for remark in _twice_closer(camera)]
    watched = {zone for rule in site.rules for zone in (rule.zones or _all_zones(site))}
    found += [f"zone {zone}: no rule watches it" for zone in sorted(_all_zones(site) - watched)]
    if not site.privacy.blur_faces:
        found.append("privacy.blur_faces: off; faces will be stored and mailed, and each report says so")
    return found


def _like_laws(site: Site) -> list[str]:
    """What reports would print as the site's own rule, though by its name it is a law or a standard."""
    named = {"site.policy": site.site.policy}
    for rule in site.rules:
        named |= {f"rule {rule.id}: title": rule.title, f"rule {rule.id}: version": rule.version}
    return [
        f"{where}: {text!r} names a law or standard, and reports print it as the site's own; name your own rule, and "
        "leave laws to site.jurisdictions and the hazards of zones"
        for where, text in named.items()
        if any(pattern.search(fold(text)) for pattern in LAWS)
    ]


def _unfit(loaded: LoadedSite) -> list[str]:
    """What the shipped model could never find."""
    # a second of imports, which --help need not wait for
    from services.detection.bootstrap import require_fit

    file = read_model_file(SHIPPED_MODEL, ".onnx")
    card = read_card(onnx_metadata(file), file.path)
    labels, size = frozenset(card.labels.values()), (card.longest, card.longest)
    info = ModelInfo(card.name, file.sha256, "onnxruntime", size, labels)
    try:
        require_fit(loaded, info, DetectionSettings.model_fields["detect_fps"].default)
    except ConfigurationError as error:
        return [f"with the shipped model and the usual looks a second: {error}"]
    return []


def _twice_closer(camera: Camera) -> list[str]:
    """Pairs of zones whose closer looks show nearly the same."""
    looks = [(zone.id, Box(*zone.closer_look)) for zone in camera.zones if zone.closer_look]
    return [
        f"camera {camera.id}: zones {one} and {other} look closer at nearly the same part, each at the cost of a look;"
        " take look_closer from one of them"
        for (one, box), (other, other_box) in combinations(looks, 2)
        if max(box.covered_by(other_box), other_box.covered_by(box)) > MOST_SHARED
    ]


def _unset(camera: Camera) -> list[str]:
    try:
        source_of(camera, os.environ)
    except ConfigurationError as error:
        return [str(error)]
    return []


def _all_zones(site: Site) -> set[str]:
    return {zone.id for camera in site.cameras for zone in camera.zones}


def _cameras(site: Site) -> Table:
    shown = table("Cameras", "camera", "source", "zone", "area", "declared hazards")
    for camera in site.cameras:
        for number, zone in enumerate(camera.zones):
            first = number == 0
            shown.add_row(
                escape(f"{camera.id}: {camera.name}") if first else "",
                escape(redact_address(camera.source or "given to watch")) if first else "",
                escape(f"{zone.id}: {zone.name}"),
                _area(zone),
                ", ".join(zone.hazards) or "none",
            )
    return shown


def _area(zone: Zone) -> str:
    if zone.polygon is None:
        return "whole picture"
    return f"{len(zone.polygon)} corners{', looked at closer' if zone.look_closer else ''}"


def _rules(site: Site) -> Table:
    shown = table("Rules", "rule", "asks", "zones", "confirmed by", "when", "cooldown")
    for rule in site.rules:
        needed = needed_for(rule)
        shown.add_row(
            escape(f"{rule.id}: {rule.title}"),
            " and ".join(rule.requires) if isinstance(rule, PpeRule) else "nobody in the zone",
            ", ".join(rule.zones) or "all",
            f"{needed.looks} of {needed.of} looks in {needed.within_s:g} s",
            _when(rule),
            f"{rule.cooldown_s:g} s",
        )
    return shown


def _when(rule: PpeRule | RestrictedZoneRule) -> str:
    schedule = rule.schedule
    days = (
        "daily"
        if len(schedule.days) == len(schedule.model_fields["days"].default)
        else ", ".join(schedule.days)
    )
    if schedule.start == schedule.end:
        return days
    return f"{days} {schedule.start:%H:%M}-{schedule.end:%H:%M}"


def _references(site: Site) -> Table:
    shown = table("References", "finding", "camera", "zone", "could be cited")
    for finding, camera, zone in _findings(site):
        titles = "\n".join(escape(title) for title in _titles(finding, zone, site))
        shown.add_row(str(finding), camera.id, zone.id, titles)
    return shown


def _findings(site: Site) -> list[tuple[Finding, Camera, Zone]]:
    found_at: dict[tuple[Finding, str, str], tuple[Finding, Camera, Zone]] = {}
    for rule in site.rules:
        found = (
            [missing(item) for item in rule.requires]
            if isinstance(rule, PpeRule)
            else [Finding.RESTRICTED_ZONE]
        )
        places = [
            (camera, zone)
            for camera in site.cameras
            for zone in camera.zones
            if not rule.zones or zone.id in rule.zones
        ]
        found_at |= {(f, camera.id, zone.id): (f, camera, zone) for f in found for camera, zone in places}
    return list(found_at.values())


def _titles(finding: Finding, zone: Zone, site: Site) -> list[str]:
    declared = site.site.jurisdictions
    entries = [
        entry
        for entry in shipped_table().citations_at(declared)
        if finding in entry.findings and entry.role == "primary"
    ]
    laws = [e for e in entries if e.jurisdiction in declared and e.fits(zone.hazards)]
    sure = any(not law.needs_person_confirmation for law in laws)
    own = [] if sure else [entry for entry in entries if entry.jurisdiction == SITE_POLICY]
    to_confirm = {True: " (to be confirmed by a person)", False: ""}
    return [f"{entry.title}{to_confirm[entry.needs_person_confirmation]}" for entry in [*laws, *own]]


def _recipients(site: Site) -> Table:
    shown = table("Mail", "recipient", "role", "from severity")
    for recipient in site.recipients:
        shown.add_row(escape(recipient.address), escape(recipient.role), recipient.min_severity)
    return shown
