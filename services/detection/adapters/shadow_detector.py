"""A new model in the shadow of the one that decides: it sees a share of the same pictures, and changes nothing.

The real path hands a picture over and goes on; one thread, with one picture waiting at most, runs the shadow. Its time
is bought from the model's: it never takes more than the share of it that was allowed, however slow it is.
"""

import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Condition, Thread

import structlog

from services.detection.adapters.comparison_folder import ComparisonFolder
from services.detection.adapters.prometheus_metrics import DetectionMetrics
from services.detection.application.ports import Detector
from services.detection.domain.comparison import Answer, compare
from services.detection.domain.detection import Detection, Label, ModelInfo
from services.detection.domain.frame import BgrImage

MOST_CREDIT_S = 1.0  # of the shadow's time saved up: it must not take a long turn after a quiet hour

log = structlog.get_logger()


class ShadowedDetector:
    """A `Detector` whose answers are those of *detector*, always; safe to call from many threads if that is."""

    def __init__(self, detector: Detector, shadow: "Shadow", camera: str) -> None:
        self._detector, self._shadow, self._camera = detector, shadow, camera

    @property
    def info(self) -> ModelInfo:
        return self._detector.info

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        found = self._detector.detect(images, floor)
        self._shadow.offer(Offered(self._camera, tuple(images), floor, tuple(tuple(one) for one in found)))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Offered:
    """What the model was asked and what it said."""

    camera: str
    images: Sequence[BgrImage]
    floor: float
    found: Sequence[Sequence[Detection]]


class Shadow:
    """Runs *detector* on some of the looks that are offered, in a thread of its own.

    Args:
        detector: the new model.
        beside: what is known of the model that decides.
        labels: what to compare; others are left out.
        share: of the looks, chosen at random, and most of its time as a share of the model's, 0 to 1.
        folder: keeps what comes of it.
        metrics: count it.
        chance: gives numbers from 0 to 1.
    """

    def __init__(
        self,
        detector: Detector,
        beside: ModelInfo,
        labels: Collection[Label],
        share: float,
        folder: ComparisonFolder,
        metrics: DetectionMetrics,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._detector, self._beside, self._labels = detector, beside, labels
        self._share, self._chance = share, chance
        self._folder, self._metrics = folder, metrics
        self._turn = Condition()
        self._waiting: Offered | None = None
        self._credit_s, self._stopped, self._failures = 0.0, False, 0
        self._thread = Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def allow(self, model_s: float) -> None:
        """The model has worked for *model_s* seconds: the shadow may take its share of them."""
        with self._turn:
            self._credit_s = min(self._credit_s + self._share * model_s, MOST_CREDIT_S)

    def offer(self, look: Offered) -> None:
        """Take *look* if it is its turn and none waits; never waits and never fails."""
        if self._chance() >= self._share:
            return
        with self._turn:
            if self._credit_s > 0 and self._waiting is None:
                self._waiting = look
                self._turn.notify()

    def close(self, within_s: float = 5.0) -> None:
        """Stop; a shadow that hangs is left behind."""
        with self._turn:
            self._stopped = True
            self._turn.notify()
        self._thread.join(within_s)

    def _run(self) -> None:
        while look := self._next():
            self._take(look)

    def _next(self) -> Offered | None:
        """The next look; None at the end."""
        with self._turn:
            self._turn.wait_for(lambda: self._stopped or self._waiting is not None)
            look, self._waiting = self._waiting, None
            return None if self._stopped else look

    def _take(self, look: Offered) -> None:
        began_s = time.monotonic()
        try:
            found = self._detector.detect(look.images, look.floor)
            each_s = (time.monotonic() - began_s) / max(1, len(look.images))
            for image, ours, theirs in zip(look.images, look.found, found, strict=True):
                self._compare(look, image, ours, theirs, each_s)
        except Exception as error:  # noqa: BLE001 # the thread's edge: whatever it does, the watch goes on
            self._note_failure(look.camera, error)
        finally:
            with self._turn:
                self._credit_s -= time.monotonic() - began_s

    def _compare(
        self,
        look: Offered,
        image: BgrImage,
        ours: Sequence[Detection],
        theirs: Sequence[Detection],
        took_s: float,
    ) -> None:
        """Where parts were enlarged, the whole and each of them hide faces that only the others show: no example."""
        answers = Answer(ours, self._beside.thresholds), Answer(theirs, self._detector.info.thresholds)
        comparison = compare(*answers, self._labels)
        self._metrics.note_shadow(look.camera, comparison, took_s)
        views = (ours, theirs) if len(look.images) == 1 else None
        self._folder.add(look.camera, image, views, comparison, took_s)

    def _note_failure(self, camera: str, error: Exception) -> None:
        self._failures += 1
        self._metrics.note_shadow_failure(camera)
        if self._failures.bit_count() == 1:  # the 1st, 2nd, 4th, 8th ...
            problem = str(error)[:500] or type(error).__name__
            log.warning("shadow.failed", camera=camera, failures=self._failures, problem=problem)
