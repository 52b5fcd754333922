"""What is measured: from log events, with bounded labels, as documented."""

import io
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from services.agent.adapters.prometheus_metrics import STALE_AFTER_S, AgentMetrics
from services.detection.adapters.disk_spool import SpoolStats
from services.detection.adapters.prometheus_metrics import DetectionMetrics
from services.detection.application.courier import CourierStatus
from services.detection.application.pipeline import Counts
from services.detection.application.watch import CameraWatch
from services.detection.domain.comparison import Comparison, Difference
from services.detection.domain.detection import Label
from services.detection.domain.geometry import Box
from shared.observability.health import Health
from shared.observability.logging import configure_logging
from shared.observability.metrics import Metrics
from tests.fakes.detector import numbered_picture
from tests.fakes.frame_source import ScriptedFrameSource

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
STATUS = {
    "event": "agent.status",
    "waiting": 3,
    "in_hand": 1,
    "mails_due": 2,
    "mails_later": 0,
    "mails_held": 5,
}
AGENT_EVENTS: tuple[dict[str, Any], ...] = (
    STATUS,
    {"event": "message.received", "waited_s": 1.5},
    {"event": "report.stored", "writer": "template", "fallback_reason": "429", "severity": "high"},
    {"event": "message.quarantined", "level": "error", "code": "not-utf8"},
    {"event": "mail.sent", "kind": "report", "source": "live", "first_seen": "2026-03-04T09:30:00+00:00"},
    {
        "event": "llm.called",
        "model": "openai:gpt-5-mini",
        "outcome": "answered",
        "seconds": 2.0,
        "input_tokens": 1000,
        "output_tokens": 200,
        "cost_usd": 0.01,
    },
)
DETECTION_EVENTS = (
    {"event": "violation.opened", "camera": "gate", "rule": "ppe"},
    {"event": "violation.closed", "camera": "gate", "rule": "ppe", "reason": "ended"},
    {"event": "violation.delivered", "phase": "opened"},
    {"event": "courier.failed", "level": "warning"},
)


class Pipeline:
    counts = Counts(processed=7, people=2, open=1)


def camera_up() -> CameraWatch:
    source = ScriptedFrameSource([numbered_picture(1)] * 9, kind="live")
    frames = source.frames()
    for _ in range(9):
        next(frames)
    return CameraWatch("gate", source, Pipeline())  # type: ignore[arg-type] # only its counts are read


def detection_metrics() -> DetectionMetrics:
    metrics = DetectionMetrics(_health())
    oldest = datetime.now(UTC) - timedelta(seconds=90)
    stats = SpoolStats(4, 1000, 5000, alarms=0, refused=1, quarantined=2, oldest_at=oldest)
    metrics.read_from([camera_up()], lambda: stats, lambda: CourierStatus(failures=6))
    for event in DETECTION_EVENTS:
        metrics.take(event)
    only = Difference("shadow", Label.VEST, 0.6, Box(0, 0, 9, 9))
    metrics.note_shadow("gate", Comparison({Label.PERSON: 2}, [only]), 0.05)
    return metrics


def agent_metrics() -> AgentMetrics:
    metrics = AgentMetrics(_health())
    for event in AGENT_EVENTS:
        metrics.take(event)
    return metrics


def _health() -> Health:
    health = Health()
    health.loop("main", 60)
    health.dependency("queue").down("refused")
    return health


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_cameras_and_spool_are_read_at_each_scrape() -> None:
    metrics = detection_metrics()
    assert value(metrics, "officer_camera_state", camera="gate", state="up") == 1
    assert value(metrics, "officer_camera_state", camera="gate", state="down") == 0
    assert value(metrics, "officer_camera_frames_offered_total", camera="gate") == 9
    assert value(metrics, "officer_camera_frames_processed_total", camera="gate") == 7
    assert (
        value(metrics, "officer_camera_people", camera="gate"),
        value(metrics, "officer_spool_entries"),
    ) == (2, 4)
    assert (value(metrics, "officer_spool_bytes"), value(metrics, "officer_spool_refused_total")) == (1000, 1)
    assert (value(metrics, "officer_spool_oldest_age_seconds") or 0) == pytest.approx(90, abs=5)
    assert value(metrics, "officer_delivery_failures_total") == 6


def test_violations_are_counted_by_rule() -> None:
    metrics = detection_metrics()
    assert value(metrics, "officer_violations_opened_total", camera="gate", rule="ppe") == 1
    assert value(metrics, "officer_violations_closed_total", camera="gate", rule="ppe", reason="ended") == 1
    assert value(metrics, "officer_deliveries_total", phase="opened") == 1


def test_reports_mails_and_the_language_models_cost_are_counted() -> None:
    metrics = agent_metrics()
    assert value(metrics, "officer_reports_total", writer="template", fallback="yes", severity="high") == 1
    assert value(metrics, "officer_mails_total", kind="report", outcome="sent") == 1
    assert value(metrics, "officer_messages_quarantined_total") == 1
    model = "openai:gpt-5-mini"
    assert value(metrics, "officer_llm_calls_total", model=model, outcome="answered") == 1
    assert value(metrics, "officer_llm_tokens_total", model=model, direction="input") == 1000
    assert value(metrics, "officer_llm_cost_usd_total", model=model) == pytest.approx(0.01)


