"""Reports as PDF pages: all that a report must hold is there, nothing in it can do harm, and it is always the same."""

import functools
import hashlib
import io
import os
import re
import struct
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from services.agent.adapters.reportlab_renderer import ReportlabRenderer
from services.agent.application.brief import build_brief
from services.agent.domain.citation import Citation, Reference
from services.agent.domain.draft import Sentence, Writer
from services.agent.domain.report import DISCLAIMER, Action, Fact, Grading, Recurrence, Report
from shared.contracts.violation import (
    NormalisedBox,
    SourceFacts,
    ZoneFacts,
)
from shared.errors import PermanentError
from shared.regulations.table import shipped_table
from shared.vocabulary import Finding, Hazard, Severity
from tests.builders import VIOLATION_ID, evidence, opened
from tests.builders_report import (
    ACTIONS,
    HEAD_PROTECTION,
    OVERHEAD,
    box,
    brief,
    draft,
    jpeg,
    report,
    restricted_zone_report,
)

PICTURE = jpeg(640, 360)
ROOT = Path(__file__).parents[3]
LOREM = (
    "Lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore " * 50
)


def render(what: Report | None = None, picture: bytes = PICTURE) -> bytes:
    return ReportlabRenderer().render(what or report(), picture)


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    """All text in reading order of the file, spaces evened out."""
    return " ".join(" ".join(page.extract_text() for page in read(pdf).pages).split())


def about(**overrides: Any) -> Report:
    """A report on a violation with *overrides*."""
    return report(brief=brief(opened=opened(**overrides)))


def named(name: str) -> Report:
    """A report whose site, zone and camera have that name, and whose narrative says it."""
    facts = opened()
    told = opened(
        site=facts.site.model_copy(update={"name": name}),
        zone=facts.zone.model_copy(update={"name": name}),
        camera=facts.camera.model_copy(update={"name": name}),
    )
    return report(
        brief=brief(opened=told),
        draft=draft(what_was_seen=(Sentence(f"Seen at {name} today.", ("F1",)),)),
    )


# ---------------------------------------------------------------- content


@pytest.mark.parametrize(
    "expected",
    [
        "HIGH SEVERITY",
        "Potential non-compliance",
        "Observation 01234567",
        "Worker without hard hat and vest in the hoist area",
        "North yard",
        "Hoist area",
        "Gate camera",
        "declared hazards: overhead work",
        "1 person, not identified",
        "4 Mar 2026, 03:30:00 CST",
        "09:30:00 UTC",
        "last seen 03:30:03 CST, ongoing when recorded",
        "Whole frame of 4 March 2026, 03:30:02 CST, and close-up",
        "Faces were blurred before the picture was stored.",
        "Immediate action",
        "What was seen",
        "Why it matters",
        "Severity: high",
        "Consequence: serious. Likelihood: likely.",
        "What it may relate to",
        "29 CFR 1926.100(a), Head protection",
        "US OSHA, construction",
        "Why it is named: The site declares US construction",
        "Applies when: Such a head hazard exists",
        "To be confirmed by a person: Work goes on above people",
        "Equipment: ANSI Z89.1-1997",
        "Site policy",
        "Corrective actions",
        "Fit toe boards or nets",
        "Engineering",
        "Scaffold supervisor",
        "11 Mar 2026",
        "Owner (name)",
        "Done",
        "Signature",
        "How sure the system is",
        "8 of 10 looks within 2.5 s",
        "confidence 81%",
        "Overall confidence 76%",
        "Seen before",
        "in the last 7 days",
        "in the last 30 days",
        "dismissed, authorised or exempt",
        "Confirmed",
        "False alarm",
        "Authorised",
        "Exempt",
        "Reviewer",
        "officer reports review",
        "Date and time",
        "a" * 64,
        VIOLATION_ID,
        "ppe4",
        "openvino",
        "version 1",
        "template 1",
        "citation table 1.0.0",
        "software 0.1.0",
        "0 min in the hour before",
        "no hard hat 80%",
        "Page 1 of",
        *DISCLAIMER.split(". ")[:1],
    ],
)
def test_the_report_holds(expected: str) -> None:
    assert expected in typical_text()


@functools.cache
def typical_text() -> str:
    return text_of(render())


def test_every_sentence_fact_and_action_is_printed() -> None:
    what = report()
    text = text_of(render(what))
    told = what.draft
    sentences = (told.headline, *told.what_was_seen, *told.why_it_matters, *told.immediate_action)
    flat = re.sub(r"\W+", "", text)
    for wanted in (
        *(sentence.text for sentence in sentences),
        *(fact.value for fact in what.brief.facts),
        *(action.text for action in what.actions),
    ):
        assert re.sub(r"\W+", "", wanted) in flat, wanted


