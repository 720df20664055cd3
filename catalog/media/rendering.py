"""Makes our files of a picture, a program of its own: what comes from outside is opened here, nowhere else.

`python -I rendering.py <file> <folder>` writes `<width>.webp` files and says what it did as JSON. Its memory
and processor time have a limit, so a picture that was made to use up either ends this process alone. It knows
nothing of the rest of the project.
"""

import io
import json
import resource
import struct
import sys
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
WIDTHS = (320, 640, 1280, 2048)  # The last is the most.
MOST_HEIGHT = 8_192
MOST_PIXELS = 50_000_000
MOST_BYTES = 20_000_000
MEMORY = 1_500_000_000
SECONDS = 40
MOST_WRITTEN = 100_000_000  # In bytes, of each file.
QUALITY = 82

REASONS = {
    "EMPTY": "There are no bytes.",
    "NOT_AN_IMAGE": "The bytes are no JPEG, PNG, WebP, GIF or AVIF, whatever name and type say.",
    "TOO_MANY_PIXELS": "It has more than 50 megapixels.",
    "BROKEN": "It begins as a picture, and cannot be read to its end.",
    "NOT_ONLY_AN_IMAGE": "There is something else in the same bytes, such as an archive or a page.",
}


class Wrong(Exception):
    """The bytes are no picture that is taken; says its code of REASONS."""


def render(file: BinaryIO, folder: Path) -> dict[str, object]:
    """Write the files of a picture; returns its format, and [width, height] of each, the largest first.

    Raises Wrong. Width and height are read from the header, and decide before anything is decoded.
    """
    head = file.read(64)
    if not head:
        raise Wrong("EMPTY")
    _check_webp(head)
    file.seek(0)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Wrong("TOO_MANY_PIXELS") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise Wrong("NOT_AN_IMAGE") from error
    width, height = image.size
    if not width or not height:
        raise Wrong("BROKEN")
    if width * height > MOST_PIXELS:
        raise Wrong("TOO_MANY_PIXELS")
    kind = str(image.format)
    here = file.tell()
    _check_tail(file)
    file.seek(here)
    try:
        return {"format": kind, "renditions": _write(image, folder)}
    except MemoryError:
        raise
    except Exception as error:  # A decoder meets what it was never made for; each has exceptions of its own.
        raise Wrong("BROKEN") from error


def _check_webp(head: bytes) -> None:
    """Read a WebP's size by ourselves: its decoder sets memory aside for all of it when it is opened."""
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return
    kind, body = head[12:16], head[20:]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(body[4:7], "little")
        height = 1 + int.from_bytes(body[7:10], "little")
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width = int.from_bytes(body[6:8], "little") & 0x3FFF
        height = int.from_bytes(body[8:10], "little") & 0x3FFF
    else:
        raise Wrong("NOT_AN_IMAGE")
    if width * height > MOST_PIXELS:
        raise Wrong("TOO_MANY_PIXELS")


def _check_tail(file: BinaryIO) -> None:
    """Refuse what is an archive as well: those are read from their end. Pages are refused by their marks."""
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(max(0, size - 66_000))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    comment = len(tail) - end - 22
    # The comment of an archive that ends here ends with the bytes.
    if end >= 0 and comment >= 0 and comment == int.from_bytes(tail[end + 20 : end + 22], "little"):
        raise Wrong("NOT_ONLY_AN_IMAGE")
    lower = tail.lower()
    if any(mark in lower for mark in (b"<script", b"<html", b"<!doctype", b"<?php")):
        raise Wrong("NOT_ONLY_AN_IMAGE")


def _write(image: Image.Image, folder: Path) -> list[list[int]]:
    # A JPEG is decoded at an eighth, a quarter or half of its size where that is enough.
    image.draft(None, (WIDTHS[-1] * 2, MOST_HEIGHT))
    profile = image.info.get("icc_profile")
    image.load()
    upright = ImageOps.exif_transpose(_eight_bits(image))
    most = _fit(upright.size, WIDTHS[-1])
    if most != upright.size:
        upright = upright.resize(most, Image.Resampling.LANCZOS, reducing_gap=2.0)
    shown = _in_srgb(upright, profile)
    sizes = [most, *(_fit(most, width) for width in reversed(WIDTHS[:-1]) if width < most[0])]
    for size in dict.fromkeys(sizes):
        smaller = (
            shown if size == shown.size else shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        )
        # A picture without anything that was said about it: what a camera noted is not given on.
        clean = Image.frombytes(smaller.mode, smaller.size, smaller.tobytes())
        clean.save(folder / f"{size[0]}.webp", "WEBP", quality=QUALITY, method=4)
    return [list(size) for size in dict.fromkeys(sizes)]


def _fit(size: tuple[int, int], width: int) -> tuple[int, int]:
    scale = min(1.0, width / size[0], MOST_HEIGHT / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return it in a mode that can be made smaller: eight bits a channel, and no palette."""
    exif = image.getexif()
    if image.mode.startswith("I") or image.mode == "F":
        most = image.getextrema()[1]
        scale = 1 / 257 if isinstance(most, int | float) and most > 255 else 1
        made = image.convert("F").point(lambda value: value * scale).convert("L")
    elif image.mode in ("P", "PA") or (image.mode in ("1", "L", "RGB") and "transparency" in image.info):
        made = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    elif image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image
    elif image.mode == "1":
        made = image.convert("L")
    else:
        made = image.convert("RGBA" if "A" in image.mode or "a" in image.mode else "RGB")
    made.info["exif"] = exif.tobytes()  # Which side is up.
    return made


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            made = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            made = None  # A profile that is none: as if there were none.
        if made is not None:
            return made
    return image if image.mode == mode else image.convert(mode)


def main() -> None:
    """Render a file within the limits, and say what came of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open(sys.argv[1], "rb") as file:
            said = render(file, Path(sys.argv[2]))
    except Wrong as wrong:
        said = {"code": str(wrong)}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
