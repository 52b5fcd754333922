"""Builds the detection service from its settings: the one place where adapters are chosen."""

import hashlib
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from threading import Event
from typing import TYPE_CHECKING

import structlog

from services.detection.adapters.annotated_video import AnnotatedVideo
from services.detection.adapters.comparison_folder import ComparisonFolder
from services.detection.adapters.detector_loader import load_detector, require_labels
from services.detection.adapters.disk_spool import DiskSpool
from services.detection.adapters.file_state_store import FileStateStore
from services.detection.adapters.frame_sources import open_source
from services.detection.adapters.joined_detector import JoinedDetector
from services.detection.adapters.jpeg_evidence_renderer import JpegEvidenceRenderer
from services.detection.adapters.local_violation_queue import LocalViolationQueue
from services.detection.adapters.model_registry import fetch_current
from services.detection.adapters.model_shelf import open_shelf
from services.detection.adapters.motion_gate import GreyMotionGate
from services.detection.adapters.prometheus_metrics import DetectionMetrics
from services.detection.adapters.shadow_detector import Shadow, ShadowedDetector
from services.detection.adapters.shared_detector import SharedDetector
from services.detection.application import camera_state, messages
from services.detection.application.camera_state import CameraState
from services.detection.application.courier import Courier
from services.detection.application.messages import Setting
from services.detection.application.pipeline import CameraPipeline, Tools
from services.detection.application.ports import (
    Detector,
    FrameSource,
    LookSink,
    ObjectStore,
    StateStore,
    ViolationQueue,
)
from services.detection.application.watch import CameraWatch, watch
from services.detection.domain.detection import Label, ModelInfo, bare, worn
from services.detection.domain.look_rate import least_rate
from services.detection.domain.wearing import told_by_absence
from services.detection.settings import DetectionSettings
from shared.config.site import Camera, LoadedSite, PpeRule, Rule, load_site, source_of
from shared.config.site_watch import SiteWatch
from shared.contracts.violation import Opened
from shared.errors import ConfigurationError
from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import QUEUE_FILE, SqliteQueue
from shared.observability.health import STARTING, Dependency, Health, Heart, watched

DRAIN_S = 20.0
# Quiet for longer, a loop is stuck and /healthz fails. A frame takes seconds at worst, but in a recording it may come
# after many that are damaged or not wanted; a delivery is a picture and two small calls over a site's line, which may
# be slow.
FRAME_LIMIT_S, RECORDING_LIMIT_S, ROUND_LIMIT_S, DELIVERY_LIMIT_S = 60.0, 600.0, 60.0, 600.0

log = structlog.get_logger()

if TYPE_CHECKING:
    from shared.aws.clients import AwsClients


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class DetectionService:
    """Ready to run.

    Attributes:
        cameras: what is watched.
        courier: carries what was accepted to the store and the queue.
        site: the site file as it was last read.
    """

    cameras: list[CameraWatch]
    courier: Courier
    spool: DiskSpool
    site: SiteWatch
    health: Health
    heart: Heart
    detectors: "Detectors"

    def run(self, stop: Event) -> bool:
        """Watch until all recordings have ended or *stop* is set, then deliver what waits.

        Returns:
            Whether all went well: every frame looked at, everything delivered.
        """
        self.courier.start()
        failures = watch(self.cameras, stop, on_tick=self._look_round)
        self.heart.rest()
        self.detectors.close()
        left = self.courier.stop(DRAIN_S)
        self.spool.close()
        return failures == 0 and left == 0

    def _look_round(self) -> None:
        self.heart.beat()
        self.site.reload_if_changed()
        for camera in self.cameras:
            state, dependency = camera.source.status.state, _dependency(self.health, camera.camera)
            # too few looks are told and no reason to call the camera down: they come and go with the people in view
            ready = state in ("up", "ended") and not camera.failing
            dependency.note(state, ready=ready, problem=camera.problem)


