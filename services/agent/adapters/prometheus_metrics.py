"""The agent service's metrics for Prometheus; docs/metrics.md lists them."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.observability.health import DOWN, UP, Dependency, Health
from shared.observability.metrics import Event, Metrics, word
from shared.vocabulary import Severity

WAIT_BUCKETS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
LLM_BUCKETS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 45.0)
_COUNTED = ("waiting", "in_hand", "mails_due", "mails_later", "mails_held")
STALE_AFTER_S = 30.0  # a backlog that nobody could count for so long is not told


class AgentMetrics(Metrics):
    """All of it from log events. Counters whose labels are known begin at 0: so the first event is an increase."""

    def __init__(
        self, health: Health, model: str | None = None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Measure an agent whose reports *model* writes, else the template."""
        super().__init__("agent", health)
        self._backlog = _Backlog(now_s)
        self.registry.register(self._backlog)
        self.handlers |= {"agent.status": self._backlog.counted, "message.received": self._received()}
        self.handlers |= {"report.stored": self._report(model), "message.quarantined": self._quarantined()}
        self.handlers |= {"llm.called": self._llm_called(model), **self._mails()}

    def _received(self) -> Callable[[Event], None]:
        waited = self._histogram(
            "officer_queue_wait_seconds", "From sending a message to receiving it.", WAIT_BUCKETS_S
        )

        def count(event: Event) -> None:
            waited.observe(max(0.0, float(event["waited_s"])))
            self._backlog.received(float(event["waited_s"]))

        return count

    def _report(self, model: str | None) -> Callable[[Event], None]:
        reports = self.counter(
            "officer_reports",
            "Reports stored. fallback: the template wrote for the model.",
            "writer",
            "fallback",
            "severity",
        )

        kinds = [(word(model), "no"), ("template", "yes")] if model else [("template", "no")]
        for (writer, fallback), severity in product(kinds, Severity):
            reports.labels(writer, fallback, severity.value)

        def count(event: Event) -> None:
            fallback = "yes" if event.get("fallback_reason") else "no"
            reports.labels(word(event.get("writer")), fallback, word(event.get("severity"))).inc()

        return count

    def _quarantined(self) -> Callable[[Event], None]:
        quarantined = Counter(
            "officer_messages_quarantined", "Messages that can never succeed.", registry=self.registry
        )
        return lambda _: quarantined.inc()

    def _mails(self) -> dict[str, Callable[[Event], None]]:
        mails = self.counter(
            "officer_mails",
            "What became of tries to send a mail: sent, retry (later) or refused (for ever).",
            "kind",
            "outcome",
        )
        for kind, outcome in product(("report", "digest"), ("sent", "retry", "refused")):
            mails.labels(kind, outcome)
        told = self._histogram(
            "officer_violation_to_mail_seconds",
            "From first seeing a violation live to handing its mail over.",
            WAIT_BUCKETS_S,
        )

        def count(event: Event) -> None:
            mails.labels(word(event.get("kind")), str(event["event"]).removeprefix("mail.")).inc()
            if event["event"] == "mail.sent" and event.get("source") == "live":
                first_seen = datetime.fromisoformat(event["first_seen"])
                told.observe(max(0.0, (datetime.now(UTC) - first_seen).total_seconds()))

        return dict.fromkeys(("mail.sent", "mail.retry", "mail.refused"), count)

    def _llm_called(self, model: str | None) -> Callable[[Event], None]:
        calls = self.counter(
            "officer_llm_calls", "Calls of the language model: answered or failed.", "model", "outcome"
        )
        tokens = self.counter(
            "officer_llm_tokens", "Tokens, as the model's service counts them.", "model", "direction"
        )
        cost = self.counter("officer_llm_cost_usd", "Their cost by the prices in the settings.", "model")
        seconds = self._histogram("officer_llm_seconds", "Time of one call, failed ones too.", LLM_BUCKETS_S)

        for outcome in ("answered", "failed") if model else ():
            calls.labels(word(model), outcome)
        service = self.health.dependency("language model") if model else Dependency()

        def count(event: Event) -> None:
            name = word(event.get("model"))
            _note(service, event)
            calls.labels(name, word(event.get("outcome"))).inc()
            seconds.observe(float(event["seconds"]))
            tokens.labels(name, "input").inc(event.get("input_tokens", 0))
            tokens.labels(name, "output").inc(event.get("output_tokens", 0))
            cost.labels(name).inc(event.get("cost_usd", 0.0))

        return count

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, meaning, buckets=buckets, registry=self.registry)


def _note(service: Dependency, event: Event) -> None:
    """Ready either way: the template writes in the model's place."""
    answered = event.get("outcome") == "answered"
    service.note(UP if answered else DOWN, ready=True, problem=str(event.get("error", "")))


class _Backlog(Collector):
    """Queue and outbox as last counted.

    SQS does not tell the age of its oldest message. But what waits was sent after the queue was last seen empty, and,
    as messages come in about their order, hardly before the one that came last.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._last: dict[str, float] = {}
        self._last_s = float("-inf")
        self._oldest_s = now_s()

    def counted(self, event: Event) -> None:
        self._last = {field: float(event[field]) for field in _COUNTED}
        self._last_s = self._now_s()
        if event["waiting"] == 0:
            self._oldest_s = self._last_s

    def received(self, waited_s: float) -> None:
        self._oldest_s = self._now_s() - waited_s

    def collect(self) -> Iterator[GaugeMetricFamily]:
        queue = GaugeMetricFamily(
            "officer_queue_messages", "Messages waiting, and held by a worker.", labels=["state"]
        )
        age = GaugeMetricFamily(
            "officer_queue_oldest_age_seconds", "The oldest waiting message is about so old; 0 if none waits."
        )
        mails = GaugeMetricFamily(
            "officer_mails_unsent",
            "Mails due now, due later, and held for the next digest.",
            labels=["state"],
        )
        if self._now_s() - self._last_s <= STALE_AFTER_S:
            last = self._last
            for state, field in (("waiting", "waiting"), ("held", "in_hand")):
                queue.add_metric([state], last[field])
            for state in ("due", "later", "held"):
                mails.add_metric([state], last[f"mails_{state}"])
            age.add_metric([], max(0.0, self._now_s() - self._oldest_s) if last["waiting"] else 0.0)
        yield from (queue, age, mails)
