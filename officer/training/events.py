"""Judge a model by events: what the whole detection raises on a clip, against what the clip's exact truth says."""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event as Stop
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from services.detection.bootstrap import build_detection
from services.detection.domain.geometry import Box
from services.detection.settings import DetectionSettings
from shared.config.site import PpeRule, Site, load_site
from shared.contracts.violation import NormalisedBox, Opened, decode
from shared.errors import ConfigurationError, PermanentError
from shared.vocabulary import Finding, missing

TOLERANCE_S = (
    0.5  # evidence may be so much older or younger than the event: rounding, and turning at the edges
)
SAME_PERSON = 0.3  # least IoU of the evidence's box with the person's true one at that moment


@dataclass(frozen=True, slots=True)
class EventTally:
    """What was found of what there was. All counts are of findings: a violation without hat and vest is two.

    Attributes:
        expected: events in the truth.
        found, missed: those that were raised at least once, and those that were not.
        false: findings raised about somebody, or at a time, of whom or when the truth says nothing of the kind.
        duplicates: findings raised again for an event that had been raised.
        camera_s: seconds that the camera looked.
        delays_s: from the beginning of each event that was found until it was raised, in seconds.
    """

    expected: int
    found: int
    missed: int
    false: int
    duplicates: int
    camera_s: float
    delays_s: tuple[float, ...]

    def __add__(self, other: "EventTally") -> "EventTally":
        return EventTally(
            self.expected + other.expected,
            self.found + other.found,
            self.missed + other.missed,
            self.false + other.false,
            self.duplicates + other.duplicates,
            self.camera_s + other.camera_s,
            self.delays_s + other.delays_s,
        )


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """Something that a rule should raise, once.

    Attributes:
        rule: id in the site file.
        people: whom it is about; several where the rule counts by zone.
        from_s, to_s: seconds in the clip.
    """

    rule: str
    finding: Finding
    people: frozenset[str]
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Raised:
    """One finding of a violation that was raised.

    Attributes:
        shown_s: when its evidence was taken, seconds in the clip.
        opened_s: when it was raised.
        boxes: of the people that it is about, in pixels, at `shown_s`.
    """

    rule: str
    finding: Finding
    shown_s: float
    opened_s: float
    boxes: tuple[Box, ...]


