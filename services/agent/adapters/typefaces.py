"""Text made ready for the shipped typefaces: cleaned, joined, in visual order, and cut into runs of one face each."""

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from threading import Lock

from arabic_reshaper import ArabicReshaper
from bidi.algorithm import get_display  # the package's own one does not mirror brackets
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REPLACEMENT = "\ufffd"
MAX_TEXT = 2000  # one ReportLab paragraph of 200,000 characters takes 11 s


class Weight(StrEnum):
    """How text is set."""

    REGULAR = "regular"
    BOLD = "bold"
    MONO = "mono"


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that one face can print.

    Attributes:
        face: file name without ``.ttf``, which is the name that ReportLab knows it by.
        text: in visual order, ready to be set from left to right.
    """

    face: str
    text: str


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Plain printable text of at most *limit* characters (a cut one ends in an ellipsis).

    White space becomes single spaces; control and format characters (bidirectional overrides among them) and variation
    selectors go, except the zero-width non-joiner, which Persian spelling needs; lone surrogates become U+FFFD.
    """
    words = " ".join(unicodedata.normalize("NFC", text[: 4 * limit]).split())
    kept = "".join(filter(None, map(_kept, words)))
    cut = len(kept) > limit or len(text) > 4 * limit
    return kept[: limit - 1].rstrip() + "…" if cut else kept


@functools.lru_cache(maxsize=4096)
def runs(text: str, weight: Weight = Weight.REGULAR, rtl_line: int = MAX_TEXT) -> tuple[Run, ...]:
    """Cut cleaned *text* into runs of one face.

    Arabic letters are joined, and right-to-left stretches put into visual order with unbreakable spaces, since the
    layout fills lines from left to right. A stretch longer than *rtl_line* characters is broken by newlines first.
    A text that begins right to left, and is so for the most part, is laid out so as a whole. What no face has becomes
    U+FFFD.
    """
    result: list[Run] = []
    for character in _visual(text, rtl_line).replace("\u200c", ""):
        face = _face_for(character, weight, result[-1].face if result else "")
        shown = character if face else REPLACEMENT
        face = face or _ORDER[weight][0]
        if result and result[-1].face == face:
            result[-1] = Run(face, result[-1].text + shown)
        else:
            result.append(Run(face, shown))
    return tuple(result)


def lacking(text: str) -> str:
    """The characters of cleaned *text* that no shipped face has, each once, in order of appearance."""
    joined = (c for c in dict.fromkeys(_visual(text, MAX_TEXT)) if c not in "\u200c\n")
    return "".join(c for c in joined if not _face_for(c, Weight.REGULAR, ""))


def base_face(weight: Weight) -> str:
    """The face that text of *weight* is mostly set in, known to ReportLab from now on."""
    return _font(_ORDER[weight][0]).fontName


def face_file(face: str) -> str:
    """Path of the font file of *face*."""
    return str(resources.files("services.agent.adapters.fonts") / f"{face}.ttf")


_OTHERS = ("NotoSansMath-Regular", "NotoSansSymbols2-Regular", "DroidSansFallback")  # the large one last
_ORDER = {
    Weight.REGULAR: ("NotoSans-Regular", "NotoSansArabic-Regular", "NotoSansHebrew-Regular", *_OTHERS),
    Weight.BOLD: ("NotoSans-Bold", "NotoSansArabic-Bold", "NotoSansHebrew-Bold", *_OTHERS),
    Weight.MONO: ("NotoSansMono-Regular", "NotoSans-Regular", *_OTHERS),
}
_RTL = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff"
# From the first right-to-left letter to the last, with digits that follow, as the Unicode algorithm groups them.
_RTL_STRETCH = re.compile(rf"([{_RTL}](?:[{_RTL}\W\d_]*[{_RTL}\d])?)([)\]}}]?)")
_OPENING = {")": "(", "]": "[", "}": "{", "": ""}
_LOADED: dict[str, TTFont] = {}
_LOADING = Lock()
_SHAPER = ArabicReshaper(configuration={"delete_harakat": True, "support_ligatures": True})


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cs", "Cn"):
        return REPLACEMENT
    if category in ("Cc", "Cf"):
        return character if character == "\u200c" else ""
    return "" if "\ufe00" <= character <= "\ufe0f" else character


def _visual(text: str, rtl_line: int) -> str:
    if not re.search(f"[{_RTL}]", text):
        return text
    if _mostly_rtl(text):
        return _display(text, rtl_line)
    return _RTL_STRETCH.sub(lambda match: _display_stretch(match[1], match[2], rtl_line), text)


def _mostly_rtl(text: str) -> bool:
    strong = [kind != "L" for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")]
    return strong[:1] == [True] and 2 * sum(strong) > len(strong)


def _display_stretch(stretch: str, closing: str, rtl_line: int) -> str:
    """A bracket that closes one of the stretch belongs to it."""
    if _OPENING[closing] in stretch:
        return _display(stretch + closing, rtl_line)
    return _display(stretch, rtl_line) + closing


def _display(logical: str, rtl_line: int) -> str:
    lines = (str(get_display(_SHAPER.reshape(line), base_dir="R")) for line in _broken(logical, rtl_line))
    return "\n".join(line.replace(" ", "\u00a0") for line in lines)


def _broken(text: str, at: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > at:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _face_for(character: str, weight: Weight, current: str) -> str:
    """The face to print *character* with, or nothing; a space stays with the run that it follows, if that has one."""
    if character in " \u00a0\n":
        return current if current and _has(current, " ") else _ORDER[weight][0]
    return next((face for face in _ORDER[weight] if _has(face, character)), "")


def _has(face: str, character: str) -> bool:
    return ord(character) in _font(face).face.charToGlyph


def _font(face: str) -> TTFont:
    return _LOADED.get(face) or _load(face)


def _load(face: str) -> TTFont:
    """Load a face once for all threads; shaping is ours, whether or not uharfbuzz is there."""
    with _LOADING:
        if face not in _LOADED:
            font = TTFont(face, face_file(face), asciiReadable=False, shapable=False)
            pdfmetrics.registerFont(font)
            pdfmetrics.registerFontFamily(face, normal=face, bold=face, italic=face, boldItalic=face)
            _LOADED[face] = font
        return _LOADED[face]
