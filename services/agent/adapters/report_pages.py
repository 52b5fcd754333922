"""Pages that fill from the top: full-width blocks, pairs of columns, page breaks, head and foot lines."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Spacer

from services.agent.adapters.pdf_text import GREY, RULE, draw_text, text_width
from services.agent.adapters.typefaces import Weight, base_face

MARGIN = 42.5  # points, 15 mm
TOP, FOOT = 38.0, 44.0
COLUMN_GAP = 20.0
SIDE_SHARE = 0.32  # of the width between the margins
NEED_AFTER_HEADING = 44.0  # a heading with less room below it moves to the next page
_ENDLESS = 1e6  # points


@dataclass(frozen=True, slots=True)
class Document:
    """What belongs to the whole document.

    Attributes:
        title, subject, author, language: PDF metadata; language such as ``en-US``.
        written: aware; the PDF's date of creation, since the clock would change its bytes.
        size: width and height of a page in points.
        running_head: at the top of the second and later pages.
        foot: at the foot of each page.
        accent: colour of the bar at the top.
    """

    title: str
    subject: str
    author: str
    language: str
    written: datetime
    size: tuple[float, float]
    running_head: str
    foot: str
    accent: str


class Heading(Flowable):
    """A heading that stays with what follows it and becomes a bookmark."""

    def __init__(self, paragraph: Paragraph, bookmark: str) -> None:
        super().__init__()
        self._paragraph, self._bookmark = paragraph, bookmark

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.width, self.height = self._paragraph.wrap(width, height)
        return self.width, self.height

    def getSpaceAfter(self) -> float:  # noqa: N802 - ReportLab's name
        return float(self._paragraph.getSpaceAfter())

    def draw(self) -> None:
        key = f"section-{self._bookmark}"
        self.canv.bookmarkHorizontal(key, 0, self.height + 6)
        self.canv.addOutlineEntry(self._bookmark, key, level=0)
        self._paragraph.drawOn(self.canv, 0, 0)


class Pages:
    """Draws blocks one below the other.

    Attributes:
        count: pages begun so far.
        width: between the margins, in points.
    """

    def __init__(self, document: Document) -> None:
        self.count = 1
        self.width = document.size[0] - 2 * MARGIN
        self._document = document
        self._buffer = io.BytesIO()
        self._canvas = self._new_canvas()
        self._y = self._begin_page()

    @property
    def side_width(self) -> float:
        """Width of the right column, in points."""
        return SIDE_SHARE * self.width

    @property
    def main_width(self) -> float:
        """Width of the left column, in points."""
        return self.width - self.side_width - COLUMN_GAP

    def add(self, *blocks: Flowable) -> None:
        """Draw *blocks* over the full width."""
        rest = list(blocks)
        while True:
            self._y = self._pour(rest, MARGIN, self.width, self._y)
            if not rest:
                return
            self._y = self._turn_page()

    def add_whole(self, *blocks: Flowable) -> None:
        """Draw *blocks* over the full width, on the next page if they fit only there in one piece."""
        heights = [block.wrapOn(self._canvas, self.width, _ENDLESS)[1] for block in blocks]
        needed = sum(heights) + sum(block.getSpaceAfter() for block in blocks[:-1])
        if self._y - FOOT < needed <= self._document.size[1] - TOP - FOOT:
            self._y = self._turn_page()
        self.add(*blocks)

    def add_columns(self, main: Iterable[Flowable], side: Iterable[Flowable]) -> None:
        """Draw a wide and a narrow column beside each other, both over as many pages as they need."""
        left, right = list(main), list(side)
        while True:
            ends = (
                self._pour(left, MARGIN, self.main_width, self._y),
                self._pour(right, MARGIN + self.main_width + COLUMN_GAP, self.side_width, self._y),
            )
            self._y = min(ends)
            if not left and not right:
                return
            self._y = self._turn_page()

    def finish(self) -> bytes:
        """End the document.

        Returns:
            the PDF.
        """
        self._canvas.showPage()
        for page in range(1, self.count + 1):
            self._define_number(page)
        self._canvas.save()
        return self._buffer.getvalue()

    def _new_canvas(self) -> Canvas:
        # Raw streams: a fifth smaller, and the evidence can be taken out of the PDF byte by byte.
        rl_config.useA85 = 0
        document = self._document
        canvas = Canvas(
            self._buffer,
            pagesize=document.size,
            invariant=1,
            pageCompression=1,
            initialFontName=base_face(Weight.REGULAR),  # type: ignore[arg-type]  # the stubs ask for a number
            lang=document.language,
        )
        canvas.setTitle(document.title)
        canvas.setSubject(document.subject)
        canvas.setAuthor(document.author)
        canvas.setCreator(document.author)
        canvas.setDateFormatter(lambda *_now: f"D:{document.written.astimezone(UTC):%Y%m%d%H%M%S}Z")
        canvas.setViewerPreference("DisplayDocTitle", "true")
        return canvas

    def _pour(self, rest: list[Flowable], x: float, width: float, top: float) -> float:
        """Draw from the front of *rest* what fits below *top*, taking it out; returns where it ended."""
        y = top
        while rest:
            height = self._fit(rest, width, y)
            if height is None:
                return y
            block = rest.pop(0)
            if isinstance(block, Spacer) and self._fresh(y):
                continue
            block.drawOn(self._canvas, x, y - height)
            y -= height + block.getSpaceAfter()
        return y

    def _fit(self, rest: list[Flowable], width: float, y: float) -> float | None:
        """Height of the first block, split if it must be; None if nothing of it fits here."""
        room = y - FOOT
        height = float(rest[0].wrapOn(self._canvas, width, room)[1])
        if isinstance(rest[0], Heading) and height + NEED_AFTER_HEADING > room and not self._fresh(y):
            return None
        if height <= room:
            return height
        parts = rest[0].splitOn(self._canvas, width, room)
        if len(parts) > 1:
            rest[:1] = parts
            return float(parts[0].wrapOn(self._canvas, width, room)[1])
        return (
            height if self._fresh(y) else None
        )  # higher than a page: better cut at its foot than never ending

    def _fresh(self, y: float) -> bool:
        return y >= self._document.size[1] - TOP

    def _turn_page(self) -> float:
        self._canvas.showPage()
        self.count += 1
        return self._begin_page()

    def _begin_page(self) -> float:
        canvas, (width, height) = self._canvas, self._document.size
        canvas.setFillColor(HexColor(self._document.accent))
        canvas.rect(0, height - 7, width, 7, stroke=0, fill=1)
        canvas.setFillColor(HexColor(GREY))
        if self.count > 1:
            self._draw_running_head(height - 24)
        draw_text(canvas, MARGIN, 25, self._document.foot, 6.6)
        canvas.setStrokeColor(HexColor(RULE))
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, 36, width - MARGIN, 36)
        canvas.doForm(f"page-number-{self.count}")
        return height - TOP

    def _draw_running_head(self, y: float) -> None:
        draw_text(self._canvas, MARGIN, y, self._document.running_head, 6.6)

    def _define_number(self, page: int) -> None:
        """Page n of m: a form that is drawn on the page before m is known."""
        text = f"Page {page} of {self.count}"
        self._canvas.beginForm(f"page-number-{page}", 0, 0, *self._document.size)
        self._canvas.setFillColor(HexColor(GREY))
        draw_text(self._canvas, self._document.size[0] - MARGIN - text_width(text, 6.6), 25, text, 6.6)
        self._canvas.endForm()
