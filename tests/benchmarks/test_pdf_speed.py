"""A report's PDF against a bare one-page PDF with the same picture, in the same run, in turns."""

import io
import time
from collections.abc import Callable

from reportlab.lib.pagesizes import LETTER
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from services.agent.adapters.reportlab_renderer import ReportlabRenderer
from tests.builders_report import jpeg, report

ROUNDS = 9


def test_a_report_takes_no_more_than_a_few_times_a_bare_page(
    record_property: Callable[[str, object], None],
) -> None:
    picture, what, renderer = jpeg(1920, 1080), report(), ReportlabRenderer()
    jobs = {"report": lambda: renderer.render(what, picture), "bare page": lambda: bare_page(picture)}
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS + 1):
        for name, job in jobs.items():
            began = time.process_time()
            job()
            seconds[name].append(time.process_time() - began)
    least = {name: min(times[1:]) for name, times in seconds.items()}  # the first loads fonts
    record_property("milliseconds", {name: round(value * 1000, 1) for name, value in least.items()})
    assert least["report"] < 20 * least["bare page"], least


def bare_page(picture: bytes) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=1)
    canvas.drawImage(ImageReader(io.BytesIO(picture)), 40, 400, 500, 281)
    canvas.drawString(40, 380, "Observation")
    canvas.save()
    return buffer.getvalue()