def build_detection(settings: DetectionSettings, metrics: DetectionMetrics | None = None) -> DetectionService:
    """Build everything that *settings* ask for.

    Args:
        settings: what is watched and how.
        metrics: measures it, and tells its health.

    Raises:
        ConfigurationError: settings, site file, model or a source are wrong.
        TransientError: the registry of models does not answer.
    """
    metrics = metrics or DetectionMetrics(Health())
    health = metrics.health
    settings = with_model_in_use(settings)
    loaded = load_site(settings.site_file)
    chosen = _chosen_cameras(loaded, settings)
    detectors = Detectors(settings, metrics)
    detectors.check(loaded)
    spool = DiskSpool(settings.data_dir / "spool", SystemClock(), settings.spool_limit_mb * 1_000_000)
    states = FileStateStore(settings.data_dir / "state")
    build = _CameraBuilder(settings, loaded, detectors, spool, states, health, messages.begun(spool))
    cameras = [built for camera, source in chosen if (built := build.camera(camera, source))]
    aws = cache(partial(_aws_clients, settings.aws_region))
    courier = Courier(
        spool,
        watched(_store(settings, aws), health.dependency("store")),
        watched(_queue(settings, aws), health.dependency("queue")),
        heart=health.loop("courier", DELIVERY_LIMIT_S),
        sign_in=_sign_in(settings, aws, health),
    )
    metrics.expect([one.camera for one in cameras], [rule.id for rule in loaded.site.rules])
    metrics.read_from(cameras, spool.stats, lambda: courier.status)
    return DetectionService(
        cameras,
        courier,
        spool,
        SiteWatch(loaded, partial(take_over, cameras, detectors)),
        health,
        health.loop("main", ROUND_LIMIT_S),
        detectors,
    )


def with_model_in_use(settings: DetectionSettings) -> DetectionSettings:
    """*settings* with the model that MODEL_REGISTRY has in use as MODEL_FILE, its hash pinned; without one as they are.

    Raises:
        ConfigurationError: it has none in use, or not the one that it names.
        TransientError: it does not answer, and nothing was fetched before.
    """
    address = settings.model_registry
    if address is None:
        return settings
    shelf = partial(open_shelf, address, settings.aws_region, patient=True)
    path, entry = fetch_current(shelf, address, settings.data_dir / "models")
    pinned = settings.model_sha256 or entry.sha256
    return settings.model_copy(update={"model_file": path, "model_sha256": pinned})


def _dependency(health: Health, camera: str) -> Dependency:
    return health.dependency(f"camera {camera}", STARTING, ready=False)


def take_over(cameras: list[CameraWatch], detectors: "Detectors", fresh: LoadedSite) -> None:
    """Let *cameras* look by a changed site file from now on.

    Raises:
        ConfigurationError: the model does not fit it; nothing has changed.
    """
    detectors.check(fresh)
    changed = {camera.id: camera for camera in fresh.site.cameras}
    for one in cameras:
        if one.camera in changed:
            one.pipeline.use(fresh.site, changed[one.camera])


@dataclass(slots=True)
class Detectors:
    """The model, loaded once for each input size that cameras ask for; cameras of one size take turns."""

    settings: DetectionSettings
    metrics: DetectionMetrics
    _loaded: dict[int | None, SharedDetector] = field(default_factory=dict)
    _shadows: dict[int | None, Shadow] = field(default_factory=dict)

    def for_camera(self, camera: Camera) -> Detector:
        size = camera.input_px
        if size not in self._loaded:
            self._load(size)
        shared = self._loaded[size]
        return ShadowedDetector(shared, self._shadows[size], camera.id) if size in self._shadows else shared

    def close(self) -> None:
        for shadow in self._shadows.values():
            shadow.close()

    def _load(self, size: int | None) -> None:
        detector, observe = build_detector(self.settings, size), self.metrics.inference.observe
        shadow = _shadow(self.settings, size, detector, self.metrics)
        if shadow:
            self._shadows[size] = shadow

        def took(seconds: float) -> None:
            observe(seconds)
            if shadow:
                shadow.allow(seconds)

        self._loaded[size] = SharedDetector(detector, took)

    def check(self, loaded: LoadedSite) -> None:
        """Raise ConfigurationError if the model does not fit the rules; see `require_fit`."""
        require_fit(loaded, self.for_camera(loaded.site.cameras[0]).info, self.settings.detect_fps)


