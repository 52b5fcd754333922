"""The building blocks of a report's sections: headings, tables, boxes, sentences with their sources."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable, Spacer, Table

from services.agent.adapters.pdf_text import BODY, TINT, Style, Typesetter
from services.agent.adapters.report_pages import Heading
from services.agent.adapters.typefaces import Weight, base_face
from services.agent.domain.draft import Sentence
from services.agent.domain.facts import BLIND, FACES, HASH, MODEL, PICTURE, SOURCE, VERSIONS
from services.agent.domain.report import Fact, Report

MAX_FIELD = 700  # characters of one field of a table; a row must fit on a page
MAX_CELL = 240  # characters of a field in a narrow column
HEADING = Style(9.8, 12.8, Weight.BOLD, after=3.5)

ORIGIN = {SOURCE, PICTURE, HASH, FACES, MODEL, BLIND, VERSIONS}  # facts that the last section prints

Rule = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A source mark.

    Attributes:
        label: what is printed, such as ``F3`` or ``C1``.
        place: name of the place in the document where the source stands; empty for none.
    """

    label: str
    place: str = ""


def marks_of(report: Report) -> dict[str, Mark]:
    """The mark of each fact and citation, by its id."""
    marks = {fact.id: Mark(fact.id, f"fact-{index}") for index, fact in enumerate(report.brief.facts)}
    for reference in report.brief.references:
        for citation in reference.citations:
            number = sum(mark.place.startswith("citation") for mark in marks.values()) + 1
            marks.setdefault(citation.id, Mark(f"C{number}", f"citation-{number}"))
    return marks


def named_facts(report: Report, name: str) -> list[tuple[int, Fact]]:
    """The facts of that name, each with its index."""
    return [(index, fact) for index, fact in enumerate(report.brief.facts) if fact.name == name]


class Sheet:
    """What sections are laid out with.

    Attributes:
        text: sets all text.
        width, main, side: of the page, the wide and the narrow column between the margins, in points.
        marks: of facts and citations.
    """

    def __init__(self, text: Typesetter, widths: tuple[float, float, float], marks: dict[str, Mark]) -> None:
        self.text = text
        self.width, self.main, self.side = widths
        self.marks = marks

    @property
    def scale(self) -> float:
        return self.text.scale

    @property
    def accent(self) -> str:
        return self.text.accent

    def heading(self, title: str) -> Heading:
        """A section's title, which is a bookmark too."""
        return Heading(self.text.text(replace(HEADING, colour=self.accent), title), title)

    def gap(self, points: float) -> Spacer:
        return Spacer(1, points * self.scale)

    def fact_label(self, index: int, fact: Fact, style: Style) -> str:
        """The mark of a fact as markup, at the place that the raised marks link to."""
        mark = self.text.markup(
            fact.id, replace(style, weight=Weight.BOLD), within=style, colour=self.accent, limit=8
        )
        return f'<a name="fact-{index}"/>{mark}'

    def sentences(self, sentences: Iterable[Sentence], style: Style = BODY) -> Flowable:
        """One paragraph; after each sentence the marks of what it rests on."""
        return self.text.paragraph(style, " ".join(self._marked(sentence, style) for sentence in sentences))

    def table(
        self,
        rows: list[list[Any]],
        widths: Iterable[float],
        *rules: Rule,
        pad: float = 3.0,
        inset: float = 0.0,
        repeat: int = 0,
        heights: Iterable[float] | None = None,
    ) -> Table:
        """A table.

        Args:
            rows: cells of text, flowables or lists of these.
            widths: of the columns, in points.
            rules: ReportLab table commands.
            pad: space above and below a cell's content, before scaling.
            inset: space to its left and right, before scaling.
            repeat: rows at the top that stand on each page.
            heights: of the rows, before scaling; None lets the content decide.
        """
        scaled = None if heights is None else [height * self.scale for height in heights]
        table = Table(rows, list(widths), scaled, hAlign="LEFT", repeatRows=repeat)
        everywhere = (0, 0), (-1, -1)
        sides = [("TOP", pad), ("BOTTOM", pad), ("LEFT", inset), ("RIGHT", max(inset, 4))]
        paddings = [(f"{side}PADDING", *everywhere, points * self.scale) for side, points in sides]
        # An empty cell asks for no height, and for no typeface that is not embedded.
        empty = [("FONT", *everywhere, base_face(Weight.REGULAR), 1, 1)]
        table.setStyle([("VALIGN", *everywhere, "TOP"), *empty, *paddings, *rules])
        return table

    def boxed(self, content: list[Flowable], width: float, *rules: Rule) -> Table:
        """*content* on a tinted ground."""
        ground = ("BACKGROUND", (0, 0), (-1, -1), HexColor(TINT))
        return self.table([[content]], [width], ground, *rules, pad=7, inset=9)

    def _marked(self, sentence: Sentence, style: Style) -> str:
        marks = [self.marks.get(source, Mark(source)) for source in dict.fromkeys(sentence.rests_on)]
        pairs = [(mark.label, mark.place) for mark in marks]
        return self.text.markup(sentence.text, style) + self.text.marks(pairs, style)
