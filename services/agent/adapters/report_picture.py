"""The evidence on the page: the whole picture and its close-up, one embedded JPEG with the overlay as vectors."""

import hashlib
import io

from PIL import Image
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from services.agent.adapters.overlay import PART_GAP, WHOLE, Outline, Tag, View, overlay
from services.agent.adapters.pdf_text import INK, RULE, draw_text, text_width
from services.agent.adapters.typefaces import Weight
from shared.contracts.violation import NormalisedBox, Opened

GAP = 9.0  # points between picture and close-up


class EvidenceJpeg(ImageReader):
    """A JPEG that is embedded byte by byte, once however often it is drawn."""

    def __init__(self, picture: bytes, decoded: Image.Image) -> None:
        super().__init__(io.BytesIO(picture))
        self.size = decoded.size
        self._dataA = None
        self._identity = hashlib.sha256(picture).digest()

    def getRGBData(self) -> bytes:  # noqa: N802 - ReportLab's name
        """What the canvas tells pictures apart by; pixels would do, but take 150 MB at 50 megapixels."""
        return self._identity


class EvidencePictures(Flowable):
    """The whole picture at the left, the close-up at the right in the same height."""

    def __init__(self, jpeg: EvidenceJpeg, opened: Opened, accent: str, scale: float, most: float) -> None:
        super().__init__()
        self._jpeg = jpeg
        self._opened = opened
        self._accent = HexColor(accent)
        self._scale = scale
        self._most = most * scale

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Fill *width* points; as high as the picture's shape asks for, at most `most` points."""
        across, down = self._jpeg.size
        self._whole = min(0.7 * width, self._most * across / down)
        self.height = max(self._whole * down / across, 1.0)
        self._close = min(width - self._whole - GAP, 1.2 * self.height)
        self.width = width
        return width, self.height

    def draw(self) -> None:
        self._draw_view(0, View(WHOLE, self._whole, self.height, 6.3 * self._scale))
        part, width, height = self._close_up()
        self._draw_view(self._whole + GAP, View(part, width, height, 6.0 * self._scale))

    def _close_up(self) -> tuple[NormalisedBox, float, float]:
        """The close-up's box, widened or heightened to the shape of its place, and the size to draw it at."""
        across, down = self._jpeg.size
        box = self._opened.evidence.close_up
        shape = self._close / self.height * down / across  # of the place, in fractions of the picture
        wide, high = box.x2 - box.x1, box.y2 - box.y1
        wide, high = min(max(wide, high * shape), 1.0), min(max(high, wide / shape), 1.0)
        part = NormalisedBox(
            **dict(zip(("x1", "x2"), _around((box.x1 + box.x2) / 2, wide), strict=True)),
            **dict(zip(("y1", "y2"), _around((box.y1 + box.y2) / 2, high), strict=True)),
        )
        fit = min(self._close / (wide * across), self.height / (high * down))
        return part, wide * across * fit, high * down * fit

    def _draw_view(self, x: float, view: View) -> None:
        canvas: Canvas = self.canv
        canvas.saveState()
        canvas.translate(x, self.height - view.height)
        frame = canvas.beginPath()
        frame.rect(0, 0, view.width, view.height)
        canvas.clipPath(frame, stroke=0, fill=0)
        self._draw_jpeg(view)
        self._draw_overlay(view)
        canvas.restoreState()
        canvas.setStrokeColor(HexColor(RULE))
        canvas.setLineWidth(0.5)
        canvas.rect(x, self.height - view.height, view.width, view.height)

    def _draw_jpeg(self, view: View) -> None:
        part = view.part
        width, height = view.width / (part.x2 - part.x1), view.height / (part.y2 - part.y1)
        self.canv.drawImage(self._jpeg, -part.x1 * width, -(1 - part.y2) * height, width, height)

    def _draw_overlay(self, view: View) -> None:
        shapes = overlay(
            self._opened.evidence,
            self._opened.zone.polygon,
            view,
            lambda text: text_width(text, view.em, Weight.BOLD),
            tagged=("bare", "subject", "item", "person", "other") if view.part == WHOLE else ("bare", "item"),
        )
        self.canv.translate(0, view.height)  # shapes count down from the top
        for outline in shapes.outlines:
            _draw_outline(self.canv, outline, self._accent)
        for tag in shapes.tags:
            _draw_tag(self.canv, tag, shapes.em, self._accent)


def _around(centre: float, length: float) -> tuple[float, float]:
    """A stretch of *length* about *centre*, moved to lie within 0 and 1."""
    start = min(max(centre - length / 2, 0.0), 1.0 - length)
    return start, min(start + length, 1.0)


def _draw_outline(canvas: Canvas, outline: Outline, accent: Color) -> None:
    line, halo = (accent, white) if outline.tone == "accent" else (white, HexColor(INK))
    path = canvas.beginPath()
    path.moveTo(outline.points[0][0], -outline.points[0][1])
    for x, y in outline.points[1:]:
        path.lineTo(x, -y)
    path.close()
    canvas.saveState()
    canvas.setLineJoin(0 if len(outline.points) == 4 and not outline.zone else 1)
    if outline.zone:
        canvas.setFillColor(accent, alpha=0.14)
        canvas.drawPath(path, stroke=0, fill=1)
    canvas.setStrokeColor(halo, alpha=0.75)
    canvas.setLineWidth(outline.width + 0.9)
    canvas.drawPath(path)
    canvas.setStrokeColor(line, alpha=1)
    canvas.setLineWidth(outline.width)
    if outline.zone:
        canvas.setDash(3 * outline.width, 2 * outline.width)
    canvas.drawPath(path)
    canvas.restoreState()


def _draw_tag(canvas: Canvas, tag: Tag, em: float, accent: Color) -> None:
    canvas.setFillColor(accent if tag.tone == "accent" else HexColor(INK))
    canvas.rect(tag.x, -tag.y - tag.height, tag.width, tag.height, stroke=0, fill=1)
    canvas.setFillColor(white)
    x = tag.x + 0.4 * em
    for part in tag.parts:
        x = draw_text(canvas, x, -tag.y - 1.1 * em, part, em, Weight.BOLD) + PART_GAP * em
