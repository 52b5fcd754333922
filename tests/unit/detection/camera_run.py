"""A camera pipeline with a scripted detector, and everything else in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.detection.adapters.jpeg_evidence_renderer import JpegEvidenceRenderer
from services.detection.application import camera_state, messages
from services.detection.application.camera_state import CameraState
from services.detection.application.messages import Setting
from services.detection.application.pipeline import CameraPipeline, Tools
from services.detection.application.ports import MotionGate, Picture, SourceIdentity
from services.detection.domain.detection import Detection, Label
from services.detection.domain.frame import Frame
from shared.config.site import Camera, Site, SiteFacts
from shared.contracts.violation import Closed, Opened, decode
from shared.errors import TransientError
from tests.fakes.detector import ScriptedDetector, numbered_picture
from tests.fakes.memory_spool import MemorySpool
from tests.unit.detection.scenes import HALL, KEEP_OUT, PPE, PRESS, on_head, person

BEGIN = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
THRESHOLDS = {Label.HARDHAT: 0.3, Label.NO_HARDHAT: 0.3, Label.VEST: 0.3, Label.PERSON: 0.3}
WORKER = person()
BARE = [WORKER, on_head(WORKER, Label.NO_HARDHAT)]
CAMERA = Camera(id="gate", name="Gate", zones=(HALL, PRESS))
SITE = Site(version=1, site=SiteFacts(id="yard", name="Yard"), cameras=(CAMERA,), rules=(PPE, KEEP_OUT))


class AlwaysOpenGate:
    def wants(self, frame: Frame, busy: bool) -> bool:
        return True


class MemoryStates(dict[str, bytes]):
    def load(self, name: str) -> bytes | None:
        return self.get(name)

    def save(self, name: str, state: bytes) -> None:
        self[name] = state


class FullSpool(MemorySpool):
    full = True

    def accept(self, message: bytes, violation_id: str, phase: str, picture: Picture | None) -> bool:
        if self.full:
            raise TransientError("spool is full: free space")
        return super().accept(message, violation_id, phase, picture)


class Run:
    """A camera that sees *script* (detections by frame number, 5 frames a second).

    Attributes:
        clock_error_s: by how much the wall clock is wrong, from the next frame on.
    """

    def __init__(
        self,
        script: dict[int, Sequence[Detection]],
        kind: str = "live",
        spool: MemorySpool | None = None,
        states: MemoryStates | None = None,
        site: Site = SITE,
        labels: frozenset[Label] = frozenset(Label),
        gate: MotionGate | None = None,
    ) -> None:
        self.detector = ScriptedDetector(script, labels, THRESHOLDS)
        self.spool, self.states = spool or MemorySpool(), states if states is not None else MemoryStates()
        source = SourceIdentity(kind, "session-1", "rtsp://camera/1", "camera-host", None)  # type: ignore[arg-type]
        tools = Tools(
            gate or AlwaysOpenGate(), self.detector, JpegEvidenceRenderer(), self.spool, self.states
        )
        saved = camera_state.load(self.states, "gate")
        state = saved if saved and kind == "live" else CameraState(session="session-1")
        setting = Setting(site, site.cameras[0], source, self.detector.info)
        begun = messages.begun(self.spool)
        self.pipeline = CameraPipeline(setting, tools, state, "gate", explain=True, begun=begun)
        self.clock_error_s = 0.0
        self.next = 0

    def see(self, first: int, last: int) -> "Run":
        for number in range(first, last):
            at_s = number * 0.2
            image = numbered_picture(number, 1280, 720)
            captured_at = BEGIN + timedelta(seconds=at_s + self.clock_error_s)
            self.pipeline.see(Frame("gate", number, captured_at, at_s, image))
        return self

    def see_every(self, step: int, count: int) -> "Run":
        """*count* frames from where it is, each *step* frames later than the one before."""
        for _ in range(count):
            self.next += step
            self.see(self.next, self.next + 1)
        return self

    @property
    def messages(self) -> list[Opened | Closed]:
        return [decode(entry.message).data for entry in self.spool.pending()]


def always(detections: Sequence[Detection], count: int = 200) -> dict[int, Sequence[Detection]]:
    return dict.fromkeys(range(count), detections)