def test_potential_non_compliance_stands_above_a_headline_that_does_not_say_it() -> None:
    first_page = read(render()).pages[0].extract_text()
    assert re.search(r"HIGH SEVERITY\s+Potential non-compliance\s", first_page)
    told = draft(headline=Sentence("Potential non-compliance in Hoist area: no vest", ("F1",)))
    first_page = read(render(report(draft=told))).pages[0].extract_text()
    assert re.search(r"HIGH SEVERITY\s+Safety observation report\s", first_page)


def test_each_fact_is_printed_once_with_its_number_and_the_real_brief_fits() -> None:
    real = build_brief(opened(), Recurrence(1, 4), shipped_table())
    text = text_of(render(report(brief=real)))
    for fact in real.facts:
        assert fact.id in text
    assert len(read(render(report(brief=real))).pages) <= 3


def test_sentences_name_their_sources_and_link_to_them() -> None:
    pdf = read(render())
    assert "bare head was recognised in 8 of 10 looks within 2.5 seconds. F8" in typical_text()
    pages = [page.indirect_reference for page in pdf.pages]
    notes = [note.get_object() for page in pdf.pages for note in page.get("/Annots", [])]
    targets = [note["/Dest"].get_object() for note in notes]
    assert {target[0] for target in targets} == set(
        pages
    )  # facts stand on the first page, references on the second
    told = report().draft
    sentences = (told.headline, *told.what_was_seen, *told.why_it_matters, *told.immediate_action)
    assert len(targets) >= sum(len(sentence.rests_on) for sentence in sentences)


def test_an_unknown_source_is_named_without_a_link() -> None:
    told = draft(what_was_seen=(Sentence("Somebody stood there.", ("F99", "<b>")),))
    assert "F99 <b>" in text_of(render(report(draft=told)))


def test_the_model_that_wrote_and_the_reason_for_a_fallback_are_named() -> None:
    assert "language model gpt-5-mini" in text_of(render(restricted_zone_report()))
    fallback = report(writer=Writer("template", "template 1", "the model's service did not answer"))
    assert "the model's service did not answer" in text_of(render(fallback))


def test_unblurred_faces_and_a_blind_camera_are_stated() -> None:
    text = text_of(render(about(evidence=evidence(faces_blurred=False), camera_blind_s=210.0)))
    assert "Faces are NOT blurred" in text
    assert "3.5 min in the hour before" in text


def test_a_recording_names_its_clock() -> None:
    source = SourceFacts(kind="file", session="c" * 64, name="yard.mp4", offset_s=12.5, clock="file-time")
    text = text_of(render(about(source=source)))
    assert "yard.mp4" in text
    assert "times from the file's own date, which may be off" in text
    assert "00:00:12 into the recording" in text
    assert "by the file's date 4 Mar 2026, 03:30:00 CST" in text
    assert (
        "Whole frame of 00:00:14 into the recording (by the file's date 4 March 2026, 03:30:02 CST)" in text
    )


def test_a_citation_that_is_named_twice_is_explained_once() -> None:
    references = (
        Reference(Finding.NO_HARDHAT, (HEAD_PROTECTION,), "One."),
        Reference(Finding.NO_VEST, (HEAD_PROTECTION, OVERHEAD), "Two."),
    )
    text = text_of(render(report(brief=brief(references=references))))
    assert text.count(HEAD_PROTECTION.requirement[:30]) == 1
    assert "as above" in text


@pytest.mark.parametrize("severity", list(Severity))
def test_each_severity_is_told_in_words(severity: Severity) -> None:
    graded = Grading(severity, "minor", "possible", "Because.")
    assert f"{severity.value.upper()} SEVERITY" in text_of(render(report(brief=brief(grading=graded))))


def test_regulators_classes_are_never_printed() -> None:
    text = text_of(render()).lower()
    assert not re.search(r"\b(wilful|willful|de minimis|repeat violation|serious violation)\b", text)


# ---------------------------------------------------------------- document


def test_the_same_report_gives_the_same_bytes_in_every_process() -> None:
    code = (
        "import hashlib; from tests.builders_report import report, jpeg;"
        "from services.agent.adapters.reportlab_renderer import ReportlabRenderer;"
        "print(hashlib.sha256(ReportlabRenderer().render(report(), jpeg(640, 360))).hexdigest())"
    )
    surroundings = (
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "de_DE.UTF-8"},
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **extra},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for extra in surroundings
    }
    assert hashes == {hashlib.sha256(render()).hexdigest()}


