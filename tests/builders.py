"""Valid things to build tests on; each takes overrides."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.violation import (
    CameraFacts,
    Closed,
    EvidenceFacts,
    FindingFacts,
    ModelFacts,
    NormalisedBox,
    Opened,
    PictureBox,
    RuleFacts,
    SiteFacts,
    SourceFacts,
    ViolationMessage,
    ZoneFacts,
    envelope,
)
from shared.vocabulary import Finding, Hazard, Item, Jurisdiction

AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
VIOLATION_ID = "0123456789abcdef0123456789abcdef"
PICTURE_SHA = "a" * 64


def opened(**overrides: Any) -> Opened:
    """A worker without hard hat and vest under overhead work, at a US construction site."""
    violation_id = overrides.get("violation_id", VIOLATION_ID)
    fields: dict[str, Any] = {
        "violation_id": violation_id,
        "site": SiteFacts(
            id="north-yard",
            name="North yard",
            timezone="America/Chicago",
            jurisdictions=(Jurisdiction.US_CONSTRUCTION,),
            policy="Site safety policy 4.2",
        ),
        "camera": CameraFacts(id="gate", name="Gate camera"),
        "zone": ZoneFacts(id="hoist", name="Hoist area", hazards=(Hazard.OVERHEAD_WORK,), polygon=None),
        "rule": RuleFacts(
            id="ppe",
            kind="ppe",
            title="Hard hat and vest required",
            version="1",
            per="person",
            requires=(Item.HARDHAT, Item.VEST),
        ),
        "findings": (
            FindingFacts(
                finding=Finding.NO_HARDHAT,
                basis="seen-missing",
                confidence=0.81,
                supporting=8,
                looked=10,
                window_s=2.5,
            ),
            FindingFacts(
                finding=Finding.NO_VEST,
                basis="not-seen",
                confidence=0.7,
                supporting=9,
                looked=10,
                window_s=2.5,
            ),
        ),
        "source": SourceFacts(
            kind="live",
            session="session-0001",
            name="rtsp://camera.example/stream",
            offset_s=None,
            clock="camera-host",
        ),
        "first_seen": AT,
        "last_seen": AT + timedelta(seconds=3),
        "people": 1,
        "confidence": 0.76,
        "evidence": evidence(violation_id, overrides.pop("picture_sha256", PICTURE_SHA)),
        "model": ModelFacts(name="ppe4", sha256="b" * 64, backend="openvino", input_px=(640, 384)),
        "software_version": "0.1.0",
        "camera_blind_s": 0.0,
    }
    return Opened(**{**fields, **overrides})


def evidence(violation_id: str = VIOLATION_ID, sha256: str = PICTURE_SHA, **overrides: Any) -> EvidenceFacts:
    fields: dict[str, Any] = {
        "key": f"evidence/2026/03/04/{violation_id}/{sha256}.jpg",
        "sha256": sha256,
        "size_bytes": 120_000,
        "width": 1280,
        "height": 720,
        "captured_at": AT + timedelta(seconds=2),
        "faces_blurred": True,
        "close_up": NormalisedBox(x1=0.35, y1=0.1, x2=0.65, y2=0.95),
        "boxes": (
            PictureBox(
                role="subject",
                label="person",
                confidence=0.9,
                box=NormalisedBox(x1=0.4, y1=0.2, x2=0.6, y2=0.9),
            ),
            PictureBox(
                role="bare",
                label="no hard hat",
                confidence=0.8,
                box=NormalisedBox(x1=0.46, y1=0.2, x2=0.54, y2=0.32),
            ),
        ),
    }
    return EvidenceFacts(**{**fields, **overrides})


def closed(**overrides: Any) -> Closed:
    fields: dict[str, Any] = {
        "violation_id": VIOLATION_ID,
        "first_seen": AT,
        "last_seen": AT + timedelta(seconds=40),
        "duration_s": 40.0,
        "people_peak": 1,
        "looks_supporting": 150,
        "looks": 180,
        "reason": "ended",
    }
    return Closed(**{**fields, **overrides})


def message(data: Opened | Closed | None = None) -> ViolationMessage:
    return envelope(data or opened(), site="north-yard", camera="gate", at=AT + timedelta(seconds=4))
