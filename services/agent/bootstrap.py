"""Builds the agent service from its settings: the one place where adapters are chosen."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from services.agent.adapters.folder_evidence_store import FolderEvidenceStore
from services.agent.adapters.folder_mailer import FolderMailer, erase_mail_files
from services.agent.adapters.folder_report_store import FolderReportStore
from services.agent.adapters.jinja_mail_composer import JinjaMailComposer
from services.agent.adapters.local_violation_inbox import LocalViolationInbox
from services.agent.adapters.prometheus_metrics import AgentMetrics
from services.agent.adapters.report_writers import compose_writer
from services.agent.adapters.reportlab_renderer import ReportlabRenderer
from services.agent.adapters.smtp_mailer import SmtpMailer, SmtpServer
from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_migrations import check_schema, migrate
from services.agent.adapters.sql_outbox import SqlOutbox
from services.agent.adapters.sql_report_reader import SqlReportReader
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.adapters.sql_reviews import SqlReviews
from services.agent.application.agent import Agent
from services.agent.application.consumer import WAIT_S, Consumer
from services.agent.application.erase import Holding, erase
from services.agent.application.mail_outbox import MailRoom
from services.agent.application.mailing_list import MailingList
from services.agent.application.ports import (
    Erasable,
    EvidenceStore,
    Mailer,
    MailPostponedError,
    ReportRenderer,
    ReportStore,
    ReportWriter,
    TaskProtection,
    Verdict,
    ViolationInbox,
)
from services.agent.application.process_violation import Desk
from services.agent.application.reconcile import reconcile
from services.agent.domain.recipients import Recipient
from services.agent.settings import PORTS, AgentSettings
from shared.config.site import load_site
from shared.config.site_watch import SiteWatch
from shared.errors import ConfigurationError, TransientError
from shared.local.folder_store import FolderStore
from shared.local.sqlite_log import empty_log
from shared.local.sqlite_queue import QUEUE_FILE, SqliteQueue
from shared.object_keys import EVENTS_PREFIX, EVIDENCE_PREFIX, REPORTS_PREFIX
from shared.observability.health import STARTING, Health, watched
from shared.regulations.table import shipped_table

MAIL_FOLDER = "mail"  # in DATA_DIR
ERASED_AT_ONCE = 100  # one walk through stores and mails for so many
SQS_WAIT_S = 5.0  # each look is paid for, and stopping takes as long
MAX_RECEIVES = 50  # well above the three attempts of a poison message: waiting for a picture takes some, too
# Quiet for longer, a loop is stuck and /healthz fails. The slowest steps: the writer (240 s, after which the lease is
# not extended either), a mail server that answers each of ten commands at the last moment, a page of a listing.
WORK_LIMIT_S, MAIL_LIMIT_S, ROUND_LIMIT_S = 300.0, 600.0, 120.0


if TYPE_CHECKING:
    from shared.aws.clients import AwsClients
    from shared.aws.s3_object_store import S3ObjectStore


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def build_agent(
    settings: AgentSettings,
    *,
    metrics: AgentMetrics | None = None,
    writer: ReportWriter | None = None,
    renderer: ReportRenderer | None = None,
    wait_for: Callable[[Callable[[], Database]], Database] = lambda attempt: attempt(),
) -> Agent:
    """Build everything that *settings* ask for.

    Args:
        settings: endpoints, secrets, limits.
        metrics: measures it, and tells its health.
        writer, renderer: take the place of those that *settings* choose.
        wait_for: calls what opens the database; perhaps again, while that raises.

    Raises:
        ConfigurationError: settings, site file or the database's schema are wrong.
        TransientError: the database is down.
    """
    health = metrics.health if metrics else Health()
    recipients, look_round = _recipients(settings)
    at_database, clock = health.dependency("database", STARTING, ready=False), SystemClock()
    database = wait_for(lambda: open_database(settings))
    repository = watched(SqlReportRepository(database), at_database)
    closing = ExitStack()
    closing.callback(database.close)
    aws = cache(partial(aws_clients, settings.aws_region))
    evidence, reports = open_stores(settings, aws)
    evidence = watched(evidence, health.dependency("evidence store"))
    reports = watched(reports, health.dependency("report store"))
    inbox = watched(open_inbox(settings, aws, closing), health.dependency("queue"))
    desk = Desk(
        repository=repository,
        evidence=evidence,
        reports=reports,
        writer=writer or compose_writer(settings),
        renderer=renderer or ReportlabRenderer(),
        clock=clock,
        table=shipped_table(),
        recipients=recipients,
        lease_s=settings.lease_s,
    )
    mail_room = MailRoom(
        watched(SqlOutbox(database), at_database),
        JinjaMailComposer(settings.mail_from, clock),
        watched(open_mailer(settings, aws), health.dependency("mail"), answered=(MailPostponedError,)),
        evidence,
        reports,
        cap_per_hour=settings.mail_cap_per_hour,
        lease_s=2 * settings.lease_s,
        heart=health.loop("mail", MAIL_LIMIT_S),
    )
    wait_s = SQS_WAIT_S if settings.queue == "sqs" else WAIT_S
    consumer = Consumer(inbox, desk, health.loop("consumer", WORK_LIMIT_S), wait_s, open_protection())
    heart = health.loop("main", ROUND_LIMIT_S)
    find_lost = partial(reconcile, evidence, repository, inbox, heart)
    return Agent(consumer, mail_room, find_lost, closing.close, heart, look_round)


def aws_clients(region: str | None) -> "AwsClients":
    """What builds clients of AWS; its SDK is imported only where it is used.

    Raises:
        ConfigurationError: no region is named.
    """
    from shared.aws.clients import AwsClients

    return AwsClients(region)


def open_stores(
    settings: AgentSettings, aws: "Callable[[], AwsClients]"
) -> tuple[EvidenceStore, ReportStore]:
    """Where pictures and messages lie, and where reports go."""
    if settings.store == "folder":
        store = FolderStore(settings.data_dir)
        return FolderEvidenceStore(store), FolderReportStore(store)
    from services.agent.adapters.s3_evidence_store import S3EvidenceStore
    from services.agent.adapters.s3_report_store import S3ReportStore

    evidence, reports = _buckets(settings, aws)
    return S3EvidenceStore(evidence), S3ReportStore(reports)


def _buckets(
    settings: AgentSettings, aws: "Callable[[], AwsClients]"
) -> "tuple[S3ObjectStore, S3ObjectStore]":
    from shared.aws.s3_object_store import S3ObjectStore

    client = aws().s3()
    return (
        S3ObjectStore(client, settings.evidence_bucket or "", retention="evidence"),
        S3ObjectStore(client, settings.report_bucket or "", retention="report"),
    )


def review_violation(
    settings: AgentSettings, violation_id: str, verdict: Verdict, note: str
) -> tuple[str, Verdict | None]:
    """Keep what a person made of the report whose id begins with *violation_id*; errors as for `open_database`.

    Returns:
        The whole id, and the verdict that this one replaces.

    Raises:
        ConfigurationError: no report's id begins so, or several do.
    """
    with closing(open_database(settings)) as database:
        whole_id = SqlReportReader(database).get(violation_id).violation_id
        return whole_id, SqlReviews(database).review(whole_id, verdict, note)


def violations_before(settings: AgentSettings, at: datetime) -> Sequence[str]:
    """See `ReportReader.ids_before`; errors as for `open_database`."""
    with closing(open_database(settings)) as database:
        return SqlReportReader(database).ids_before(at)


def erase_violations(
    settings: AgentSettings,
    violation_ids: Sequence[str],
    reason: str,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[list[str]]:
    """Erase all that is held of the violations where *settings* say, so many at a time; see `erase`.

    Yields:
        What was removed of the next ones.

    Raises:
        TransientError: as for `erase`; names those that may not be erased whole. Those behind them are untouched.
    """
    for first in range(0, len(violation_ids), ERASED_AT_ONCE):
        some = violation_ids[first : first + ERASED_AT_ONCE]
        try:
            yield _erase_some(settings, frozenset(some), reason, wait)
        except TransientError as error:
            raise TransientError(f"{error}\nNot erased whole; do: erase again {' '.join(some)}") from error


def _erase_some(
    settings: AgentSettings, violation_ids: frozenset[str], reason: str, wait: Callable[[float], None]
) -> list[str]:
    database = open_database(settings)
    try:
        gone = erase(
            violation_ids,
            reason,
            SqlReportRepository(database),
            _holdings(settings),
            [partial(erase_mail_files, settings.data_dir / MAIL_FOLDER), partial(_erase_messages, settings)],
            wait,
        )
        for file in (database.file, settings.data_dir / QUEUE_FILE):
            if file:
                empty_log(file)
        return gone
    finally:
        database.close()


def _erase_messages(settings: AgentSettings, violation_ids: Set[str]) -> list[str]:
    path = settings.data_dir / QUEUE_FILE
    if not path.is_file():
        return []
    with closing(SqliteQueue(path)) as queue:
        erased = sum(queue.erase(violation_id.encode()) for violation_id in violation_ids)
    return [f"messages in {QUEUE_FILE}: {erased}"] if erased else []


def _holdings(settings: AgentSettings) -> list[Holding]:
    evidence: Erasable
    reports: Erasable
    if settings.store == "folder":
        evidence = reports = FolderStore(settings.data_dir)
    else:
        evidence, reports = _buckets(settings, partial(aws_clients, settings.aws_region))
    return [
        Holding(evidence, EVIDENCE_PREFIX),
        Holding(evidence, EVENTS_PREFIX),
        Holding(reports, REPORTS_PREFIX),
    ]


def open_inbox(
    settings: AgentSettings, aws: "Callable[[], AwsClients]", closing: ExitStack
) -> ViolationInbox:
    """Where violations come from; *closing* learns how to give it back."""
    if settings.queue == "sqlite":
        queue = SqliteQueue(settings.data_dir / QUEUE_FILE, max_receives=MAX_RECEIVES)
        closing.callback(queue.close)
        return LocalViolationInbox(queue)
    from services.agent.adapters.sqs_violation_inbox import SqsViolationInbox
    from shared.aws.sqs_queue import SqsQueue

    return SqsViolationInbox(
        SqsQueue(aws().sqs(), name=settings.queue_name or "", url=settings.queue_url or "")
    )


def open_database(settings: AgentSettings) -> Database:
    """The database, made or brought up to date if it is a file; a server's schema is changed by `migrate` alone."""
    _make_data_folder(settings)
    database = Database(settings.database)
    if database.is_postgres:
        check_schema(database)
    else:
        migrate(database)
    return database


