"""officer doctor: is everything there that a run needs? A tick, or what is wrong and what to do.

Each check imports what it checks: a broken package is then one finding, and the other commands start quickly.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from packaging.requirements import Requirement
from rich.markup import escape

from officer.console import screen, table
from services.agent.adapters.llm_settings import OPENAI
from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from shared.config.problems import nearest
from shared.config.settings import SettingsError, check_settings, read_settings
from shared.config.site import Camera, LoadedSite, load_site, source_of
from shared.errors import OfficerError
from shared.observability.redaction import redact

if TYPE_CHECKING:
    from services.detection.application.ports import Detector
    from services.detection.domain.detection import ModelInfo

PROJECT = "ai-safety-compliance-officer"
ENOUGH_SPACE_MB = 500
FIRST_FRAME_S = 15.0
MODEL_CACHE = "cache"  # where detection keeps compiled models, in DATA_DIR


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        ok: True, False, or None for something that is not used or only worth a word.
        told: what was found, or what is wrong and what to do.
    """

    ok: bool | None
    told: str


Check = tuple[str, Callable[[], Finding]]


def doctor(
    site: Annotated[
        Path | None, typer.Option("--site", envvar="SITE_FILE", help="Check this site file too.")
    ] = None,
    data: Annotated[
        Path, typer.Option("--out", "--data", envvar="DATA_DIR", help="The folder of the runs.")
    ] = Path("out"),
) -> None:
    """Check Python, packages, model, site file, cameras, folder, database, mail, language model and clock.

    Reads the same environment (and `.env`) as the services. Sends no mail, writes no report, leaves no folder behind.
    Exit code 0 if all that a run needs is there, 1 if something is missing.

        officer doctor
        officer doctor --site site.yaml --out out/gate
    """
    os.environ.update(
        DATA_DIR=str(data), SITE_FILE=str(site or "unnamed")
    )  # what `watch` sets for the services
    rows = table("officer doctor", "", "check", "found")
    failed = 0
    with _as_found(data):
        for name, check in checks(site, data):
            with screen.status(f"checking {name}"):
                finding = examine(check)
            failed += finding.ok is False
            rows.add_row(MARKS[finding.ok], name, escape(finding.told))
    screen.print(rows)
    screen.print(f"{failed} of these need attention." if failed else "All that a run needs is there.")
    raise typer.Exit(1 if failed else 0)


MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[dim]-[/]"}


@contextmanager
def _as_found(data: Path) -> Iterator[None]:
    """Checks that make the folder leave none behind that was not there."""
    made = [folder for folder in (data, *data.parents) if not folder.exists()]
    try:
        yield
    finally:
        if made:
            shutil.rmtree(data / MODEL_CACHE, ignore_errors=True)
        for folder in made:
            with suppress(OSError):  # not empty: somebody uses it by now
                folder.rmdir()


def examine(check: Callable[[], Finding]) -> Finding:
    """Run *check*; what it raises on purpose, and a package that cannot be imported, is a finding."""
    try:
        return check()
    except SettingsError:
        return Finding(None, "not looked at: what is wrong with the settings comes first")
    except OfficerError as error:
        return Finding(False, str(error))
    except ImportError as error:
        return Finding(False, f"{error}; do: make install")


def checks(site: Path | None, data: Path) -> Iterator[Check]:
    """All checks, in the order in which trouble is best mended."""
    yield "Python", _python
    yield "packages", _packages
    yield "settings", _settings
    detector = cache(_detector)  # loaded once, for the model's own check and that of the rules
    yield "data folder", lambda: _folder(data)
    yield "model", lambda: _model(detector)
    yield "clock", _clock
    yield "store", _store
    yield "queue", _queue
    yield "database", _database
    yield "mail", _mail
    yield "language model", _language_model
    if site is None:
        yield (
            "site file",
            lambda: Finding(None, "none named; do: add --site site.yaml to check it and its cameras"),
        )
        return
    yield "site file", lambda: _site(site)
    yield from _rules(site, detector)
    yield from _cameras(site)


def _python() -> Finding:
    return Finding(True, f"{sys.version.split()[0]} at {sys.prefix}")