class _AsGiven(DetectionSettings):
    """Settings that no environment changes: a clip is judged alike everywhere, and nothing is sent anywhere."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


Places = Callable[[float], Mapping[str, Box]]  # everybody's true box at a moment


def judge_clip(folder: Path, model: Path, backend: str = "auto") -> EventTally:
    """Run the whole detection over a clip, in this process and without a cloud, and compare with its truth.

    Args:
        folder: holds a video, site.yaml (one camera) and truth.json, as examples/demo does.
        model: an .onnx file.
        backend: what runs it, as in the settings.

    Raises:
        ConfigurationError: the folder or the model is not as it must be.
        PermanentError: detection failed on some frame.
    """
    truth = _read_truth(folder)
    site = load_site(folder / "site.yaml").site
    with tempfile.TemporaryDirectory() as data:
        settings = _AsGiven.model_validate(
            {
                "site_file": folder / "site.yaml",
                "source": str((folder / truth["video"]).resolve()),
                "model_file": model,
                "backend": backend,
                "data_dir": Path(data),
            }
        )
        if not build_detection(settings).run(Stop()):
            raise PermanentError("clip-not-judged", f"{folder}: detection failed on it, see the log")
        raised = [one for path in sorted(Path(data).glob("events/**/opened-*.json")) for one in _read(path)]
    return tally(expected_events(truth["events"], site), raised, _places(truth), truth["seconds"])


def tally(
    events: Sequence[TrueEvent], raised: Iterable[Raised], places: Places, camera_s: float
) -> EventTally:
    """Match what was *raised* with *events*, each at most once, by rule, finding, person and time."""
    delays: dict[TrueEvent, float] = {}
    false = duplicates = 0
    for one in sorted(raised, key=lambda one: one.opened_s):
        event = _event_of(one, events, places(one.shown_s))
        if event is None:
            false += 1
        elif event in delays:
            duplicates += 1
        else:
            delays[event] = max(0.0, round(one.opened_s - event.from_s, 3))
    found = len(delays)
    return EventTally(
        len(events), found, len(events) - found, false, duplicates, camera_s, tuple(delays.values())
    )


def expected_events(told: Iterable[Mapping[str, Any]], site: Site) -> list[TrueEvent]:
    """What the rules of *site* should raise, of what the truth tells as person, what, from_s and to_s.

    People who are in a zone at once are one event where the rule counts by zone.
    """
    spans = [(str(e["person"]), _FINDINGS[e["what"]], float(e["from_s"]), float(e["to_s"])) for e in told]
    events: list[TrueEvent] = []
    for rule in site.rules:
        asked = [missing(item) for item in rule.requires] if isinstance(rule, PpeRule) else [_IN_ZONE]
        single = [
            TrueEvent(rule.id, finding, frozenset({person}), from_s, to_s)
            for person, finding, from_s, to_s in spans
            if finding in asked
        ]
        events += _joined(single) if rule.per == "zone" else single
    return events


_IN_ZONE = Finding.RESTRICTED_ZONE
_FINDINGS = {"no_hardhat": Finding.NO_HARDHAT, "no_vest": Finding.NO_VEST, "in_zone": _IN_ZONE}


def _joined(events: Sequence[TrueEvent]) -> list[TrueEvent]:
    """Events that overlap in time, made one."""
    joined: list[TrueEvent] = []
    for event in sorted(events, key=lambda event: event.from_s):
        if joined and event.from_s <= joined[-1].to_s:
            last = joined.pop()
            people, to_s = last.people | event.people, max(last.to_s, event.to_s)
            joined.append(TrueEvent(event.rule, event.finding, people, last.from_s, to_s))
        else:
            joined.append(event)
    return joined


def _event_of(raised: Raised, events: Sequence[TrueEvent], people: Mapping[str, Box]) -> TrueEvent | None:
    about = {who for box in raised.boxes if (who := _person_at(box, people))}
    for event in events:
        same = (event.rule, event.finding) == (raised.rule, raised.finding) and about & event.people
        if same and event.from_s - TOLERANCE_S <= raised.shown_s <= event.to_s + TOLERANCE_S:
            return event
    return None


def _person_at(box: Box, people: Mapping[str, Box]) -> str | None:
    who = max(people, key=lambda name: box.iou(people[name]), default=None)
    return who if who is not None and box.iou(people[who]) >= SAME_PERSON else None


def _read_truth(folder: Path) -> dict[str, Any]:
    path = folder / "truth.json"
    try:
        truth: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}; do: name a folder made as examples/demo"
        ) from error
    lacking = {"video", "seconds", "frames_per_second", "events", "frames"} - truth.keys()
    if lacking:
        raise ConfigurationError(f"{path} lacks {', '.join(sorted(lacking))}; see examples/demo/truth.json")
    return truth


def _places(truth: Mapping[str, Any]) -> Places:
    frames, rate = truth["frames"], truth["frames_per_second"]

    def at(moment_s: float) -> dict[str, Box]:
        frame = frames[min(len(frames) - 1, max(0, round(moment_s * rate)))]
        return {name: Box(*seen["person"]) for name, seen in frame["people"].items()}

    return at


def _read(path: Path) -> list[Raised]:
    message = decode(path.read_bytes())
    data = message.data
    if not isinstance(data, Opened) or data.source.offset_s is None:
        raise AssertionError(f"{path} tells of no violation in a recording")
    offset_s, first = data.source.offset_s, data.first_seen

    def seconds(at: datetime) -> float:
        return offset_s + (at - first).total_seconds()

    size = data.evidence.width, data.evidence.height
    boxes = tuple(_pixels(seen.box, *size) for seen in data.evidence.boxes if seen.role == "subject")
    shown_s, opened_s = seconds(data.evidence.captured_at), seconds(message.time)
    return [Raised(data.rule.id, one.finding, shown_s, opened_s, boxes) for one in data.findings]


def _pixels(box: NormalisedBox, width: int, height: int) -> Box:
    return Box(box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height)
