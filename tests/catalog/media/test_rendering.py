"""What a picture is by its bytes, and what is made of it. Each is opened by a process of its own."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from catalog.media import pictures, rendering
from tests.catalog.photos import picture, shot


def render(body: bytes, folder: Path) -> dict[str, object]:
    """Return what came of it, as the worker is told."""
    came = folder / "came"
    came.write_bytes(body)
    try:
        return pictures._rendered(came, folder)
    except pictures._Failed as failure:
        return {"code": failure.code}


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1")),
        *(("PNG", "I;16"), ("PNG", "LA"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("GIF", "P"), ("AVIF", "RGB")),
    ],
)
def test_every_format_is_known_by_its_bytes(kind: str, mode: str, tmp_path: Path) -> None:
    said = render(picture(kind, (700, 350), mode), tmp_path)

    assert said == {"format": kind, "renditions": [[700, 350], [640, 320], [320, 160]]}
    for width, height in ((700, 350), (640, 320), (320, 160)):
        with Image.open(tmp_path / f"{width}.webp") as made:
            assert (made.format, made.size) == ("WEBP", (width, height))


def test_a_photo_is_turned_and_says_nothing_of_where_it_was_taken(tmp_path: Path) -> None:
    body = shot()
    assert b"Exif" in body

    assert render(body, tmp_path)["renditions"] == [[400, 800], [320, 640]]
    with Image.open(tmp_path / "400.webp") as made:
        assert not made.getexif()
        assert b"EXIF" not in (tmp_path / "400.webp").read_bytes()
        assert made.convert("RGB").getpixel((5, 5))[0] > 150  # type: ignore[index]


def test_a_large_one_is_made_smaller_and_none_larger(tmp_path: Path) -> None:
    assert render(picture("PNG", (6_000, 3_000)), tmp_path)["renditions"] == [
        [2048, 1024],
        [1280, 640],
        [640, 320],
        [320, 160],
    ]


def test_of_a_moving_one_the_first_frame_is_taken(tmp_path: Path) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])

    assert render(file.getvalue(), tmp_path)["renditions"] == [[40, 40]]
    with Image.open(tmp_path / "40.webp") as made:
        assert made.convert("RGB").getpixel((5, 5))[0] > 200  # type: ignore[index]


def riff(chunk: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


GIF = b"GIF89a" + b"\xff" * 4 + bytes(3) + b"," + bytes(4) + b"\xff" * 4 + b"\0\2\0;"
WIDE = (16_382).to_bytes(3, "little")
BAD = {
    "nothing": (b"", "EMPTY"),
    "html": (b"<!doctype html><html><img src=x></html>", "NOT_AN_IMAGE"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "NOT_AN_IMAGE"),
    "a packed svg": (gzip.compress(b"<svg/>"), "NOT_AN_IMAGE"),
    "a pdf": (b"%PDF-1.4 ...", "NOT_AN_IMAGE"),
    "tiff": (picture("TIFF", (10, 10)), "NOT_AN_IMAGE"),
    "a picture of postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "NOT_AN_IMAGE"),
    "100 megapixels in a few bytes": (picture("PNG", (10_000, 10_000), "1"), "TOO_MANY_PIXELS"),
    "51 megapixels": (picture("PNG", (10_200, 5_000), "1"), "TOO_MANY_PIXELS"),
    "a jpeg of 100 megapixels": (picture("JPEG", (10_000, 10_000), "L"), "TOO_MANY_PIXELS"),
    "a gif of 4 gigapixels": (GIF, "TOO_MANY_PIXELS"),
    "webp of 268 megapixels": (riff(b"VP8X\x0a\0\0\0\0\0\0\0" + WIDE + WIDE), "TOO_MANY_PIXELS"),
    "cut in the middle": (picture("JPEG", (900, 900))[:3_000], "BROKEN"),
    "a cut png": (picture("PNG", (900, 900))[:-40], "BROKEN"),
    "a page behind a picture": (picture() + b"<script>alert(1)</script>", "NOT_ONLY_AN_IMAGE"),
}


@pytest.mark.parametrize("which", BAD)
def test_what_is_no_picture_has_a_code(which: str, tmp_path: Path) -> None:
    body, code = BAD[which]

    assert render(body, tmp_path) == {"code": code}
    assert not list(tmp_path.glob("*.webp"))
    assert code in pictures.REASONS


def test_zero_width_is_refused(tmp_path: Path) -> None:
    body = bytearray(picture("GIF", (10, 10), "P"))
    body[6:10] = bytes(4)
    header = body.index(b",")
    body[header + 5 : header + 9] = bytes(4)

    assert render(bytes(body), tmp_path)["code"] in ("BROKEN", "NOT_AN_IMAGE")


def test_a_picture_that_is_an_archive_is_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("run.class", b"cafebabe")

    assert render(picture() + archive.getvalue(), tmp_path) == {"code": "NOT_ONLY_AN_IMAGE"}


def test_control_fifty_megapixels_are_opened_within_the_limits(tmp_path: Path) -> None:
    assert render(picture("PNG", (10_000, 5_000), "1"), tmp_path)["renditions"][0] == [2048, 1024]  # type: ignore[index]


def test_what_takes_too_much_memory_ends_its_own_process_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tight = tmp_path / "rendering.py"
    source = Path(rendering.__file__).read_text()
    tight.write_text(source.replace("MEMORY = 1_500_000_000", "MEMORY = 150_000_000"))
    monkeypatch.setattr(rendering, "__file__", str(tight))

    assert render(picture("PNG", (8_000, 6_000)), tmp_path) == {"code": "TOO_COSTLY"}


def test_who_opens_pictures_knows_no_password_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://shop:open-sesame@db/shop")
    curious = tmp_path / "rendering.py"
    curious.write_text("import json, os; print(json.dumps({'env': sorted(os.environ)}))")
    monkeypatch.setattr(rendering, "__file__", str(curious))

    assert set(render(picture(), tmp_path)["env"]) <= {*pictures.ENVIRONMENT, "LC_CTYPE"}  # type: ignore[call-overload]