@dataclass(slots=True)
class _CameraBuilder:
    settings: DetectionSettings
    loaded: LoadedSite
    detectors: Detectors
    spool: DiskSpool
    states: StateStore
    health: Health
    begun: list[Opened]

    def camera(self, camera: Camera, address: str) -> CameraWatch | None:
        """None for a recording that has been seen to its end with these settings."""
        settings = self.settings
        rate = None if settings.save_video else settings.detect_fps
        base, began_at, folder_fps = self.loaded.path.parent, settings.recorded_at, settings.folder_fps
        source = open_source(address, camera.id, base, rate, began_at, folder_fps)
        name, state = self._state(camera, source)
        detector = self.detectors.for_camera(camera)
        run = self._run_key(detector.info)
        if run in state.finished_runs:
            log.info(
                "run.skipped",
                camera=camera.id,
                source=source.facts.name,
                why="seen to its end before with these settings; for another look choose another DATA_DIR",
            )
            source.close()
            return None
        gate = GreyMotionGate(settings.detect_fps)
        tools = Tools(gate, detector, JpegEvidenceRenderer(), self.spool, self.states)
        setting = Setting(self.loaded.site, camera, source.facts, detector.info)
        pipeline = CameraPipeline(setting, tools, state, name, settings.show_why, self.begun)
        _dependency(self.health, camera.id)
        live = source.facts.kind == "live"
        sink = self._sink(camera, pipeline, live=live)
        heart = self.health.loop(f"camera {camera.id}", FRAME_LIMIT_S if live else RECORDING_LIMIT_S)
        heart.rest()  # until it runs: with many cameras and models a start takes longer than a frame
        return CameraWatch(camera.id, source, pipeline, sink, _finisher(pipeline, run), heart)

    def _state(self, camera: Camera, source: FrameSource) -> tuple[str, CameraState]:
        facts = source.facts
        name = camera.id if facts.kind == "live" else f"{camera.id}-{facts.session[:16]}"
        saved = camera_state.load(self.states, name)
        if facts.kind == "live":
            return name, saved or CameraState(session=uuid.uuid4().hex)
        known = saved or CameraState(session=facts.session)
        began_at = None if facts.clock == "recorded-at" else known.began_at  # what a person tells, mends it
        return name, known.model_copy(
            update={"open": [], "last_s": 0.0, "next_track": 1, "began_at": began_at}
        )

    def _sink(self, camera: Camera, pipeline: CameraPipeline, live: bool) -> LookSink | None:
        """One video for a recording; a new one for each start of a live camera."""
        if not self.settings.save_video:
            return None
        name = f"{camera.id}-{SystemClock().now():%Y%m%dT%H%M%SZ}" if live else camera.id
        path = self.settings.data_dir / "video" / f"{name}.mp4"
        return AnnotatedVideo(path, camera, lambda: pipeline.blurs_faces)

    def _run_key(self, info: ModelInfo) -> str:
        """What decides the outcome of a recording: site file, model, backend, rates and the date that was told."""
        told = self.settings.recorded_at
        parts = (
            self.loaded.sha256,
            info.sha256,
            info.backend,
            str(info.input_px),
            str(self.settings.detect_fps),
            str(self.settings.folder_fps),
            *([told.astimezone(UTC).isoformat()] if told else []),
        )
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _finisher(pipeline: CameraPipeline, run: str) -> Callable[[], None]:
    return lambda: pipeline.note_finished(run)


def _chosen_cameras(loaded: LoadedSite, settings: DetectionSettings) -> list[tuple[Camera, str]]:
    cameras = [
        camera for camera in loaded.site.cameras if not settings.camera or camera.id in settings.camera
    ]
    known = ", ".join(camera.id for camera in loaded.site.cameras)
    for name in settings.camera:
        if name not in {camera.id for camera in cameras}:
            raise ConfigurationError(f"CAMERA {name!r} is not in {loaded.path}; it has: {known}")
    if settings.source is None:
        return [(camera, source_of(camera, os.environ)) for camera in cameras]
    if len(cameras) > 1:
        raise ConfigurationError(
            f"SOURCE is one camera, {loaded.path} has several: choose one by CAMERA, of {known}"
        )
    return [(cameras[0], settings.source)]