def _packages() -> Finding:
    wanted = [Requirement(text) for text in requires(PROJECT) or []]
    needed = [
        r
        for r in wanted
        if r.marker is None or any(_applies(r, extra) for extra in ("aws", "detection", "agent"))
    ]
    wrong = [problem for requirement in needed if (problem := _problem(requirement))]
    if wrong:
        return Finding(False, f"{'; '.join(wrong)}; do: make install")
    return Finding(
        True, f"{len(needed)} packages of the detection and agent extras, version {version(PROJECT)}"
    )


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is not None and requirement.marker.evaluate({"extra": extra})


def _problem(requirement: Requirement) -> str | None:
    if requirement.name == PROJECT:
        return None
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    fits = requirement.specifier.contains(found, prereleases=True)
    return None if fits else f"{requirement.name} {found} is not {requirement.specifier}"


def _settings() -> Finding:
    try:
        check_settings(DetectionSettings, AgentSettings)
    except SettingsError as error:
        return Finding(False, str(error))  # told here, once: most other checks read them, too
    return Finding(True, "the environment is read without a problem")


def _detector() -> "Detector":
    from services.detection.bootstrap import build_detector, with_model_in_use

    return build_detector(with_model_in_use(read_settings(DetectionSettings)), None)


def _model(detector: "Callable[[], Detector]") -> Finding:
    import numpy as np

    began_s = time.monotonic()
    detector().detect([np.zeros((360, 640, 3), np.uint8)], 0.5)
    info = detector().info
    took = f"loaded and run in {time.monotonic() - began_s:.1f} s"
    return Finding(True, f"{info.name} on {info.backend}, SHA-256 {info.sha256[:16]}..., {took}")


def _folder(data: Path) -> Finding:
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data) as probe:
            probe.write(b"x")
    except OSError as error:
        return Finding(
            False, f"{data}: {error.strerror}; do: name a folder that can be written, by --out or DATA_DIR"
        )
    free_mb = shutil.disk_usage(data).free // 1_000_000
    if free_mb < ENOUGH_SPACE_MB:
        return Finding(
            False, f"{data.resolve()}: {free_mb} MB free; do: make room, {ENOUGH_SPACE_MB} MB at least"
        )
    return Finding(True, f"{data.resolve()} can be written, {free_mb / 1000:.0f} GB free")


def _clock() -> Finding:
    now = datetime.now(UTC)
    if now.timestamp() < Path(__file__).stat().st_mtime - 86_400:
        return Finding(
            False, f"{now:%Y-%m-%d %H:%M} UTC is before this software was installed; do: set the clock (NTP)"
        )
    return Finding(True, f"{now:%Y-%m-%d %H:%M:%S} UTC; keep it set by NTP: reports state these times")


def _store() -> Finding:
    settings = read_settings(AgentSettings)
    if settings.store == "folder":
        return Finding(
            True, "pictures and reports are files in the data folder; STORE=s3 puts them into buckets"
        )
    from services.agent.bootstrap import aws_clients
    from shared.aws.s3_object_store import S3ObjectStore

    client = aws_clients(settings.aws_region).s3()
    buckets = list(dict.fromkeys((settings.evidence_bucket or "", settings.report_bucket or "")))
    for bucket in buckets:
        S3ObjectStore(client, bucket, retention="none").check()
    return Finding(True, f"{' and '.join(buckets)} can be listed at {client.meta.endpoint_url}")


def _queue() -> Finding:
    settings = read_settings(AgentSettings)
    if settings.queue == "sqlite":
        return Finding(True, "violations go through a file in the data folder; QUEUE=sqs sends them over SQS")
    from services.agent.bootstrap import aws_clients
    from shared.aws.sqs_queue import SqsQueue

    client = aws_clients(settings.aws_region).sqs()
    counts = SqsQueue(client, name=settings.queue_name or "", url=settings.queue_url or "").counts()
    told = f"{counts.visible} waiting, {counts.in_flight} in hand, {counts.dead} dead letters"
    if counts.dead:
        return Finding(False, f"{told}; do: look at the dead letters and move them back (SQS: redrive)")
    return Finding(True, f"{told} at {client.meta.endpoint_url}")


def _database() -> Finding:
    from services.agent.adapters.sql_database import Database
    from services.agent.adapters.sql_report_reader import SqlReportReader
    from services.agent.application.ports import ReportFilter
    from services.agent.bootstrap import open_database

    settings = read_settings(AgentSettings)
    file = Database(settings.database).file
    if file and not file.exists():
        return Finding(None, f"none yet; the first run makes {file.name}")
    database = open_database(settings)
    try:
        count = len(SqlReportReader(database).list(ReportFilter(limit=None)))
    finally:
        database.close()
    return Finding(True, f"{'Postgres' if database.is_postgres else 'SQLite'} answers, {count} reports")


