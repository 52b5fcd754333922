"""Text made ready for the shipped typefaces."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.agent.adapters.typefaces import MAX_TEXT, Weight, clean, face_file, lacking, runs

FONTS = Path(face_file("NotoSans-Regular")).parent


def shown(text: str, weight: Weight = Weight.REGULAR) -> str:
    return "".join(run.text for run in runs(clean(text), weight))


@pytest.mark.parametrize(
    ("text", "face"),
    [
        ("Gate camera, Größe, Łódź, İzmir, Việt Nam", "NotoSans-Regular"),
        ("Камера на воротах, Ґанок", "NotoSans-Regular"),
        ("Κάμερα πύλης", "NotoSans-Regular"),
        ("大门摄像机塔吊下方通道", "DroidSansFallback"),
        ("クレーン下立入禁止区域のカメラ", "DroidSansFallback"),
        ("정문카메라크레인아래구역", "DroidSansFallback"),
        ("كاميرا", "NotoSansArabic-Regular"),
        ("پرچمگاه", "NotoSansArabic-Regular"),
        ("מצלמה", "NotoSansHebrew-Regular"),
        ("≥≤→", "NotoSansMath-Regular"),
    ],
)
def test_every_promised_script_has_a_face(text: str, face: str) -> None:
    assert {run.face for run in runs(clean(text))} == {face}
    assert lacking(clean(text)) == ""


def test_the_whole_of_the_common_scripts_is_covered() -> None:
    ranges = ((0x21, 0x7E), (0xA1, 0xAC), (0x391, 0x3A1), (0x400, 0x45F), (0x3041, 0x3094), (0x30A1, 0x30F4))
    hangul_and_han = ((0xAC00, 0xD7A3), (0x4E00, 0x9FA5))
    for first, last in (*ranges, *hangul_and_han):
        assert lacking("".join(map(chr, range(first, last + 1)))) == "", hex(first)


def test_one_text_in_several_scripts_is_cut_into_runs_in_order() -> None:
    cut = [(run.face, run.text) for run in runs("Gate 北門 12")]
    assert cut == [("NotoSans-Regular", "Gate "), ("DroidSansFallback", "北門 "), ("NotoSans-Regular", "12")]


def test_bold_letters_come_from_bold_faces_where_there_are_any() -> None:
    assert [run.face for run in runs("Gate كاميرا", Weight.BOLD)] == ["NotoSans-Bold", "NotoSansArabic-Bold"]


def test_arabic_letters_are_joined_and_put_into_visual_order() -> None:
    visual = shown("كاميرا")
    assert all("ARABIC" in unicodedata.name(c) and " FORM" in unicodedata.name(c) for c in visual)
    assert unicodedata.normalize("NFKC", visual)[::-1] == "كاميرا"


def test_numbers_after_arabic_stand_to_its_left_and_read_left_to_right() -> None:
    assert shown("كاميرا 12").startswith("12\u00a0")


def test_brackets_of_right_to_left_text_are_mirrored() -> None:
    assert shown("אב (גד)") == "(דג)\u00a0בא"


def test_a_right_to_left_name_inside_an_english_sentence_keeps_the_sentence_in_order() -> None:
    assert shown("In the zone אב גד, at 10:30.") == "In the zone דג\u00a0בא, at 10:30."


def test_a_bracket_that_closes_a_right_to_left_name_stays_with_it() -> None:
    assert shown("At אב (גד) now") == "At (דג)\u00a0בא now"
    assert shown("At (אב) now") == "At (בא) now"


def test_a_mostly_english_text_that_begins_right_to_left_reads_from_the_left() -> None:
    assert shown("אב; declared hazards: overhead work") == "בא; declared hazards: overhead work"


def test_long_right_to_left_text_is_broken_before_it_is_reordered() -> None:
    (run,) = runs("אב גד שמ", rtl_line=5)
    assert run.text == "דג\u00a0בא\nמש"


def test_what_no_face_has_is_replaced_and_named() -> None:
    assert shown("กA👷") == "\ufffdA\ufffd"
    assert lacking(clean("กA👷ก")) == "ก👷"


def test_control_and_direction_characters_go() -> None:
    assert clean("a\u202eb\u2066c\x00d\x1be\u200bf\ufeffg\u00adh\u2028i\r\nj") == "abcdefgh i j"


def test_lone_surrogates_are_replaced() -> None:
    assert clean("a\ud800b") == "a\ufffdb"


def test_text_over_the_limit_is_cut_with_an_ellipsis() -> None:
    assert clean("x" * 5000) == "x" * (MAX_TEXT - 1) + "…"
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcd", 4) == "abcd"


@example("\u0590")  # no letter, though among the right-to-left ones
@example("\u0660")  # a digit of theirs
@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_becomes_printable_runs_of_covered_characters(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) <= MAX_TEXT
    for run in runs(cleaned):
        assert lacking(run.text.replace("\n", " ")) == ""
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in run.text)


def test_each_font_file_has_its_licence_beside_it_and_all_stay_small() -> None:
    licences = {path.name for path in FONTS.glob("LICENSE-*.txt")}
    assert licences == {"LICENSE-OFL-1.1.txt", "LICENSE-Apache-2.0.txt"}
    assert sum(path.stat().st_size for path in FONTS.iterdir() if path.is_file()) < 8_000_000
