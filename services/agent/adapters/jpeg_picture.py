"""The evidence picture as it comes from the store: a JPEG that is read in full before anything relies on it."""

import io

from PIL import Image

from shared.errors import PermanentError

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000


def open_jpeg(picture: bytes) -> Image.Image:
    """Decode *picture* wholly.

    Returns:
        the image as stored, [height, width], mode RGB, L or CMYK.

    Raises:
        PermanentError: empty, over 20 MB, no JPEG, over 50 megapixels (judged before decoding) or truncated.
    """
    if not picture:
        raise _refusal("it is empty")
    if len(picture) > MAX_BYTES:
        raise _refusal(f"it has {len(picture)} bytes, {MAX_BYTES} are allowed")
    try:
        image = Image.open(io.BytesIO(picture), formats=("JPEG",))
        if image.width * image.height > MAX_PIXELS:
            raise _refusal(f"it has {image.width} x {image.height} pixels, {MAX_PIXELS} are allowed")
        image.load()
    except Image.DecompressionBombError as error:
        raise _refusal(f"it has too many pixels, {MAX_PIXELS} are allowed") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _refusal("it is no whole JPEG") from error
    return image


def _refusal(why: str) -> PermanentError:
    return PermanentError("evidence-unreadable", f"evidence picture cannot be used: {why}; store it again")