def _mail() -> Finding:
    from services.agent.adapters.smtp_mailer import SmtpMailer
    from services.agent.bootstrap import aws_clients, smtp_server

    settings = read_settings(AgentSettings)
    if settings.mail_transport == "folder":
        return Finding(
            True, "mails are written as files into the data folder; MAIL_TRANSPORT=smtp sends them"
        )
    if settings.mail_transport == "ses":
        from services.agent.adapters.ses_mailer import SesMailer

        SesMailer(aws_clients(settings.aws_region).ses()).check()
        return Finding(
            True, f"SES takes mails from us; that {settings.mail_from} is verified shows with the first"
        )
    server = smtp_server(settings)
    SmtpMailer(server).check()
    return Finding(
        True,
        f"{server.host}:{server.port} takes us ({server.security}, {'login' if server.user else 'no login'})",
    )


def _language_model() -> Finding:
    settings = read_settings(AgentSettings)
    if not settings.llm_model:
        return Finding(None, "none set; the template writes the reports. Optional: LLM_MODEL")
    provider, _, name = settings.llm_model.partition(":")
    if provider != OPENAI:
        return Finding(
            None, f"{settings.llm_model}: its provider cannot be asked from here; run a clip to try it"
        )
    return _ask_for_model(settings, name)


def _ask_for_model(settings: AgentSettings, name: str) -> Finding:
    import openai

    url = settings.llm_base_url or "OpenAI"
    key = settings.key.get_secret_value() if settings.key else "none"
    client = openai.OpenAI(api_key=key, base_url=settings.llm_base_url, timeout=10, max_retries=0)
    try:
        known = sorted(model.id for model in client.models.list())
    except openai.AuthenticationError:
        return Finding(False, f"{url} refuses the key; do: set the right OPENAI_API_KEY or LLM_API_KEY")
    except openai.OpenAIError as error:
        reason = redact(f"{type(error).__name__}: {error}")[:200]
        return Finding(False, f"{url} cannot be asked ({reason}); do: check LLM_BASE_URL and the network")
    if name not in known:
        meant = nearest(name, known)
        advice = f"did you mean {meant!r}?" if meant else f"it has: {', '.join(known[:10])}"
        return Finding(False, f"{url} has no model {name!r}; do: {advice}")
    return Finding(True, f"{name} at {url} answers")


def _site(path: Path) -> Finding:
    site = load_site(path).site
    return Finding(True, f"{site.site.name}: {len(site.cameras)} cameras, {len(site.rules)} rules")


def _rules(path: Path, detector: "Callable[[], Detector]") -> Iterator[Check]:
    try:
        loaded, info = load_site(path), detector().info
    except (OfficerError, ImportError):
        return  # told by the checks of the model and the site file
    yield "rules", lambda: _fit(loaded, info)


def _fit(loaded: LoadedSite, info: "ModelInfo") -> Finding:
    from services.detection.bootstrap import require_fit

    fps = read_settings(DetectionSettings).detect_fps
    require_fit(loaded, info, fps)
    return Finding(True, f"{info.name} can find each of them broken, at {fps:g} looks a second")


def _cameras(path: Path) -> Iterator[Check]:
    try:
        cameras = load_site(path).site.cameras
    except OfficerError:
        return
    for camera in cameras:
        yield f"camera {camera.id}", partial(_camera, camera, path.parent)


def _camera(camera: Camera, base: Path) -> Finding:
    from services.detection.adapters.frame_sources import open_source

    if camera.source is None:
        return Finding(None, "no source in the site file; it is named when watching")
    source = open_source(source_of(camera, os.environ), camera.id, base)
    until_s = time.monotonic() + FIRST_FRAME_S
    try:
        for frame in source.frames():
            if frame is not None:
                width, height = frame.size
                return Finding(True, f"{source.facts.name}: first frame, {width} x {height}")
            if time.monotonic() > until_s:
                break
    finally:
        source.close()
    problem = source.status.problem or f"no frame within {FIRST_FRAME_S:.0f} s"
    return Finding(False, f"{source.facts.name}: {problem}; do: check power, network, address and password")
