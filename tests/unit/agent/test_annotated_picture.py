"""The overlay: what is drawn where, in the picture for the mail and in the PDF alike."""

import io
from itertools import combinations

import pytest
from PIL import Image

from services.agent.adapters.annotated_picture import annotate
from services.agent.adapters.overlay import WHOLE, Overlay, View, overlay
from shared.contracts.violation import NormalisedBox
from shared.errors import PermanentError
from shared.vocabulary import Severity
from tests.builders import evidence
from tests.builders_report import box, jpeg

GREEN = (18, 140, 60)


def scene(width: int = 640, height: int = 360) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), GREEN).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def opened_jpeg(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


def near(pixel: object, colour: tuple[int, int, int], within: int = 40) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= within for one, other in zip(pixel, colour, strict=True))


def laid_out(*boxes: object, view: View | None = None) -> Overlay:
    return overlay(
        evidence(boxes=boxes), None, view or View(WHOLE, 400, 225, 6), lambda text: 3.5 * len(text)
    )


def test_a_box_is_drawn_where_it_lies_in_the_accent_of_the_severity() -> None:
    drawn = opened_jpeg(
        annotate(scene(), evidence(boxes=(box("subject", "person", 0.9, 0.25, 0.25, 0.75, 0.75),)))
    )
    assert near(drawn.getpixel((160, 180)), (0xB4, 0x45, 0x0C))
    assert near(drawn.getpixel((320, 180)), GREEN, within=12)
    critical = annotate(
        scene(),
        evidence(boxes=(box("subject", "p", 0.9, 0.25, 0.25, 0.75, 0.75),)),
        severity=Severity.CRITICAL,
    )
    assert near(opened_jpeg(critical).getpixel((160, 180)), (0xA0, 0x17, 0x22))


def test_the_zone_is_tinted_and_outlined() -> None:
    square = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    plain = opened_jpeg(annotate(scene(), evidence(boxes=())))
    drawn = opened_jpeg(annotate(scene(), evidence(boxes=()), polygon=square))
    assert not near(drawn.getpixel((320, 180)), GREEN, within=10)
    assert drawn.getpixel((40, 40)) == plain.getpixel((40, 40))


def test_a_large_picture_is_scaled_down_in_proportion_and_a_small_one_kept() -> None:
    assert opened_jpeg(annotate(jpeg(1920, 1080), evidence())).size == (1280, 720)
    assert opened_jpeg(annotate(jpeg(300, 400), evidence())).size == (300, 400)


def test_the_same_input_gives_the_same_bytes() -> None:
    assert annotate(jpeg(), evidence()) == annotate(jpeg(), evidence())


def test_metadata_of_the_picture_does_not_travel() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Secret camera maker"
    Image.new("RGB", (64, 64)).save(buffer, "JPEG", exif=exif)
    assert b"Secret" not in annotate(buffer.getvalue(), evidence(boxes=()))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_four_colour_pictures_are_drawn_too(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (320, 200)).save(buffer, "JPEG")
    assert opened_jpeg(annotate(buffer.getvalue(), evidence())).size == (320, 200)


@pytest.mark.parametrize("label", ["北門 カメラ", "كاميرا", "👷", "a" * 40, "<b>&"])
def test_any_label_is_drawn(label: str) -> None:
    annotate(jpeg(), evidence(boxes=(box("bare", label, 0.8, 0.9, 0.9, 0.99, 0.99),)))


def test_labels_of_crowded_boxes_do_not_cover_each_other() -> None:
    boxes = [
        box("person", "person", 0.9, 0.1 * x, 0.1 * y, 0.1 * x + 0.08, 0.1 * y + 0.08)
        for x in range(9)
        for y in range(9)
    ]
    tags = laid_out(*boxes).tags
    assert len(tags) > 20
    for one, other in combinations(tags, 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y


def test_no_label_stands_in_the_box_of_another_finding() -> None:
    head, torso = (0.4, 0.0, 0.48, 0.2), (0.35, 0.22, 0.53, 0.6)
    hat, vest = laid_out(box("bare", "no hard hat", 0.8, *head), box("bare", "no vest", 0.8, *torso)).tags
    assert hat.y + hat.height <= 225 * torso[1]
    assert vest.y >= 225 * head[3]


def test_the_finding_keeps_its_label_even_where_there_is_no_room() -> None:
    boxes = [box("bare", "no hard hat", 0.8, 0.4, 0.4, 0.6, 0.6) for _ in range(12)]
    assert len(laid_out(*boxes).tags) == 12


def test_labels_stay_on_the_picture() -> None:
    corners = [(0.0, 0.0, 0.01, 0.01), (0.99, 0.0, 1.0, 1.0), (0.0, 0.99, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)]
    for edges in corners:
        (tag,) = laid_out(box("bare", "no hard hat", 0.8, *edges)).tags
        assert 0 <= tag.x <= 400 - tag.width + 0.01
        assert 0 <= tag.y <= 225 - tag.height + 0.01


def test_a_close_up_shows_only_what_lies_in_it() -> None:
    part = View(NormalisedBox(x1=0.5, y1=0, x2=1, y2=1), 200, 225, 6)
    inside, outside = box("bare", "in", 0.8, 0.6, 0.2, 0.8, 0.4), box("bare", "out", 0.8, 0.1, 0.2, 0.3, 0.4)
    shapes = laid_out(inside, outside, view=part)
    assert [tag.parts[0] for tag in shapes.tags] == ["in"]
    assert shapes.outlines[0].points[0] == pytest.approx((40, 45))


@pytest.mark.parametrize("picture", [b"", b"no picture", jpeg()[:3000], jpeg()[:300]])
def test_an_unreadable_picture_is_a_permanent_error(picture: bytes) -> None:
    with pytest.raises(PermanentError) as refused:
        annotate(picture, evidence())
    assert refused.value.code == "evidence-unreadable"