def migrate_database(settings: AgentSettings) -> None:
    """Bring the database's schema up to date; errors as for `migrate`."""
    _make_data_folder(settings)
    migrate(Database(settings.database))


def _make_data_folder(settings: AgentSettings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"DATA_DIR: folder {settings.data_dir} cannot be made: {error.strerror}; name one that can be written"
        ) from error


def _recipients(settings: AgentSettings) -> tuple[Iterable[Recipient], Callable[[], None]]:
    """Who gets mail, and what looks whether that has changed: MAIL_TO stands, the site file may change."""
    loaded = load_site(settings.site_file)
    if settings.mail_to:
        return [Recipient(address) for address in settings.mail_to], lambda: None
    listed = MailingList(loaded)
    return listed, SiteWatch(loaded, listed.take_over).reload_if_changed


def open_protection() -> TaskProtection | None:
    """On ECS, which names its agent to each container by itself; nowhere else."""
    from services.agent.adapters.ecs_task_protection import EcsTaskProtection

    uri = os.environ.get("ECS_AGENT_URI")
    return EcsTaskProtection(uri) if uri else None


def open_mailer(settings: AgentSettings, aws: "Callable[[], AwsClients]") -> Mailer:
    """What mails are handed over to."""
    if settings.mail_transport == "folder":
        return FolderMailer(settings.data_dir / MAIL_FOLDER)
    if settings.mail_transport == "smtp":
        return SmtpMailer(smtp_server(settings))
    from services.agent.adapters.ses_mailer import SesMailer

    return SesMailer(aws().ses())


def smtp_server(settings: AgentSettings) -> SmtpServer:
    """Where *settings* say that mails are handed over."""
    return SmtpServer(
        host=settings.smtp_host or "",
        port=settings.smtp_port or PORTS[settings.smtp_security],
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password or SecretStr(""),
        ca_file=str(settings.smtp_ca_file or ""),
    )
