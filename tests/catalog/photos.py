"""Pictures for tests, real ones."""

import io
from typing import Any

from PIL import Image


def picture(
    kind: str = "JPEG",
    size: tuple[int, int] = (800, 600),
    mode: str = "RGB",
    color: Any = None,
    **options: Any,
) -> bytes:
    """Return the bytes of a picture; of one colour unless `options` have more to save."""
    file = io.BytesIO()
    Image.new(mode, size, color if color is not None else 0).save(file, kind, **options)
    return file.getvalue()


def shot() -> bytes:
    """Return a photo as a camera makes it: lying on its side, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned to the right.
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    return picture(size=(800, 400), color=(200, 30, 30), exif=exif)