def test_another_report_in_between_changes_nothing() -> None:
    before = render()
    render(named("北京 كاميرا Ω"))
    assert render() == before


def test_threads_that_render_at_once_get_the_same_pages_in_a_fresh_process() -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor as Pool;"
        "from tests.builders_report import report, jpeg;"
        "from services.agent.adapters.reportlab_renderer import ReportlabRenderer;"
        "job = lambda _: ReportlabRenderer().render(report(), jpeg(64, 48));"
        "print(len(set(Pool(4).map(job, range(4)))))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1"


def test_metadata_language_and_bookmarks_are_set() -> None:
    pdf = read(render())
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Observation 01234567: Worker without hard hat and vest in the hoist area"
    assert pdf.metadata.author == "AI Safety Compliance Officer"
    assert pdf.metadata.subject == "Potential non-compliance, high severity, North yard, Gate camera"
    assert pdf.metadata.creation_date == report().generated_at
    assert pdf.root_object["/Lang"] == "en-US"
    titles = [entry.title for entry in pdf.outline if not isinstance(entry, list)]
    assert titles[0] == "Immediate action"
    assert "Corrective actions" in titles
    assert titles[-1] == "Evidence and origin"


def test_american_sites_get_letter_paper_and_others_a4() -> None:
    assert [round(side) for side in read(render()).pages[0].mediabox[2:]] == [612, 792]
    assert [round(side) for side in read(render(restricted_zone_report())).pages[0].mediabox[2:]] == [
        595,
        842,
    ]


def test_all_typefaces_are_embedded_as_subsets() -> None:
    for page in read(render(named("Gate 北門 كاميرا"))).pages:
        for font in page["/Resources"]["/Font"].values():
            font = font.get_object()  # noqa: PLW2901
            assert re.match(r"/[A-Z]{6}\+(Noto|Droid)", font["/BaseFont"])
            assert "/FontFile2" in font["/FontDescriptor"]


def test_the_evidence_is_embedded_once_and_unchanged() -> None:
    assert render().count(PICTURE) == 1


def test_a_full_hd_report_in_all_scripts_stays_under_a_megabyte() -> None:
    picture = noisy_jpeg(1920, 1080)
    assert 400_000 < len(picture) < 700_000
    assert len(render(named("Gate 北門 서울 كاميرا Κάμερα"), picture)) < 1_000_000


def noisy_jpeg(width: int, height: int) -> bytes:
    image = Image.effect_noise((width, height), 24).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


# ---------------------------------------------------------------- length


def test_a_typical_report_takes_two_pages() -> None:
    assert len(read(render(restricted_zone_report())).pages) == 2
    assert len(read(render()).pages) == 2


def long(length: int) -> str:
    return LOREM[:length].strip()


def full_report() -> Report:
    """Six findings, wordy sentences, names at their limit, seven actions."""

    def say(length: int) -> Sentence:
        return Sentence(long(length), ("F1", "F2", "osha-1"))

    facts = opened()
    findings = list(Finding)[:6]
    told = opened(
        site=facts.site.model_copy(update={"name": long(200)}),
        zone=facts.zone.model_copy(update={"name": "W" * 200}),
        camera=facts.camera.model_copy(update={"name": long(200)}),
        findings=tuple(facts.findings[0].model_copy(update={"finding": finding}) for finding in findings),
    )
    citations = [
        replace(HEAD_PROTECTION, id=f"osha-{number}", requirement=long(150), applies_when=long(110))
        for number in range(12)
    ]
    return report(
        brief=brief(
            opened=told,
            references=tuple(
                Reference(finding, tuple(citations[2 * index : 2 * index + 2]), long(100))
                for index, finding in enumerate(findings)
            ),
            facts=tuple(Fact(f"F{number}", long(20), long(70)) for number in range(1, 18)),
        ),
        draft=draft(
            headline=say(120),
            what_was_seen=(say(160),) * 6,
            why_it_matters=(say(160),) * 6,
            immediate_action=(say(160),) * 3,
        ),
        actions=(*ACTIONS, *ACTIONS[:2]),
    )


def test_a_very_full_report_takes_three_pages() -> None:
    assert len(read(render(full_report())).pages) == 3


