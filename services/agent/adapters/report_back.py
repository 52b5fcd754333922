"""What a report says after its first page: references, actions, sureness, recurrence, review, origin."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable

from services.agent.adapters import report_words as words
from services.agent.adapters.pdf_text import (
    CAPTION,
    CELL,
    CELL_STRONG,
    GREY,
    HEADLINE,
    MONO,
    RULE,
    SMALL,
    SMALL_GREY,
    TINT,
)
from services.agent.adapters.report_graphics import Bar, LevelMark, TickBox
from services.agent.adapters.report_layout import MAX_CELL, MAX_FIELD, ORIGIN, Rule, Sheet, named_facts
from services.agent.domain.citation import Citation, Reference
from services.agent.domain.facts import BLIND, FACES, HASH, MODEL, PICTURE, SOURCE, VERSIONS
from services.agent.domain.report import DISCLAIMER, Action, Report
from shared.contracts.violation import FindingFacts

_CONFIDENCE = "It weighs the looks by how reliable such evidence was when measured; it is no proof."
_CELL_GREY = replace(CELL, colour=GREY)


def references(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """Per finding, what it may relate to and why."""
    if not report.brief.references:
        return
    yield sheet.gap(11)
    yield sheet.heading("What it may relate to")
    rows: list[list[Any]] = []
    starts: list[int] = []
    told: set[str] = set()
    for reference in report.brief.references:
        starts.append(len(rows))
        rows.extend(_reference_rows(sheet, reference, told))
    lines: list[Rule] = [("LINEABOVE", (0, row), (-1, row), 0.5, HexColor(RULE)) for row in starts]
    lines.append(("RIGHTPADDING", (0, 0), (0, -1), 14))
    yield sheet.table(rows, (0.27 * sheet.width, 0.73 * sheet.width), *lines, pad=3.6)


def actions(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """Corrective actions with fields to fill in."""
    yield sheet.gap(11)
    yield sheet.heading("Corrective actions")
    heads = ("Action", "Control level", "Suggested owner", "Due", "Owner (name)", "Done", "Signature")
    rows: list[list[Any]] = [[sheet.text.text(CAPTION, head) for head in heads]]
    rows += [_action_row(sheet, report, action) for action in report.actions]
    shares = (0.27, 0.13, 0.2, 0.11, 0.12, 0.055, 0.115)
    lines = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(RULE)),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, HexColor(GREY)),
        *(("BACKGROUND", (column, 1), (column, -1), HexColor(TINT)) for column in (4, 6)),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
    ]
    widths = [share * sheet.width for share in shares]
    yield sheet.table(rows, widths, *lines, pad=3.2, inset=5, repeat=1)


def sureness(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """How sure the system is, finding by finding, and why; in the wide column."""
    opened = report.brief.opened
    yield sheet.gap(11)
    yield sheet.heading("How sure the system is")
    rows = [_sureness_row(sheet, finding) for finding in opened.findings]
    yield sheet.table(rows, (0.38 * sheet.main, 0.62 * sheet.main))
    notes = [f"{name}: {why}." for name, why in _bases(opened.findings)]
    closing = f"Overall confidence {opened.confidence:.0%}. {_CONFIDENCE}"
    yield sheet.text.text(SMALL_GREY, " ".join([*notes, closing]))


def recurrence(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """How often it was seen before; in the narrow column."""
    yield sheet.gap(11)
    yield sheet.heading("Seen before")
    earlier = report.brief.recurrence
    counts = ((earlier.days_7, 7), (earlier.days_30, 30))
    cells = [
        [sheet.text.text(HEADLINE, str(count)), sheet.text.text(SMALL_GREY, f"in the last {days} days")]
        for count, days in counts
    ]
    yield sheet.table([cells], (0.5 * sheet.side, 0.5 * sheet.side))
    note = (
        "Earlier observations of this camera and rule, without this one and any dismissed, authorised or exempt. "
        "Persons are never compared."
    )
    yield sheet.text.text(SMALL_GREY, note)


def review(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """Blank until a competent person has looked; and how the database learns of it."""
    yield sheet.gap(11)
    yield sheet.heading("Review by a competent person")
    dispositions = ("Confirmed", "False alarm", "Authorised", "Exempt")
    ticks = [TickBox(sheet.scale, word) for word in dispositions]
    lines = [sheet.text.text(CAPTION, head) for head in ("Reviewer", "Role", "Date and time", "Signature")]
    remarks = [sheet.text.text(CAPTION, "Remarks; did the action work?"), "", "", ""]
    rules = (
        ("BOX", (0, 0), (-1, -1), 0.7, HexColor(GREY)),
        ("LINEABOVE", (0, 1), (-1, -1), 0.5, HexColor(RULE)),
        ("LINEBEFORE", (1, 1), (-1, 1), 0.5, HexColor(RULE)),
        ("SPAN", (0, 2), (-1, 2)),
    )
    quarter = [0.25 * sheet.width] * 4
    yield sheet.table([ticks, lines, remarks], quarter, *rules, pad=6, inset=8, heights=(23, 29, 29))
    yield sheet.gap(2)
    yield sheet.text.text(CAPTION, f"{words.REVIEW} {words.review(report.brief.opened.violation_id)}")


def origin(sheet: Sheet, report: Report) -> Iterator[Flowable]:
    """Evidence, versions and writer: what it takes to trace every word; and the disclaimer."""
    yield sheet.gap(11)
    yield sheet.heading("Evidence and origin")
    rows = [_origin_row(sheet, report, *pairs) for pairs in _origins(report)]
    if sheet.text.missing:
        rows.append(_origin_row(sheet, report, ("Not printable", _unprintable(sheet.text.missing))))
    spans = [("SPAN", (1, row), (3, row)) for row, cells in enumerate(rows) if not cells[2]]
    yield sheet.table(rows, [share * sheet.width for share in (0.17, 0.36, 0.14, 0.33)], *spans, pad=0.6)
    yield sheet.gap(8)
    yield sheet.boxed([sheet.text.text(SMALL, DISCLAIMER)], sheet.width)


def _reference_rows(sheet: Sheet, reference: Reference, told: set[str]) -> Iterator[list[Any]]:
    beside: list[Flowable] = [
        sheet.text.text(CELL_STRONG, words.finding(reference.finding)),
        sheet.text.text(CAPTION, f"Why it is named: {reference.reason}", limit=MAX_FIELD),
    ]
    for citation in reference.citations:
        again = citation.id in told
        told.add(citation.id)
        yield [beside, _citation(sheet, citation, again=again)]
        beside = []


def _citation(sheet: Sheet, citation: Citation, *, again: bool) -> list[Flowable]:
    """Its title and terms; the terms only where it is named for the first time."""
    mark = sheet.marks[citation.id]
    anchor = "" if again else f'<a name="{mark.place}"/>'
    label = sheet.text.markup(f"{mark.label} ", CELL_STRONG, colour=sheet.accent) + "&nbsp; "
    title = sheet.text.markup(citation.title, CELL_STRONG, limit=MAX_CELL)
    kind = f"{words.jurisdiction(citation.jurisdiction)}{'' if citation.primary else ', supporting'}"
    note = " \u00b7 ".join([kind, citation.id, *(["as above"] if again else [])])
    beside = sheet.text.markup(note, CAPTION, within=CELL_STRONG, limit=MAX_CELL)
    heading = sheet.text.paragraph(CELL_STRONG, anchor, label, title, "&nbsp; ", beside)
    return [heading, *(() if again else _terms(sheet, citation))]


def _terms(sheet: Sheet, citation: Citation) -> Iterator[Flowable]:
    """What it asks for and when; the condition stands apart where only a person can tell whether it holds."""
    text = sheet.text
    terms = [text.markup(citation.requirement, CELL, limit=MAX_FIELD)]
    if not citation.needs_person_confirmation:
        terms.append(_grey(sheet, f"Applies when: {citation.applies_when}"))
    if citation.equipment_standard:
        terms.append(_grey(sheet, f"Equipment: {citation.equipment_standard}"))
    yield text.paragraph(CELL, " ".join(terms))
    if citation.needs_person_confirmation:
        lead = text.markup("To be confirmed by a person:", CELL_STRONG, within=CELL)
        condition = text.markup(citation.applies_when, CELL, limit=MAX_FIELD)
        yield text.paragraph(CELL, lead, " ", condition)


def _grey(sheet: Sheet, text: str) -> str:
    return sheet.text.markup(text, _CELL_GREY, within=CELL, limit=MAX_FIELD)


def _action_row(sheet: Sheet, report: Report, action: Action) -> list[Any]:
    text = sheet.text
    steps = len(words.LEVELS) - words.LEVELS.index(action.level) if action.level in words.LEVELS else 0
    due = words.due(report.generated_at, action.due_days, report.brief.opened.site.timezone)
    level = [
        text.text(CELL, words.level(action.level), limit=MAX_CELL),
        sheet.gap(2),
        LevelMark(steps, sheet.accent, sheet.scale),
    ]
    owner = text.text(CELL, action.suggested_owner, limit=MAX_CELL)
    return [
        text.text(CELL, action.text, limit=MAX_FIELD),
        level,
        owner,
        text.text(CELL, due),
        "",
        TickBox(sheet.scale),
        "",
    ]


def _sureness_row(sheet: Sheet, finding: FindingFacts) -> list[Any]:
    share = finding.supporting / finding.looked if finding.looked else 0.0
    name = sheet.text.text(CELL_STRONG, words.finding(finding.finding))
    basis = sheet.text.text(CAPTION, words.BASES[finding.basis][0])
    bars = [
        Bar(share, words.looks(finding), sheet.scale),
        Bar(finding.confidence, f"confidence {finding.confidence:.0%}", sheet.scale, sheet.accent),
    ]
    return [[name, basis], bars]


def _bases(findings: tuple[FindingFacts, ...]) -> list[tuple[str, str]]:
    return [words.BASES[basis] for basis in dict.fromkeys(finding.basis for finding in findings)]


_Pair = tuple[str, str]


def _origins(report: Report) -> Iterator[tuple[_Pair, ...]]:
    """Rows of names and values; one pair takes the whole row. A fact of the same name goes before our own words."""
    opened = report.brief.opened
    written = words.at_site(report.generated_at, opened.site.timezone)
    yield ((HASH, opened.evidence.sha256),)
    yield ("Observation", opened.violation_id), ("Written", f"{words.day(written)}, {words.clock(written)}")
    yield (FACES, words.blur(opened)), (BLIND, words.blind(opened))
    yield ((PICTURE, words.picture(opened.evidence)),)
    yield ((SOURCE, words.source(opened.source)),)
    yield (("Session", words.session(opened.source)),)
    yield (("Rule", words.rule(opened.rule)),)
    yield ((MODEL, words.model(opened.model)),)
    yield (("Narrative by", words.writer(report.writer)),)
    yield ((VERSIONS, words.versions(report)),)


def _origin_row(sheet: Sheet, report: Report, *pairs: _Pair) -> list[Any]:
    row: list[Any] = []
    for name, ours in pairs:
        facts = named_facts(report, name) if name in ORIGIN else []
        label = "".join(f" {sheet.fact_label(*fact, CAPTION)}" for fact in facts)
        value = " ".join(fact.value for _, fact in facts) or ours
        style = MONO if name in (HASH, "Observation") else SMALL
        heading = sheet.text.paragraph(CAPTION, sheet.text.markup(name, CAPTION), label)
        row += [heading, sheet.text.text(style, value, limit=MAX_FIELD)]
    return row + [""] * (4 - len(row))


def _unprintable(characters: dict[str, None]) -> str:
    codes = [f"U+{ord(character):04X}" for character in characters]
    more = f" and {len(codes) - 12} more" if len(codes) > 12 else ""
    return f"Shown as \ufffd, since no typeface of this report has them: {', '.join(codes[:12])}{more}"
