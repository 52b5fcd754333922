"""Reports as PDF pages, laid out with ReportLab."""

from reportlab.lib.pagesizes import A4, LETTER

from services.agent.adapters import report_back as back
from services.agent.adapters import report_front as first
from services.agent.adapters import report_words as words
from services.agent.adapters.jpeg_picture import open_jpeg
from services.agent.adapters.overlay import ACCENTS
from services.agent.adapters.pdf_text import Typesetter
from services.agent.adapters.report_layout import Sheet, marks_of
from services.agent.adapters.report_pages import Document, Pages
from services.agent.adapters.report_picture import EvidenceJpeg
from services.agent.adapters.typefaces import clean
from services.agent.domain.report import Report
from shared.vocabulary import Jurisdiction

PRODUCT = "AI Safety Compliance Officer"
MOST_PAGES = 3
TIGHTER = (0.96, 0.92)  # sizes tried to save a nearly empty third page
SMALLER = (1.0, 0.9, 0.8)  # sizes tried before a fourth page is taken, with sections running over pages
_US = {Jurisdiction.US_CONSTRUCTION, Jurisdiction.US_GENERAL_INDUSTRY}


class ReportlabRenderer:
    """`ReportRenderer` for A4, or US Letter where the site is under US rules."""

    def render(self, report: Report, picture: bytes) -> bytes:
        """Lay the report out as a PDF of one to three pages; the same input gives the same bytes.

        Args:
            report: what to print; any text in it is printed literally.
            picture: the evidence JPEG; it is embedded unchanged, boxes and labels are drawn over it.

        Returns:
            the PDF, with fonts embedded as subsets.

        Raises:
            PermanentError: *picture* is no readable JPEG.
        """
        jpeg = EvidenceJpeg(picture, open_jpeg(picture))
        return _fitted(report, jpeg, _document(report)).finish()


def _fitted(report: Report, jpeg: EvidenceJpeg, document: Document) -> Pages:
    """Full size where that takes two pages, or three that a little less would not save; smaller before a fourth."""
    pages = _lay_out(report, jpeg, document, 1.0)
    if pages.count == MOST_PAGES:
        tighter = (_lay_out(report, jpeg, document, scale) for scale in TIGHTER)
        return next((fit for fit in tighter if fit.count < MOST_PAGES), pages)
    for scale in SMALLER if pages.count <= 2 * MOST_PAGES else SMALLER[-1:]:
        if pages.count <= MOST_PAGES:
            break
        pages = _lay_out(report, jpeg, document, scale, whole=False)
    return pages


def _document(report: Report) -> Document:
    opened = report.brief.opened
    american = bool(_US & set(opened.site.jurisdictions))
    severity = report.brief.grading.severity
    observation = f"Observation {words.short_id(opened.violation_id)}"
    place = f"{clean(opened.site.name, 60)}, {clean(opened.camera.name, 60)}"
    headline = clean(report.draft.headline.text, 90)
    return Document(
        title=f"{observation}: {headline}",
        subject=f"{first.POTENTIAL}, {severity.value} severity, {place}",
        author=PRODUCT,
        language="en-US" if american else "en-GB",
        written=report.generated_at,
        size=LETTER if american else A4,
        running_head=f"{observation}  \u00b7  {severity.value} severity  \u00b7  {headline}",
        foot=f"{PRODUCT}  \u00b7  {observation}  \u00b7  {first.POTENTIAL}, to be confirmed by a person",
        accent=ACCENTS[severity],
    )


def _lay_out(
    report: Report, jpeg: EvidenceJpeg, document: Document, scale: float, *, whole: bool = True
) -> Pages:
    """Lay all out at *scale*; *whole* moves a section to the next page rather than cut it."""
    pages = Pages(document)
    widths = pages.width, pages.main_width, pages.side_width
    sheet = Sheet(Typesetter(document.accent, scale), widths, marks_of(report))
    add = pages.add_whole if whole else pages.add
    pages.add(*first.front(sheet, report, jpeg))
    pages.add_columns(first.narrative(sheet, report), first.facts(sheet, report))
    add(*back.references(sheet, report))
    add(*back.actions(sheet, report))
    pages.add_columns(back.sureness(sheet, report), back.recurrence(sheet, report))
    pages.add_whole(*back.review(sheet, report))
    add(*back.origin(sheet, report))
    return pages