def endless_report() -> Report:
    """Every text as long as its type allows, many times what a page holds."""
    endless = "x" * 5_000 + " " + "word " * 20_000 + "北" * 5_000
    say = Sentence(endless, tuple(f"F{number}" for number in range(50)))
    citations = tuple(
        Citation(f"c{number}", endless, endless, number == 0, endless, endless, endless, number % 2 == 0)
        for number in range(6)
    )
    return report(
        brief=brief(
            references=(Reference(Finding.NO_HARDHAT, citations, endless),),
            facts=tuple(Fact(f"F{number}", endless, endless) for number in range(25)),
            grading=Grading(Severity.CRITICAL, endless, endless, endless),
            recurrence=Recurrence(10**9, 10**9),
        ),
        draft=draft(
            headline=say, what_was_seen=(say,) * 6, why_it_matters=(say,) * 6, immediate_action=(say,) * 3
        ),
        actions=tuple(Action("a", endless, endless, endless, 10**9) for _ in range(10)),
        writer=Writer(endless, endless, endless),
        table_version=endless,
    )


def test_endless_texts_are_cut_and_laid_out_in_seconds() -> None:
    began = time.process_time()
    pages = read(render(endless_report())).pages
    assert time.process_time() - began < 5
    assert 3 < len(pages) < 40


# ---------------------------------------------------------------- hostile text


HOSTILE = [
    '<img src="/etc/hostname" width="100" height="100"/>',
    "<b>bold</b> & <font color=red>red</font>",
    "</para><para>",
    "&amp; &#60;b&#62; &lt;",
    '<a href="https://example.org/">link</a>',
    '"><onDraw name="x" label="y"/>',
    "<seq/><br/><unknown>",
]


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """Names of all files that this process opens inside the block."""
    names: list[str] = []
    _LISTENERS.append(names)
    try:
        yield names
    finally:
        _LISTENERS.remove(names)


_LISTENERS: list[list[str]] = []


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        for names in _LISTENERS:
            names.append(str(arguments[0]))


sys.addaudithook(_heard)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markup_prints_literally_and_opens_no_file(hostile: str) -> None:
    render()  # typefaces are loaded by now
    with opened_files() as names:
        pdf = render(named(hostile))
    assert not [name for name in names if "/zoneinfo/" not in name and "tzdata" not in name]
    text = re.sub(r"\s", "", text_of(pdf))
    assert text.count(re.sub(r"\s", "", hostile)) >= 4
    assert "https://example.org/" not in [
        str(note.get_object().get("/A", {}).get("/URI", ""))
        for page in read(pdf).pages
        for note in page.get("/Annots", [])
    ]


def test_the_listener_hears_an_opened_file() -> None:
    with opened_files() as names:
        Path("/etc/hostname").read_bytes()
    assert "/etc/hostname" in names


def test_direction_overrides_do_not_turn_the_page_around() -> None:
    told = draft(what_was_seen=(Sentence("Seen \u202eevil\u202c here\x07.", ("F1",)),))
    assert "Seen evil here." in text_of(render(report(draft=told)))


ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)
NAME = st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=200)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(name=NAME, text=ANY_TEXT, fact=ANY_TEXT)
@example(name="\u202e", text="\ud800", fact="\x00")
@example(name="א" * 200, text="א " * 150, fact="ab א (")
@example(name="W" * 200, text="", fact="<" * 300)
@example(name="\u0300" * 200, text="\u0300", fact="\U0010ffff")
def test_no_text_can_stop_a_report(name: str, text: str, fact: str) -> None:
    base = named(name)
    rests = (text or "F1", "F1")
    citation = replace(HEAD_PROTECTION, id=text, title=fact, requirement=text, jurisdiction=fact)
    pdf = render(
        replace(
            base,
            brief=replace(
                base.brief,
                facts=(Fact("F1", text, fact), Fact(text, fact, text)),
                references=(Reference(Finding.NO_VEST, (citation, citation), fact),),
                grading=Grading(Severity.LOW, text, fact, text),
            ),
            draft=draft(
                headline=Sentence(text, rests),
                what_was_seen=(Sentence(fact, rests),),
                why_it_matters=(),
                immediate_action=(Sentence(name, ()),),
            ),
            actions=(Action(text, text, fact, name, -5),),
            writer=Writer(text, fact, text),
            table_version=text,
        )
    )
    assert 1 <= len(read(pdf).pages) <= 4


@pytest.mark.parametrize("zone", ["Mars/Phobos", "", "/etc/passwd", "../../etc", "America", "\ud83d"])
def test_an_unknown_time_zone_falls_back_to_utc(zone: str) -> None:
    site = opened().site.model_copy(update={"timezone": zone})
    assert "4 Mar 2026, 09:30:00 UTC" in text_of(render(about(site=site)))


