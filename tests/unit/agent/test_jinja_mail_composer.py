"""Mails as their readers and mail programs get them; names of any kind never kill one."""

import email
import email.policy
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy

import pytest
from PIL import Image

from services.agent.adapters.jinja_mail_composer import PRODUCT, JinjaMailComposer
from services.agent.application.ports import MailRefusedError
from services.agent.domain.draft import Sentence
from services.agent.domain.letter import FiledReport
from shared.contracts.violation import SourceFacts
from shared.vocabulary import Severity
from tests import agent_builders as make

ANNA = "anna@site.example"
PDF = b"%PDF-1.4 pages"
NOW = datetime(2026, 3, 4, 9, 31, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


def composer(sender: str = "officer@site.example") -> JinjaMailComposer:
    return JinjaMailComposer(sender, Clock())


def arrived(mail: EmailMessage) -> EmailMessage:
    """*mail* after a mail server and a strict parser."""
    content = mail.as_bytes()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))  # RFC 5322, 2.1.1
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def reported(filed: FiledReport | None = None, recipient: str = ANNA) -> EmailMessage:
    return arrived(composer().report(filed or make.filed(), recipient, make.PICTURE, PDF))


def text_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert isinstance(body, EmailMessage)
    found: str = body.get_content()
    return found


def named(site: str = "North yard", camera: str = "Gate camera") -> FiledReport:
    facts = make.opened()
    return make.filed(
        1,
        site=facts.site.model_copy(update={"name": site}),
        camera=facts.camera.model_copy(update={"name": camera}),
    )


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_reader_learns_how_to_keep_a_verdict(kind: str) -> None:
    command = f"officer reports review {make.opened().violation_id[:8]} --confirmed --data FOLDER"
    lines = re.split(r"\r?\n|<[^>]*>", text_of(reported(), kind))
    assert command in lines  # whole, to be copied


def test_the_subject_tells_severity_place_finding_and_short_id() -> None:
    filed = make.filed(1, Severity.HIGH)
    assert str(reported(filed)["Subject"]) == (
        "[HIGH] North yard, Gate camera: no hard hat, no high-visibility vest (00000000)"
    )


