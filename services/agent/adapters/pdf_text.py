"""Text on the PDF's pages: styles, and the one place where strings become ReportLab markup."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from services.agent.adapters.typefaces import MAX_TEXT, Run, Weight, base_face, clean, lacking, runs

INK = "#1B2026"
GREY = "#5A6470"
RULE = "#D3D9DF"
TINT = "#F4F6F8"
MARK_SIZE = 6.4  # points, at most
SMALLEST = 5.8  # points; no text is scaled below


@dataclass(frozen=True, slots=True)
class Style:
    """How a paragraph is set.

    Attributes:
        size, leading: in points, before scaling.
        weight: of its letters.
        colour: as ``#RRGGBB``.
        after: space below in points, before scaling.
        rtl_line: characters after which a right-to-left stretch is broken, a little less than a line holds.
    """

    size: float
    leading: float
    weight: Weight = Weight.REGULAR
    colour: str = INK
    after: float = 0
    rtl_line: int = 70


HEADLINE = Style(17, 21, Weight.BOLD, rtl_line=60)
BODY = Style(8.8, 12.6, after=5)
STRONG = Style(9.2, 13, Weight.BOLD, after=3)
CELL = Style(8, 10.8, rtl_line=20)
CELL_STRONG = replace(CELL, weight=Weight.BOLD)
SIDE = Style(8.2, 10.8, rtl_line=36)
CAPTION = Style(6.8, 9, colour=GREY, rtl_line=36)
SMALL = Style(7.4, 10.2, after=2)
SMALL_GREY = replace(SMALL, colour=GREY)
MONO = Style(6.8, 9.4, Weight.MONO)


class Typesetter:
    """Makes paragraphs at one scale, and remembers the characters that no typeface has.

    Attributes:
        accent: the severity's colour.
        scale: factor on all sizes; below 1 for reports that would take too many pages.
        missing: characters printed as U+FFFD so far, in order of appearance.
    """

    def __init__(self, accent: str, scale: float = 1.0) -> None:
        self.accent = accent
        self.scale = scale
        self.missing: dict[str, None] = {}

    def markup(
        self, text: str, style: Style, *, within: Style | None = None, colour: str = "", limit: int = MAX_TEXT
    ) -> str:
        """Escaped markup that prints *text* literally; every string of a report passes here.

        Args:
            text: anything.
            style: how to set it.
            within: the style of the paragraph that it goes into, if that is another one.
            colour: instead of the style's.
            limit: characters after which it is cut.
        """
        around = within or style
        inner = "".join(_tagged(run, around.weight) for run in self._runs(clean(text, limit), style))
        size = f' size="{self._scaled(style.size):.2f}"' if style.size != around.size else ""
        shade = colour or (style.colour if style.colour != around.colour else "")
        paint = f' color="{shade}"' if shade else ""
        return f"<font{size}{paint}>{inner}</font>" if size or paint else inner

    def paragraph(self, style: Style, *markup: str) -> Paragraph:
        """Lay out pieces that `markup` or `marks` made."""
        size = self._scaled(style.size)
        return Paragraph(
            "".join(markup),
            ParagraphStyle(
                "set",
                fontName=base_face(style.weight),
                fontSize=size,
                leading=style.leading * size / style.size,
                textColor=HexColor(style.colour),
                spaceAfter=style.after * self.scale,
                splitLongWords=1,
            ),
        )

    def text(self, style: Style, text: str, *, limit: int = MAX_TEXT) -> Paragraph:
        """Lay out one plain string."""
        return self.paragraph(style, self.markup(text, style, limit=limit))

    def marks(self, targets: Iterable[tuple[str, str]], style: Style) -> str:
        """Small raised source marks.

        Args:
            targets: what to print, and the name of the place in the document that it links to (empty for none).
            style: of the text that they stand in.
        """
        size, rise = min(0.66 * style.size, MARK_SIZE) * self.scale, 0.34 * style.size * self.scale
        inner = " ".join(self._mark(label, place, style) for label, place in targets)
        return f'<super rise="{rise:.2f}" size="{size:.2f}">\u00a0{inner}</super>'

    def _scaled(self, size: float) -> float:
        return max(size * self.scale, min(size, SMALLEST))

    def _mark(self, label: str, place: str, style: Style) -> str:
        text = self.markup(label, replace(style, weight=Weight.REGULAR), within=style, limit=40)
        if place:
            return f'<a href="#{place}" color="{GREY}">{text}</a>'
        return f'<font color="{GREY}">{text}</font>'

    def _runs(self, text: str, style: Style) -> tuple[Run, ...]:
        result = runs(text, style.weight, style.rtl_line)
        if any("\ufffd" in run.text for run in result):
            self.missing.update(dict.fromkeys(lacking(text)))
        return result


def draw_text(
    canvas: Canvas, x: float, y: float, text: str, size: float, weight: Weight = Weight.REGULAR
) -> float:
    """Draw *text* on one line with its baseline at *y* (points); returns where it ends."""
    for run in runs(clean(text), weight):
        canvas.setFont(run.face, size)
        canvas.drawString(x, y, run.text)
        x += stringWidth(run.text, run.face, size)
    return x


def text_width(text: str, size: float, weight: Weight = Weight.REGULAR) -> float:
    """Width of *text* on one line, in points."""
    return float(sum(stringWidth(run.text, run.face, size) for run in runs(clean(text), weight)))


def _tagged(run: Run, weight: Weight) -> str:
    inner = escape(run.text).replace("\n", "<br/>")
    return inner if run.face == base_face(weight) else f'<font name="{run.face}">{inner}</font>'
