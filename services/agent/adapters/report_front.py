"""What a report says first: how severe, where and when, the pictures, what was seen, why it matters, the facts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable, Table

from services.agent.adapters import report_words as words
from services.agent.adapters.pdf_text import BODY, CAPTION, HEADLINE, RULE, SIDE, Style
from services.agent.adapters.report_graphics import Masthead, SeverityMatrix
from services.agent.adapters.report_layout import MAX_CELL, MAX_FIELD, ORIGIN, Sheet, named_facts
from services.agent.adapters.report_picture import EvidenceJpeg, EvidencePictures
from services.agent.adapters.typefaces import Weight
from services.agent.domain.facts import GRADING, knows_time_of_day, time_into
from services.agent.domain.report import Fact, Report
from services.agent.domain.severity import by_matrix
from shared.contracts.violation import Opened

PRINTED_ELSEWHERE = {GRADING, *ORIGIN}  # with the severity, and at the end
POTENTIAL = "Potential non-compliance"
_VALUE = Style(9.2, 12, Weight.BOLD, rtl_line=22)
_LONG_VALUE = Style(7, 9, Weight.BOLD, rtl_line=28)
_LONG_NAME = 60  # characters
_URGENT = Style(9.4, 13.4)
_BODY_BOLD = replace(BODY, weight=Weight.BOLD)


def front(sheet: Sheet, report: Report, jpeg: EvidenceJpeg) -> Iterator[Flowable]:
    """Severity, headline, place and time, pictures; over the full width."""
    opened = report.brief.opened
    observation = f"Observation {words.short_id(opened.violation_id)}"
    title = "Safety observation report" if _says_potential(report) else POTENTIAL
    yield Masthead(report.brief.grading.severity, title, observation, sheet.accent, sheet.scale)
    yield sheet.gap(9)
    yield sheet.sentences((report.draft.headline,), HEADLINE)
    yield sheet.gap(6)
    yield _place_and_time(sheet, opened)
    yield sheet.gap(8)
    yield EvidencePictures(jpeg, opened, sheet.accent, sheet.scale, most=232)
    yield sheet.gap(4)
    yield sheet.text.text(CAPTION, _caption(opened))
    yield sheet.gap(11)


def narrative(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """What to do at once, what was seen, why it matters, how severe it is; in the wide column."""
    draft = report.draft
    urgent = [sheet.heading("Immediate action"), sheet.sentences(draft.immediate_action, _URGENT)]
    bar = ("LINEBEFORE", (0, 0), (0, -1), 2.4, HexColor(sheet.accent), "butt")
    yield sheet.boxed(urgent, sheet.main, bar)
    yield sheet.gap(11)
    yield sheet.heading("What was seen")
    yield sheet.sentences(draft.what_was_seen)
    yield sheet.gap(5)
    yield sheet.heading("Why it matters")
    yield sheet.sentences(draft.why_it_matters)
    yield sheet.gap(5)
    yield from _severity(sheet, report)


def facts(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """The numbered facts, which sentences point to; in the narrow column."""
    yield sheet.heading("Facts")
    for index, fact in enumerate(report.brief.facts):
        if fact.name not in PRINTED_ELSEWHERE:
            yield _fact(sheet, index, fact)
    yield sheet.gap(3)
    legend = "Raised marks name what a sentence rests on: F a numbered fact, C a reference."
    yield sheet.text.text(CAPTION, legend)


def _says_potential(report: Report) -> bool:
    """The headline says it already, right below."""
    return report.draft.headline.text.casefold().startswith(POTENTIAL.casefold())


def _place_and_time(sheet: Sheet, opened: Opened) -> Table:
    cells = (
        ("Site", opened.site.name, ""),
        ("Zone", opened.zone.name, f"declared hazards: {words.hazards(opened.zone.hazards)}"),
        ("Camera", opened.camera.name, f"{words.people(opened.people)}, not identified"),
        ("First seen", *_first_seen(opened)),
    )
    shares = (0.23, 0.25, 0.22, 0.30)
    row = [_labelled(sheet, *cell) for cell in cells]
    line = ("LINEBEFORE", (1, 0), (-1, -1), 0.5, HexColor(RULE))
    first_flush = ("LEFTPADDING", (0, 0), (0, -1), 0)
    return sheet.table([row], [share * sheet.width for share in shares], line, first_flush, pad=1, inset=8)


def _first_seen(opened: Opened) -> tuple[str, str]:
    """The time, and what belongs to it in small print."""
    timezone = opened.site.timezone
    first, last = words.at_site(opened.first_seen, timezone), words.at_site(opened.last_seen, timezone)
    clock = f"{words.short_day(first)}, {words.clock(first)}"
    if not knows_time_of_day(opened):
        told = time_into(opened, opened.first_seen) or "time of day not known"
        return told, f"by the file's date {clock}; ongoing when recorded"
    utc = words.at_site(opened.first_seen, "UTC")
    return clock, f"{_beside(first, utc)}; last seen {_beside(first, last)}, ongoing when recorded"


def _beside(first: datetime, moment: datetime) -> str:
    """The clock, with its day where that is not *first*'s."""
    day = "" if moment.date() == first.date() else f"{words.short_day(moment)}, "
    return day + words.clock(moment)


