"""Metrics for Prometheus: counters are fed by the log events, gauges are read where things stand at each scrape.

The log events are an interface already (docs/log-events.md). What is counted from them needs no second call beside
each log line, and no knowledge of Prometheus in domain and application. All metrics: docs/metrics.md.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Info, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.observability.health import Health
from shared.version import VERSION

Event = Mapping[str, Any]

_TROUBLE = ("warning", "error", "critical")
_WORD = re.compile(r"[a-z0-9][a-z0-9._:/-]{0,63}", re.ASCII | re.IGNORECASE)


class Metrics:
    """What every service measures; a service's own metrics go into `registry` and `handlers`.

    Attributes:
        health: loops and dependencies of the service; they are metrics, too.
        registry: holds all metrics of this service.
        handlers: what to do with an event, by its name.
    """

    def __init__(self, service: str, health: Health) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series beside each counter
        self.health = health
        self.registry = CollectorRegistry(auto_describe=True)
        self.handlers: dict[str, Callable[[Event], None]] = {}
        Info("officer_build", "Which service of which version this is.", registry=self.registry).info(
            {"service": service, "version": VERSION}
        )
        self._errors = self.counter("officer_errors", "Warnings and errors logged.", "event", "level", "code")
        self.registry.register(_HealthCollector(health))
        ProcessCollector(registry=self.registry)

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """A new counter in the registry."""
        return Counter(name, meaning, labels, registry=self.registry)

    def take(self, event: Event) -> None:
        """Count one log event; never raises, whatever is in it."""
        try:
            if event.get("level") in _TROUBLE:
                self._errors.labels(
                    word(event.get("event")), word(event.get("level")), word(event.get("code"))
                ).inc()
            if handle := self.handlers.get(str(event.get("event"))):
                handle(event)
        except Exception:  # a defect in a metric must not stop what it measures; this logger is not counted
            logging.getLogger(__name__).exception("a metric cannot be taken from %.80r", event.get("event"))


def word(value: object) -> str:
    """*value* as a label's value if it is one of our words, else ``other``: free text would make endless series."""
    if value is None or value == "":
        return ""
    text = str(value)
    return text if _WORD.fullmatch(text) else "other"


class _HealthCollector(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ready = GaugeMetricFamily(
            "officer_dependency_ready",
            "1 if the dependency is as it should be, else 0.",
            labels=["dependency"],
        )
        since = GaugeMetricFamily(
            "officer_dependency_since_timestamp_seconds",
            "When the dependency's state began, seconds since 1970.",
            labels=["dependency", "state"],
        )
        for dependency in self._health.dependencies:
            condition = dependency.condition
            ready.add_metric([dependency.name], float(condition.ready))
            since.add_metric([dependency.name, condition.state], condition.since.timestamp())
        quiet = GaugeMetricFamily(
            "officer_loop_quiet_seconds",
            "Seconds since the loop came round; stuck beyond its limit.",
            labels=["loop"],
        )
        limit = GaugeMetricFamily(
            "officer_loop_limit_seconds",
            "Quiet for longer, the loop is stuck and /healthz fails.",
            labels=["loop"],
        )
        for heart in self._health.hearts:
            if heart.quiet_s is not None:
                quiet.add_metric([heart.name], heart.quiet_s)
                limit.add_metric([heart.name], heart.limit_s)
        yield from (ready, since, quiet, limit)
