"""The detection service's metrics for Prometheus; docs/metrics.md lists them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.detection.adapters.disk_spool import SpoolStats
from services.detection.application.courier import CourierStatus
from services.detection.application.watch import CameraWatch
from services.detection.domain.comparison import Comparison
from shared.observability.health import Health
from shared.observability.metrics import Event, Metrics, word

REASONS = ("ended", "unobserved", "source-ended")
STATES = ("starting", "up", "down", "frozen", "ended")
INFERENCE_BUCKETS_S = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


class DetectionMetrics(Metrics):
    """Counts violations and deliveries from log events, and reads cameras and spool at each scrape.

    Attributes:
        inference: seconds that the model took for one call.
    """

    def __init__(self, health: Health) -> None:
        super().__init__("detection", health)
        self.inference = Histogram(
            "officer_inference_seconds",
            "Time that the model took for one call; waiting for other cameras is left out.",
            buckets=INFERENCE_BUCKETS_S,
            registry=self.registry,
        )
        self._shadow_seconds = Histogram(
            "officer_shadow_seconds",
            "Time that the shadow model took for one picture.",
            buckets=INFERENCE_BUCKETS_S,
            registry=self.registry,
        )
        self._shadow_looks = self.counter(
            "officer_shadow_looks",
            "Pictures that a shadow model was shown, by outcome (same, different, failed).",
            "camera",
            "outcome",
        )
        self._shadow_boxes = self.counter(
            "officer_shadow_boxes",
            "Boxes that both models have, or one of them alone (both, model, shadow).",
            "camera",
            "label",
            "seen_by",
        )
        self._opened = self.counter(
            "officer_violations_opened", "Violations confirmed and accepted.", "camera", "rule"
        )
        self._closed = self.counter(
            "officer_violations_closed", "Violations that have ended, and how.", "camera", "rule", "reason"
        )
        delivered = self.counter(
            "officer_deliveries", "Messages handed to store and queue, by phase (opened, closed).", "phase"
        )

        for phase in ("opened", "closed"):
            delivered.labels(phase)

        def count_opened(event: Event) -> None:
            self._opened.labels(word(event.get("camera")), word(event.get("rule"))).inc()

        def count_closed(event: Event) -> None:
            self._closed.labels(
                word(event.get("camera")), word(event.get("rule")), word(event.get("reason"))
            ).inc()

        def count_delivered(event: Event) -> None:
            delivered.labels(word(event.get("phase"))).inc()

        self.handlers |= {
            "violation.opened": count_opened,
            "violation.closed": count_closed,
            "violation.delivered": count_delivered,
        }

    def expect(self, cameras: Iterable[str], rules: Iterable[str]) -> None:
        """Begin the counters of these cameras and rules at 0, so that the first violation is an increase."""
        for camera, rule in product(cameras, rules):
            self._opened.labels(word(camera), word(rule))
            for reason in REASONS:
                self._closed.labels(word(camera), word(rule), reason)

    def note_shadow(self, camera: str, comparison: Comparison, seconds: float) -> None:
        """The shadow model has seen a picture of *camera*."""
        self._shadow_seconds.observe(seconds)
        outcome = "different" if comparison.differences else "same"
        self._shadow_looks.labels(word(camera), outcome).inc()
        for label, number in comparison.agreed.items():
            self._shadow_boxes.labels(word(camera), label, "both").inc(number)
        for one in comparison.differences:
            self._shadow_boxes.labels(word(camera), one.label, one.seen_by).inc()

    def note_shadow_failure(self, camera: str) -> None:
        """The shadow model, or keeping what it said, failed."""
        self._shadow_looks.labels(word(camera), "failed").inc()

    def read_from(
        self,
        cameras: Sequence[CameraWatch],
        spool: Callable[[], SpoolStats],
        courier: Callable[[], CourierStatus],
    ) -> None:
        """Read these at each scrape from now on; once in an instance's life."""
        self.registry.register(_Cameras(cameras))
        self.registry.register(_Spool(spool, courier))


class _Cameras(Collector):
    def __init__(self, cameras: Sequence[CameraWatch]) -> None:
        self._cameras = cameras

    def collect(self) -> Iterator[Metric]:
        label = ["camera"]
        state = GaugeMetricFamily(
            "officer_camera_state",
            "1 for the state that the camera is in, 0 for the others.",
            labels=["camera", "state"],
        )
        age = GaugeMetricFamily(
            "officer_camera_frame_age_seconds",
            "Age of a live camera's last good frame; none before the first.",
            labels=label,
        )
        people = GaugeMetricFamily("officer_camera_people", "People in the last look.", labels=label)
        open_now = GaugeMetricFamily(
            "officer_camera_open_violations", "Violations that go on at this moment.", labels=label
        )
        offered = CounterMetricFamily(
            "officer_camera_frames_offered", "Frames that the camera delivered.", labels=label
        )
        processed = CounterMetricFamily(
            "officer_camera_frames_processed", "Frames that the detector looked at.", labels=label
        )
        skipped = CounterMetricFamily(
            "officer_camera_frames_skipped", "Frames that could not be decoded.", labels=label
        )
        for camera in self._cameras:
            status, counts, name = camera.source.status, camera.pipeline.counts, [camera.camera]
            for possible in STATES:
                state.add_metric([camera.camera, possible], float(status.state == possible))
            if (age_s := camera.frame_age_s) is not None:
                age.add_metric(name, age_s)
            people.add_metric(name, counts.people)
            open_now.add_metric(name, counts.open)
            offered.add_metric(name, status.offered)
            processed.add_metric(name, counts.processed)
            skipped.add_metric(name, status.skipped)
        yield from (state, age, people, open_now, offered, processed, skipped)


class _Spool(Collector):
    def __init__(self, spool: Callable[[], SpoolStats], courier: Callable[[], CourierStatus]) -> None:
        self._spool, self._courier = spool, courier

    def collect(self) -> Iterator[Metric]:
        spool, courier = self._spool(), self._courier()
        oldest_s = _age_s(spool.oldest_at) if spool.oldest_at else 0.0
        yield GaugeMetricFamily(
            "officer_spool_entries",
            "Accepted messages that store and queue have not taken yet.",
            spool.waiting,
        )
        yield GaugeMetricFamily("officer_spool_bytes", "Their size.", spool.used_bytes)
        yield GaugeMetricFamily(
            "officer_spool_capacity_bytes",
            "Room for them; beyond it violations are refused.",
            spool.capacity_bytes,
        )
        yield GaugeMetricFamily(
            "officer_spool_oldest_age_seconds", "How long the oldest of them waits; 0 if none does.", oldest_s
        )
        yield CounterMetricFamily(
            "officer_spool_refused", "Acceptances refused: spool full or not writable.", spool.refused
        )
        yield CounterMetricFamily(
            "officer_spool_quarantined", "Entries set aside for a person to look at.", spool.quarantined
        )
        yield CounterMetricFamily(
            "officer_delivery_failures", "Tries of the courier that failed.", courier.failures
        )


def _age_s(at: datetime) -> float:
    return max(0.0, (datetime.now(UTC) - at).total_seconds())