def _labelled(sheet: Sheet, label: str, value: str, note: str) -> list[Flowable]:
    style = _VALUE if len(value) <= _LONG_NAME else _LONG_VALUE
    cell: list[Flowable] = [sheet.text.text(CAPTION, label), sheet.text.text(style, value)]
    return [*cell, sheet.text.text(replace(CAPTION, rtl_line=22), note)] if note else cell


def _caption(opened: Opened) -> str:
    captured_at = opened.evidence.captured_at
    taken = words.at_site(captured_at, opened.site.timezone)
    time = f"{words.day(taken)}, {words.clock(taken)}"
    if not knows_time_of_day(opened):
        time = f"{time_into(opened, captured_at) or 'unknown time'} (by the file's date {time})"
    zone = f"dashed: the zone {opened.zone.name}; " if opened.zone.polygon else ""
    return (
        f"Whole frame of {time}, and close-up. Thick outline: what the finding "
        f"is about; {zone}thin: what else was recognised. Percentages are the model's for this one look; "
        f"the report's confidence is over all looks. {words.blur(opened)}"
    )


def _severity(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    grading = report.brief.grading
    yield sheet.heading(f"Severity: {grading.severity.value}")
    product = f"Consequence: {grading.consequence}. Likelihood: {grading.likelihood}."
    told = sheet.text.paragraph(
        BODY,
        *(sheet.fact_label(*graded, BODY) + " " for graded in named_facts(report, GRADING)),
        sheet.text.markup(product, _BODY_BOLD, within=BODY) + " ",
        sheet.text.markup(grading.reason, BODY, limit=MAX_FIELD),
    )
    graded = by_matrix(grading)
    by_us = "Graded by this system's declared matrix"
    by_site = f"Set by the site file; this system's declared matrix would give {graded} (the outlined cell)"
    note = f"{by_us if graded == grading.severity else by_site}; not a class that a regulator assigns."
    matrix = SeverityMatrix(grading, sheet.accent, sheet.scale)
    widths = (matrix.width + 8, sheet.main - matrix.width - 8)
    yield sheet.table([[matrix, [told, sheet.text.text(CAPTION, note)]]], widths)


def _fact(sheet: Sheet, index: int, fact: Fact) -> Table:
    text = sheet.text
    content = [text.text(CAPTION, fact.name, limit=MAX_CELL), text.text(SIDE, fact.value, limit=MAX_FIELD)]
    widths = (0.12 * sheet.side, 0.88 * sheet.side)
    line = ("LINEBELOW", (0, 0), (-1, 0), 0.4, HexColor(RULE))
    return sheet.table(
        [[text.paragraph(CAPTION, sheet.fact_label(index, fact, CAPTION)), content]], widths, line, pad=2
    )
