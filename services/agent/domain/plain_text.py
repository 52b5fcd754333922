"""Names and texts from outside as plain text: nothing invisible, nothing that turns the reading direction."""

import unicodedata

UNNAMED = "(unnamed)"
_ALLOWED_FORMAT = "\u200c\u200d"  # the joiners that Persian, Indian scripts and emoji need


def plain(text: str) -> str:
    """*text* on one line without control, bidirectional and other invisible characters, or ``(unnamed)``."""
    return one_line(text) or UNNAMED


def one_line(text: str) -> str:
    """*text* on one line without invisible characters; may be empty."""
    kept = (" " if character.isspace() else character for character in text if not is_invisible(character))
    return " ".join("".join(kept).split())


def shorten(text: str, length: int) -> str:
    """*text* as plain text of at most *length* characters; what is cut is marked by an ellipsis."""
    whole = plain(text)
    return whole if len(whole) <= length else whole[: length - 1].rstrip() + "…"


def is_invisible(character: str) -> bool:
    """Whether *character* is a control, format, private or unassigned one that no name needs."""
    if character.isspace() or character in _ALLOWED_FORMAT:
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")