def test_what_may_happen_is_counted_from_zero_so_that_the_first_time_is_an_increase() -> None:
    agent, detection = AgentMetrics(Health(), "openai:m"), DetectionMetrics(Health())
    detection.expect(["gate"], ["ppe"])
    assert value(agent, "officer_mails_total", kind="report", outcome="refused") == 0
    assert value(agent, "officer_messages_quarantined_total") == 0
    assert value(agent, "officer_reports_total", writer="template", fallback="yes", severity="high") == 0
    assert value(agent, "officer_reports_total", writer="openai:m", fallback="no", severity="low") == 0
    assert value(agent, "officer_llm_calls_total", model="openai:m", outcome="failed") == 0
    assert value(detection, "officer_violations_opened_total", camera="gate", rule="ppe") == 0


def test_a_model_call_that_failed_is_counted_without_tokens() -> None:
    metrics = AgentMetrics(Health(), "openai:m")
    metrics.take(
        {"event": "llm.called", "model": "openai:m", "outcome": "failed", "seconds": 45.0, "error": "X"}
    )
    assert value(metrics, "officer_llm_calls_total", model="openai:m", outcome="failed") == 1
    assert value(metrics, "officer_llm_tokens_total", model="openai:m", direction="input") == 0
    model = metrics.health.dependency("language model").condition
    assert (model.state, model.problem, metrics.health.ready) == ("down", "X", True)


def test_a_recordings_mail_says_nothing_about_speed() -> None:
    metrics = AgentMetrics(Health())
    metrics.take({**AGENT_EVENTS[4], "source": "file"})
    assert value(metrics, "officer_violation_to_mail_seconds_count") == 0


def test_the_oldest_message_is_no_older_than_the_time_at_which_nothing_waited() -> None:
    seconds = [1000.0]
    metrics = AgentMetrics(Health(), now_s=lambda: seconds[0])

    def age() -> float | None:
        return value(metrics, "officer_queue_oldest_age_seconds")

    metrics.take({**STATUS, "waiting": 0})
    assert age() == 0
    seconds[0] += 20
    metrics.take({**STATUS, "waiting": 2})
    assert age() == 20
    metrics.take({"event": "message.received", "waited_s": 15.0})
    assert age() == 15
    seconds[0] += 5
    assert age() == 20
    metrics.take({"event": "message.received", "waited_s": 600.0})
    assert age() == 600
    metrics.take({**STATUS, "waiting": 0})
    assert age() == 0


def test_a_backlog_that_nobody_could_count_is_not_told_stale() -> None:
    seconds = [1000.0]
    metrics = AgentMetrics(Health(), now_s=lambda: seconds[0])
    metrics.take(STATUS)
    assert value(metrics, "officer_queue_messages", state="waiting") == 3
    seconds[0] += STALE_AFTER_S + 1
    assert value(metrics, "officer_queue_messages", state="waiting") is None


def test_warnings_and_errors_are_counted_by_event_and_code() -> None:
    metrics = agent_metrics()
    labels = {"event": "message.quarantined", "level": "error", "code": "not-utf8"}
    assert value(metrics, "officer_errors_total", **labels) == 1
    metrics.take({"event": "mail.sent", "level": "info", "kind": "report"})
    assert _series(metrics.registry, "officer_errors") == 1


def test_free_text_makes_no_series() -> None:
    metrics = Metrics("agent", Health())
    for number in range(100):
        metrics.take({"event": f"library said: {number}", "level": "error", "code": f"reason {number}"})
    assert _series(metrics.registry, "officer_errors") == 1
    assert value(metrics, "officer_errors_total", event="other", level="error", code="other") == 100


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": None},
        {"event": "llm.called"},
        {"event": "message.received", "waited_s": "soon"},
        {"event": "mail.sent", "source": "live", "first_seen": "yesterday"},
        {"event": "agent.status"},
    ],
)
def test_an_event_that_lacks_what_a_metric_needs_stops_nothing(
    event: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    metrics = agent_metrics()
    metrics.take(event)
    assert value(metrics, "officer_queue_messages", state="waiting") == 3


@pytest.fixture
def root_logger() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers, logging.getLogger().level = handlers, level


def test_what_is_not_written_is_counted_all_the_same(root_logger: None) -> None:
    stream, metrics = io.StringIO(), DetectionMetrics(Health())
    configure_logging("error", stream, metrics.take)
    structlog.get_logger().info("violation.opened", camera="gate", rule="ppe")
    structlog.get_logger().warning("courier.failed")
    structlog.get_logger().debug("detail")
    assert stream.getvalue() == ""
    assert value(metrics, "officer_violations_opened_total", camera="gate", rule="ppe") == 1
    assert value(metrics, "officer_errors_total", event="courier.failed", level="warning", code="") == 1


# --- the document ---

ROW = re.compile(r"^\| `(officer_\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.+) \|$", re.MULTILINE)


def documented(heading: str) -> dict[str, tuple[str, tuple[str, ...], str]]:
    part = DOCUMENT.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return {
        name: (kind, tuple(sorted(filter(None, labels.split(", ")))), meaning)
        for name, kind, labels, meaning in ROW.findall(part)
    }


def measured(registry: CollectorRegistry) -> dict[str, tuple[str, tuple[str, ...], str]]:
    found = {}
    for family in registry.collect():
        if not family.name.startswith("officer_"):
            continue
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        kind = "gauge" if family.type == "info" else family.type
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        found[family.name + suffix] = (kind, tuple(sorted(labels)), family.documentation)
    return found


@pytest.mark.parametrize(
    ("make", "heading"),
    [(detection_metrics, "Metrics of detection"), (agent_metrics, "Metrics of the agent")],
)
def test_the_document_names_each_metric_with_its_labels_and_meaning(
    make: Callable[[], Metrics], heading: str
) -> None:
    assert measured(make().registry) == documented("Metrics of both services") | documented(heading)


def _series(registry: CollectorRegistry, family: str) -> int:
    return sum(len(found.samples) for found in registry.collect() if found.name == family)