def _store(settings: DetectionSettings, aws: "Callable[[], AwsClients]") -> ObjectStore:
    if settings.store == "folder":
        return FolderStore(settings.data_dir)
    from shared.aws.s3_object_store import S3ObjectStore

    return S3ObjectStore(aws().s3(), settings.evidence_bucket or "", retention="evidence")


def _queue(settings: DetectionSettings, aws: "Callable[[], AwsClients]") -> ViolationQueue:
    if settings.queue == "sqlite":
        return LocalViolationQueue(SqliteQueue(settings.data_dir / QUEUE_FILE))
    from services.detection.adapters.sqs_violation_queue import SqsViolationQueue
    from shared.aws.sqs_queue import SqsQueue

    return SqsViolationQueue(
        SqsQueue(aws().sqs(), name=settings.queue_name or "", url=settings.queue_url or "")
    )


def _sign_in(
    settings: DetectionSettings, aws: "Callable[[], AwsClients]", health: Health
) -> Callable[[], None]:
    if settings.store == "folder" and settings.queue == "sqlite":
        return lambda: None
    return watched(aws(), health.dependency("credentials", STARTING, ready=False)).sign_in


def _aws_clients(region: str | None) -> "AwsClients":
    """The SDK of AWS is imported only where it is used.

    Patient: a box whose helper has no credentials while the line is down watches all the same.
    """
    from shared.aws.clients import AwsClients

    return AwsClients(region, patient=True)


def build_detector(settings: DetectionSettings, longest: int | None) -> Detector:
    """The model that *settings* name, joined with the people model if there is one.

    Args:
        longest: long side of the input in pixels; None for what the model was measured with.

    Raises:
        ConfigurationError: a file, its hash or the backend is wrong.
    """
    ppe = load_detector(
        settings.model_file,
        settings.backend,
        threads=settings.threads,
        sha256=settings.model_sha256,
        cache=settings.data_dir / "cache",
        longest=longest,
    )
    if settings.people_model_file is None:
        return ppe
    return JoinedDetector(
        [
            load_detector(
                settings.people_model_file, settings.backend, threads=settings.threads, longest=longest
            ),
            ppe,
        ]
    )


def _shadow(
    settings: DetectionSettings, longest: int | None, beside: Detector, metrics: DetectionMetrics
) -> Shadow | None:
    """On one processor thread, so that the model keeps the others."""
    if settings.shadow_model_file is None:
        return None
    new = load_detector(settings.shadow_model_file, settings.backend, threads=1, longest=longest)
    labels = beside.info.labels | new.info.labels
    if isinstance(beside, JoinedDetector):  # what the people model says is not in question
        labels -= beside.parts[0].labels
    folder = ComparisonFolder(settings.data_dir / "state" / "shadow", beside.info, new.info, SystemClock())
    return Shadow(new, beside.info, labels, settings.shadow_share, folder, metrics)


def require_fit(loaded: LoadedSite, info: ModelInfo, fps: float) -> None:
    """Check that the model knows what the rules ask for (an item that it cannot see would always be missing), and that
    *fps* looks a second are enough for them.

    Raises:
        ConfigurationError: it does not, or they are not.
    """
    require_labels(info, _needed_labels(loaded, info))
    for rule in loaded.site.rules:
        _require_rate(fps, rule, info)


def _needed_labels(loaded: LoadedSite, info: ModelInfo) -> list[Label]:
    required = [item for rule in loaded.site.rules if isinstance(rule, PpeRule) for item in rule.requires]
    items = [worn(item) for item in required] + [bare(item) for item in required if not told_by_absence(item)]
    heads = {Label.HARDHAT, Label.NO_HARDHAT} & info.labels
    return items if heads else [Label.PERSON, *items]


def _require_rate(fps: float, rule: Rule, info: ModelInfo) -> None:
    """Refuse a rule that could never be broken at so few looks a second."""
    least = least_rate(rule, info.labels)
    if fps < least:
        raise ConfigurationError(
            f"DETECT_FPS: at {fps:g} looks a second rule {rule.id} could never be found broken, it needs {least:.2f};"
            " do: look more often (--fps), or give the rule a confirm: of fewer looks or a longer within_s"
        )