def test_headers_identify_the_violation_and_keep_machines_from_answering() -> None:
    mail = reported()
    assert mail["X-Violation-Id"] == make.violation_id(1)
    assert mail["Message-ID"].startswith(f"<{make.violation_id(1)}.")
    assert mail["Message-ID"].endswith("@site.example>")
    assert "<north-yard.observations.site.example>" in mail["List-Id"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW


def test_the_message_id_is_the_same_again_for_a_recipient_and_another_for_the_next() -> None:
    assert reported()["Message-ID"] == reported()["Message-ID"]
    assert reported()["Message-ID"] != reported(recipient="ben@site.example")["Message-ID"]


@pytest.mark.parametrize(
    ("severity", "importance"),
    [(Severity.LOW, None), (Severity.MEDIUM, None), (Severity.HIGH, "high"), (Severity.CRITICAL, "high")],
)
def test_only_grave_ones_claim_importance(severity: Severity, importance: str | None) -> None:
    mail = reported(make.filed(1, severity))
    assert mail["Importance"] == importance
    assert f"{severity.value.upper()} SEVERITY" in text_of(mail, "html")


def test_the_picture_is_annotated_and_shown_inside_and_the_pdf_is_attached() -> None:
    mail = reported()
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/jpeg"]
    cid = picture["Content-ID"].strip("<>")
    assert f'src="cid:{cid}"' in text_of(mail, "html")
    drawn, clean = (
        Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in (picture.get_content(), make.PICTURE)
    )
    assert drawn.size == clean.size
    assert drawn.tobytes() != clean.tobytes()
    (attached,) = mail.iter_attachments()
    assert attached.get_content() == PDF
    assert attached.get_filename() == f"{make.violation_id(1)}.pdf"


@pytest.mark.parametrize("picture", [None, b"", b"\xff\xd8 torn"])
def test_without_a_usable_picture_the_mail_says_so(picture: bytes | None) -> None:
    mail = arrived(composer().report(make.filed(), ANNA, picture, PDF))
    assert "no longer in the store" in text_of(mail, "html")
    assert "cid:" not in text_of(mail, "html")


def test_text_and_html_tell_the_same_facts() -> None:
    mail = reported()
    plain, html = text_of(mail, "plain"), text_of(mail, "html")
    for fact in (
        "Hoist area",
        "03:30:00 CST",
        "8 of 10 looks",
        "29 CFR 1926.100(a)",
        "does not enter an injury",
    ):
        assert fact in re.sub(r"\s+", " ", plain), fact
        assert fact in re.sub(r"\s+", " ", html), fact


@pytest.mark.parametrize(
    "name",
    [
        "Tor\u2028Nord",
        "Tor\u2029Nord",
        "Tor\x85Nord",
        "Gate\r\nBcc: eve@evil.example",
        "Gate\nX-Injected: 1",
        "\u202eetag\u202c",
        "=?utf-8?q?Gate?=",
        'Gate "A" <b@c.example>, d@e.example;',
        "前門カメラ",
        "Камера №3, ворота",
        "كاميرا البوابة",
        "정문 카메라",
        "Πύλη",
        "門" * 200,
        "W" * 200,
        "🚧" * 100,
        "x" + "\u0301" * 199,
    ],
)
def test_no_name_breaks_a_mail(name: str) -> None:
    filed = named(site=name, camera=name)
    for mail in (reported(filed), arrived(composer().digest([filed], ANNA))):
        assert mail["X-Violation-Id"] == make.violation_id(1)
        assert "eve@evil.example" not in [str(value) for value in mail.get_all("Bcc", [])]
        assert mail["X-Injected"] is None
        assert [address.addr_spec for address in mail["To"].addresses] == [ANNA]
        assert "\u202e" not in str(mail["Subject"])


def test_what_a_name_or_a_model_wrote_is_text_in_html_never_markup() -> None:
    evil = '<script>alert(1)</script><img src="http://evil.example/x">'
    filed = named(camera=evil[:60])
    report = replace(filed.report, draft=replace(filed.report.draft, headline=Sentence(evil, ("F1",))))
    mail = reported(replace(filed, report=report))
    html = text_of(mail, "html")
    assert "<script" not in html
    assert '<img src="http' not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(("local", "policy"), [("a", SMTP), ("müller", SMTPUTF8)])
def test_international_addresses_are_written_as_mail_servers_read_them(
    local: str, policy: EmailPolicy
) -> None:
    made = composer(f"{local}@bücher.example").report(make.filed(), f"{local}@bücher.example", None, PDF)
    mail = email.message_from_bytes(made.as_bytes(policy=policy), policy=email.policy.default)
    assert str(mail["To"]) == f"{local}@xn--bcher-kva.example"
    assert str(mail["From"]) == f"{PRODUCT} <{local}@xn--bcher-kva.example>"


def test_an_address_whose_domain_cannot_exist_is_refused() -> None:
    with pytest.raises(MailRefusedError, match="cannot exist"):
        composer().report(make.filed(), "a@bü..example", None, PDF)


def test_the_time_of_day_of_a_recording_is_told_as_far_as_it_is_known() -> None:
    source = SourceFacts(kind="file", session="c" * 64, name="yard.mp4", offset_s=12.5, clock="file-time")
    filed = make.filed(source=source)
    unknown = "00:00:12 into the recording; its time of day is not known"
    for mail in (reported(filed), arrived(composer().digest([filed], ANNA))):
        for kind in ("plain", "html"):
            assert unknown in " ".join(text_of(mail, kind).split())


def test_a_digest_names_every_violation_in_headers_and_text_and_the_worst_severity() -> None:
    severities = [Severity.LOW, Severity.HIGH, Severity.MEDIUM] * 20
    filed = [make.filed(number, severity) for number, severity in enumerate(severities, start=1)]
    mail = arrived(composer().digest(filed, ANNA))
    assert mail.get_all("X-Violation-Id") == [one.violation_id for one in filed]
    assert "60 observations, up to high severity" in str(mail["Subject"])
    for one in filed:
        assert one.pdf_key.rpartition("/")[2] in text_of(mail, "plain")
        assert one.pdf_key.rpartition("/")[2] in text_of(mail, "html")
