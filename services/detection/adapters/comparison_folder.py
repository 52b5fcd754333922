"""Keeps where a model and its shadow differ: a line for each look, and a few pictures with all faces blurred.

`officer model compare` reads it. Layout: `MODEL-SHADOW/looks.jsonl` and `MODEL-SHADOW/pictures/DAY-LABEL-NN.jpg`, where
MODEL and SHADOW are the beginnings of the files' hashes, so that each pair of models has a folder of its own.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

import structlog

from services.detection.adapters.frame_annotator import AMBER, GREY, Colour, label, outline
from services.detection.adapters.jpeg_evidence_renderer import JpegEvidenceRenderer, blurred
from services.detection.application.ports import Clock
from services.detection.domain.comparison import Comparison, Difference, SeenBy
from services.detection.domain.detection import Detection, ModelInfo
from services.detection.domain.frame import BgrImage
from services.detection.domain.privacy import face_regions_by_any

LOOKS = "looks.jsonl"
MOST_BYTES = 64_000_000  # of lines: some 300,000 looks
PICTURES_A_DAY = 20  # of each label
PICTURE_EVERY = timedelta(seconds=60)  # of each label: one scene is one example
KEPT_DAYS = 14  # pictures
_DRAWN: dict[SeenBy, tuple[str, Colour]] = {"model": ("old", GREY), "shadow": ("new", AMBER)}

Views = Sequence[Sequence[Detection]]

log = structlog.get_logger()


class ComparisonFolder:
    """Appends to the folder of one pair of models in *root*; safe to call from many threads."""

    def __init__(self, root: Path, model: ModelInfo, shadow: ModelInfo, clock: Clock) -> None:
        self._path = root / f"{model.sha256[:12]}-{shadow.sha256[:12]}"
        self._models = {"model": _facts(model), "shadow": _facts(shadow)}
        self._clock, self._lock, self._full = clock, Lock(), False
        self._last_picture: dict[str, datetime] = {}

    def add(
        self,
        camera: str,
        image: BgrImage,
        views: Views | None,
        comparison: Comparison,
        shadow_s: float,
    ) -> None:
        """Keep one look.

        Args:
            camera: its id.
            image: [H, W, 3] BGR uint8; not modified.
            views: what each model found down to a low floor: whose faces to blur. None: keep no example.
            comparison: where they differ.
            shadow_s: seconds that the shadow took.

        Raises:
            OSError: no space, or not writable.
        """
        with self._lock:
            at = self._clock.now()
            picture = None
            if views is not None:
                picture = self._picture(at, image, views, comparison.differences)
            self._append(_line(at, camera, image, comparison, shadow_s) | {"picture": picture})

    def _append(self, line: Mapping[str, object]) -> None:
        path = self._path / LOOKS
        size = path.stat().st_size if path.exists() else 0
        if size > MOST_BYTES:
            self._note_full(path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            if not size:
                file.write(json.dumps(self._models) + "\n")
            file.write(json.dumps(line) + "\n")

    def _note_full(self, path: Path) -> None:
        if not self._full:
            self._full = True
            log.warning("shadow.full", problem=f"{path} is full: look at it, then delete its folder to go on")

    def _picture(
        self,
        at: datetime,
        image: BgrImage,
        views: Views,
        differences: Sequence[Difference],
    ) -> str | None:
        """Write an example for the first label that may have one more today; returns the file's name."""
        folder, day = self._path / "pictures", f"{at:%Y-%m-%d}"
        for wanted in dict.fromkeys(difference.label for difference in differences):
            last = self._last_picture.get(wanted)
            number = len(list(folder.glob(f"{day}-{wanted}-*.jpg"))) + 1
            if number > PICTURES_A_DAY or (last and at - last < PICTURE_EVERY):
                continue
            self._last_picture[wanted] = at
            folder.mkdir(parents=True, exist_ok=True)
            _forget_old(folder, f"{at - timedelta(days=KEPT_DAYS):%Y-%m-%d}")
            name = f"{day}-{wanted}-{number:02}.jpg"
            (folder / name).write_bytes(_drawn(image, views, differences))
            return name
        return None


def _facts(info: ModelInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "version": info.version,
        "sha256": info.sha256,
        "labels": sorted(info.labels),
        "thresholds": dict(info.thresholds),
    }


def _line(
    at: datetime, camera: str, image: BgrImage, comparison: Comparison, shadow_s: float
) -> dict[str, object]:
    return {
        "at": at.isoformat(timespec="seconds"),
        "camera": camera,
        "size": [image.shape[1], image.shape[0]],
        "shadow_s": round(shadow_s, 3),
        "agreed": dict(comparison.agreed),
        "differ": [_difference(one) for one in comparison.differences],
    }


def _difference(one: Difference) -> dict[str, object]:
    box = [round(edge) for edge in (one.box.x1, one.box.y1, one.box.x2, one.box.y2)]
    return {"by": one.seen_by, "label": one.label, "confidence": round(one.confidence, 3), "box": box}


def _forget_old(folder: Path, before: str) -> None:
    for path in folder.glob("????-??-??-*.jpg"):
        if path.name[:10] < before:
            path.unlink(missing_ok=True)


def _drawn(image: BgrImage, views: Views, differences: Sequence[Difference]) -> bytes:
    """A JPEG of *image*: every face blurred whatever the site says, then the boxes that one model alone has."""
    canvas = blurred(image, face_regions_by_any(views, image.shape[1], image.shape[0]))
    unit = max(1.0, max(image.shape[:2]) / 1280)
    for one in differences:
        name, colour = _DRAWN[one.seen_by]
        outline(canvas, one.box, colour, round(2 * unit))
        corner = round(one.box.x1), round(one.box.y2 if one.seen_by == "model" else one.box.y1)
        label(canvas, corner, f"{name} alone: {one.label} {one.confidence:.2f}", colour, unit)
    return JpegEvidenceRenderer().render(canvas, ()).jpeg
