"""Small drawings on the report's pages: severity chip and matrix, level marks, bars, boxes to tick, lines to fill."""

from reportlab.lib.colors import HexColor, white
from reportlab.platypus import Flowable

from services.agent.adapters.pdf_text import GREY, INK, draw_text, text_width
from services.agent.adapters.typefaces import Weight
from services.agent.domain.report import Grading
from services.agent.domain.severity import MATRIX
from shared.vocabulary import Severity

_GREYS = {
    Severity.LOW: "#E9ECEF",
    Severity.MEDIUM: "#D5DAE0",
    Severity.HIGH: "#BAC2CA",
    Severity.CRITICAL: "#99A3AD",
}


class Masthead(Flowable):
    """The severity as chip and word, what the page is, and the id to speak about it by."""

    def __init__(self, severity: Severity, title: str, right: str, accent: str, scale: float) -> None:
        super().__init__()
        self._severity, self._title, self._right = severity, title, right
        self._accent, self._scale = HexColor(accent), scale

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = width, 17 * self._scale
        return self.width, self.height

    def draw(self) -> None:
        canvas, scale = self.canv, self._scale
        word = f"{self._severity.value.upper()} SEVERITY"
        size, baseline = 8.2 * scale, 5.4 * scale
        steps = 4 * 6.2 * scale
        chip = text_width(word, size, Weight.BOLD) + steps + 20 * scale
        canvas.setFillColor(self._accent)
        canvas.roundRect(0, 0, chip, self.height, 2.5 * scale, stroke=0, fill=1)
        canvas.setFillColor(white)
        after = draw_text(canvas, 8 * scale, baseline, word, size, Weight.BOLD)
        self._draw_steps(after + 6 * scale)
        canvas.setFillColor(self._accent)
        draw_text(canvas, chip + 9 * scale, baseline - 0.6, self._title, 10.5 * scale, Weight.BOLD)
        canvas.setFillColor(HexColor(GREY))
        right = self.width - text_width(self._right, 8 * scale)
        draw_text(canvas, right, baseline - 0.2, self._right, 8 * scale)

    def _draw_steps(self, x: float) -> None:
        """How far up the four grades it stands, for a print in grey."""
        reached = list(Severity).index(self._severity)
        self.canv.setStrokeColor(white)
        self.canv.setLineWidth(0.7)
        for step in range(len(Severity)):
            high = (4 + 1.8 * step) * self._scale
            self.canv.rect(
                x + 6.2 * self._scale * step,
                4.2 * self._scale,
                4 * self._scale,
                high,
                stroke=1,
                fill=int(step <= reached),
            )


class SeverityMatrix(Flowable):
    """The declared matrix of consequence and likelihood with the cell that applies: outlined, if the site file sets
    another severity than it says.
    """

    def __init__(self, grading: Grading, accent: str, scale: float) -> None:
        super().__init__()
        self._grading, self._accent, self._scale = grading, HexColor(accent), scale
        self.width, self.height = 62 * scale, 44 * scale

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        canvas, scale = self.canv, self._scale
        side, left, foot = 11.5 * scale, 9 * scale, 8.5 * scale
        canvas.setStrokeColor(white)
        canvas.setLineWidth(1)
        for row, (consequence, grades) in enumerate(MATRIX.items()):
            for column, (likelihood, grade) in enumerate(grades.items()):
                here = (consequence, likelihood) == (self._grading.consequence, self._grading.likelihood)
                fits = here and grade == self._grading.severity
                canvas.setFillColor(self._accent if fits else HexColor(_GREYS[grade]))
                x, y = left + column * side * 1.5, foot + row * side
                canvas.rect(x, y, side * 1.5, side, stroke=1, fill=1)
                if here and not fits:
                    canvas.setStrokeColor(self._accent)
                    canvas.setLineWidth(1.4 * scale)
                    inset = 0.9 * scale
                    canvas.rect(
                        x + inset, y + inset, side * 1.5 - 2 * inset, side - 2 * inset, stroke=1, fill=0
                    )
                    canvas.setStrokeColor(white)
                    canvas.setLineWidth(1)
        canvas.setFillColor(HexColor(GREY))
        draw_text(canvas, left, 1 * scale, "likelihood", 5.6 * scale)
        canvas.rotate(90)
        draw_text(canvas, foot, -6 * scale, "consequence", 5.6 * scale)


class Bar(Flowable):
    """A share of a whole, with its words at the right."""

    def __init__(self, share: float, words: str, scale: float, accent: str = "") -> None:
        super().__init__()
        self._share, self._words, self._scale = min(max(share, 0.0), 1.0), words, scale
        self._colour = HexColor(accent or INK)

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = width, 10.8 * self._scale
        return self.width, self.height

    def draw(self) -> None:
        canvas, scale = self.canv, self._scale
        length, high = 90 * scale, 4.6 * scale
        y = 3 * scale
        canvas.setFillColor(HexColor("#E3E7EB"))
        canvas.rect(0, y, length, high, stroke=0, fill=1)
        canvas.setFillColor(self._colour)
        canvas.rect(0, y, length * self._share, high, stroke=0, fill=1)
        canvas.setFillColor(HexColor(INK))
        draw_text(canvas, length + 6 * scale, y - 0.6 * scale, self._words, 7.6 * scale)


class LevelMark(Flowable):
    """Five steps, filled up to the level: the more, the more effective."""

    def __init__(self, effectiveness: int, accent: str, scale: float) -> None:
        super().__init__()
        self._filled, self._colour, self._scale = effectiveness, HexColor(accent), scale

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = width, 5.5 * self._scale
        return self.width, self.height

    def draw(self) -> None:
        for step in range(5):
            self.canv.setFillColor(self._colour if step < self._filled else HexColor("#DDE2E7"))
            self.canv.rect(8 * self._scale * step, 0, 6.6 * self._scale, 2.6 * self._scale, stroke=0, fill=1)


class TickBox(Flowable):
    """An empty box to tick by pen, with its word if it has one."""

    def __init__(self, scale: float, word: str = "", size: float = 8.0) -> None:
        super().__init__()
        self._word, self._scale, self._size = word, scale, size

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = width, 10.8 * self._scale
        return self.width, self.height

    def draw(self) -> None:
        side = 7.6 * self._scale
        self.canv.setStrokeColor(HexColor(INK))
        self.canv.setFillColor(white)
        self.canv.setLineWidth(0.7)
        self.canv.rect(0, 1.2 * self._scale, side, side, stroke=1, fill=1)
        self.canv.setFillColor(HexColor(INK))
        draw_text(self.canv, side + 4 * self._scale, 2.2 * self._scale, self._word, self._size * self._scale)
