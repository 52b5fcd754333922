"""The evidence with its overlay drawn in, as a JPEG for places that show pictures only, such as a mail."""

import functools
import io
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from services.agent.adapters.jpeg_picture import open_jpeg
from services.agent.adapters.overlay import ACCENTS, PART_GAP, WHOLE, Outline, Polygon, Tag, View, overlay
from services.agent.adapters.typefaces import Run, Weight, face_file, runs
from shared.contracts.violation import EvidenceFacts
from shared.vocabulary import Severity

MAX_WIDTH_PX = 1280  # wide enough for a mail on a large screen
MAX_HEIGHT_PX = 1280
_SMOOTH = 2  # the overlay is drawn at twice the size and scaled down, which smooths slanted lines
_WHITE = (255, 255, 255)
_DARK = (31, 36, 41)


def annotate(
    picture: bytes,
    evidence: EvidenceFacts,
    *,
    polygon: Polygon | None = None,
    severity: Severity = Severity.HIGH,
) -> bytes:
    """Draw boxes, labels and zone into the evidence, as the PDF shows them.

    Args:
        picture: the evidence JPEG.
        evidence: boxes to draw, in fractions of the picture.
        polygon: the zone in fractions of the picture; None draws none.
        severity: picks the accent colour.

    Returns:
        a JPEG of at most 1280 x 1280 pixels, same proportions, no metadata; same bytes for the same input.

    Raises:
        PermanentError: *picture* is no readable JPEG.
    """
    image = open_jpeg(picture).convert("RGB")
    image.thumbnail((MAX_WIDTH_PX, MAX_HEIGHT_PX), Image.Resampling.LANCZOS)
    image.paste(*_painted(evidence, polygon, ACCENTS[severity], image.size))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85, optimize=True)
    return buffer.getvalue()


def _painted(
    evidence: EvidenceFacts, polygon: Polygon | None, accent: str, size: tuple[int, int]
) -> tuple[Image.Image, tuple[int, int], Image.Image]:
    """The overlay's colours, where they go and their mask, as `Image.paste` takes them."""
    layer = Image.new("RGBA", (size[0] * _SMOOTH, size[1] * _SMOOTH))
    draw = ImageDraw.Draw(layer)
    em = max(layer.width / 56, 11.0 * _SMOOTH)
    shapes = overlay(
        evidence, polygon, View(WHOLE, layer.width, layer.height, em), lambda text: _width(text, em)
    )
    colour = _rgb(accent)
    for outline in shapes.outlines:
        _draw_outline(draw, outline, colour)
    for tag in shapes.tags:
        _draw_tag(draw, tag, em, colour)
    smooth = layer.resize(size, Image.Resampling.BOX)
    return smooth.convert("RGB"), (0, 0), smooth.getchannel("A")


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _draw_outline(draw: ImageDraw.ImageDraw, outline: Outline, accent: tuple[int, int, int]) -> None:
    line, halo = (accent, _WHITE) if outline.tone == "accent" else (_WHITE, _DARK)
    width = max(round(outline.width), 1)
    if outline.zone:
        draw.polygon(outline.points, fill=(*accent, 36))
    closed = [*outline.points, outline.points[0]]
    draw.line(closed, fill=(*halo, 190), width=width + max(round(width * 0.8), 2), joint="curve")
    if outline.zone:
        _draw_dashes(draw, closed, line, width)
    else:
        draw.line(closed, fill=(*line, 255), width=width, joint="curve")


def _draw_dashes(
    draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], colour: tuple[int, int, int], width: int
) -> None:
    for (x1, y1), (x2, y2) in pairwise(points):
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        steps = max(int(length / (5 * width)), 1)
        for step in range(steps):
            start, end = step / steps, (step + 0.6) / steps
            ends = [(x1 + (x2 - x1) * at, y1 + (y2 - y1) * at) for at in (start, end)]
            draw.line(ends, fill=(*colour, 255), width=width)


def _draw_tag(draw: ImageDraw.ImageDraw, tag: Tag, em: float, accent: tuple[int, int, int]) -> None:
    fill = accent if tag.tone == "accent" else _DARK
    draw.rectangle((tag.x, tag.y, tag.x + tag.width, tag.y + tag.height), fill=(*fill, 255))
    x, baseline = tag.x + 0.4 * em, tag.y + 1.1 * em
    for part in tag.parts:
        for run in _letters(part):
            draw.text((x, baseline), run.text, fill=(*_WHITE, 255), font=_font(run.face, em), anchor="ls")
            x += _font(run.face, em).getlength(run.text)
        x += PART_GAP * em


def _width(text: str, em: float) -> float:
    return sum(_font(run.face, em).getlength(run.text) for run in _letters(text))


def _letters(text: str) -> tuple[Run, ...]:
    return runs(text, Weight.BOLD)


@functools.lru_cache(maxsize=32)
def _font(face: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(face_file(face), size, layout_engine=ImageFont.Layout.BASIC)