def test_a_time_on_another_day_than_the_first_one_says_which() -> None:
    begun, ended = datetime(2026, 3, 5, 5, 59, 58, tzinfo=UTC), datetime(2026, 3, 5, 6, 0, 8, tzinfo=UTC)
    told = text_of(render(about(first_seen=begun, last_seen=ended)))
    head = "4 Mar 2026, 23:59:58 CST 5 Mar 2026, 05:59:58 UTC; last seen 5 Mar 2026, 00:00:08 CST, ongoing"
    assert head in told


def test_the_ends_of_the_calendar_are_printed() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    site = opened().site.model_copy(update={"timezone": "Pacific/Kiritimati"})
    assert "31 December 9999, 23:59:59 UTC" in text_of(render(replace(about(site=site), generated_at=last)))


def test_a_brief_without_facts_or_actions_is_laid_out() -> None:
    bare = report(brief=brief(facts=(), references=()), actions=())
    assert "Evidence SHA-256" in text_of(render(bare))


# ---------------------------------------------------------------- scripts


@pytest.mark.parametrize(
    "name",
    [
        "Größe Łódź Việt Nam",
        "Строительная площадка «Север»",
        "Εργοτάξιο Βορρά",
        "塔吊下方通道",
        "クレーン下立入禁止区域",
        "정문카메라",
    ],
)
def test_names_in_other_scripts_can_be_copied_out(name: str) -> None:
    text = re.sub(r"\s", "", text_of(render(named(name))))
    assert text.count(name.replace(" ", "")) >= 5


@pytest.mark.parametrize("name", ["كاميرا البوابة", "אתר הבנייה"])
def test_right_to_left_names_are_set_in_visual_order(name: str) -> None:
    folded = unicodedata.normalize("NFKC", text_of(render(named(name))))
    assert name[::-1] in folded or name in folded


def test_what_no_typeface_has_is_listed_on_the_page() -> None:
    text = text_of(render(named("ไซต์ 👷")))
    assert "Not printable" in text
    assert "U+0E44" in text
    assert "U+1F477" in text
    assert "Not printable" not in text_of(render())


# ---------------------------------------------------------------- pictures


def bomb(width: int, height: int) -> bytes:
    """A small JPEG whose header claims a huge size."""
    small = jpeg(16, 16)
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\xff\xd8\xff", "no whole JPEG", id="magic only"),
        pytest.param(PICTURE[: len(PICTURE) // 2], "no whole JPEG", id="truncated"),
        pytest.param(png(), "no whole JPEG", id="png"),
        pytest.param(b"<svg/>" * 100, "no whole JPEG", id="svg"),
        pytest.param(bomb(10_000, 6_000), "10000 x 6000 pixels", id="60 megapixels"),
        pytest.param(bomb(65_000, 65_000), "pixels", id="4 gigapixels"),
        pytest.param(PICTURE + b"\0" * 20_000_000, "20000000 are allowed", id="over 20 MB"),
    ],
)
def test_an_unreadable_picture_is_a_permanent_error(picture: bytes, why: str) -> None:
    with pytest.raises(PermanentError, match=re.escape(why)) as refused:
        render(picture=picture)
    assert refused.value.code == "evidence-unreadable"


@pytest.mark.parametrize("size", [(16, 16), (16, 2000), (2000, 16), (720, 1280), (1024, 1024), (4096, 16)])
def test_pictures_of_any_shape_are_laid_out(size: tuple[int, int]) -> None:
    assert len(read(render(picture=jpeg(*size))).pages) <= 3


@pytest.mark.parametrize(
    "close_up",
    [(0, 0, 1, 1), (0, 0, 0.001, 0.001), (0.999, 0, 1, 1), (0, 0.999, 1, 1), (0.4999999, 0, 0.5, 1e-12)],
)
def test_any_close_up_is_drawn(close_up: tuple[float, float, float, float]) -> None:
    part = NormalisedBox(**dict(zip(("x1", "y1", "x2", "y2"), close_up, strict=True)))
    render(about(evidence=evidence(close_up=part)))


def test_a_crowd_of_boxes_and_an_odd_zone_are_drawn() -> None:
    boxes = tuple(
        box("person", "person", 0.5, number / 200, 0.1, number / 200 + 0.3, 0.9) for number in range(100)
    )
    polygon = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    zone = ZoneFacts(id="odd", name="Odd", hazards=(Hazard.GENERAL,), polygon=polygon)
    assert len(read(render(about(evidence=evidence(boxes=boxes), zone=zone))).pages) <= 3


def test_gray_and_four_colour_pictures_are_embedded() -> None:
    for mode in ("L", "CMYK"):
        buffer = io.BytesIO()
        Image.new(mode, (64, 48)).save(buffer, "JPEG")
        assert buffer.getvalue() in render(picture=buffer.getvalue())
