"""However large a file is, reading it takes little memory, and a giant of nothing is refused early."""

import tempfile
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO, cast

import pytest
from django.conf import settings

from catalog import uploads
from catalog.feeds.formats import detect, texts
from commerce import errors
from tests.catalog.make import NOW

MEGABYTE = 1_000_000
TEXT = "x" * 1_800


def shopify(n: int) -> str:
    return f"p{n},Product {n},{TEXT},S{n},9.90\n"


def google_tsv(n: int) -> str:
    return f"S{n}\tProduct {n}\t{TEXT}\t9.90 EUR\n"


def google_xml(n: int) -> str:
    said = f"<g:id>S{n}</g:id><g:title>P {n}</g:title><g:description>{TEXT}</g:description>"
    return f"<item>{said}<g:price>9.90</g:price></item>\n"


def jsonl(n: int) -> str:
    return f'{{"handle":"p{n}","title":"P","description":"{TEXT}","variants":[{{"sku":"S{n}"}}]}}\n'


FILES = {
    "shopify_csv": ("Handle,Title,Body (HTML),Variant SKU,Variant Price\n", shopify, ""),
    "google_tsv": ("id\ttitle\tdescription\tprice\n", google_tsv, ""),
    "google_xml": (
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n',
        google_xml,
        "</channel></rss>",
    ),
    "jsonl": ("", jsonl, ""),
}


@pytest.fixture
def file() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as made:
        yield cast(BinaryIO, made)


@pytest.mark.parametrize("form", FILES)
def test_twenty_megabytes_are_read_in_a_few(form: str, file: BinaryIO) -> None:
    head, row, tail = FILES[form]
    file.write(head.encode())
    count = 0
    while file.tell() < 20 * MEGABYTE:
        file.write("".join(row(count + n) for n in range(1_000)).encode())
        count += 1_000
    file.write(tail.encode())
    tracemalloc.start()
    try:
        assert detect.format_of(file) == form
        pieces = detect.opened(file, form).pieces(currency="EUR", now=NOW)
        read = sum(len(piece.draft.variants) for piece in pieces if piece.draft and not piece.problems)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == count
    assert peak < 8 * MEGABYTE


def test_a_gigabyte_of_nothing_is_refused_early_by_its_size(file: BinaryIO) -> None:
    file.truncate(1 << 30)
    file.seek(0)
    tracemalloc.start()
    try:
        with pytest.raises(errors.TooLarge):
            uploads.limited(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.tell() <= settings.IMPORT_MAX_BYTES + uploads.CHUNK
    assert peak < 5 * MEGABYTE


def test_a_gigabyte_of_nothing_is_no_text_in_a_glance(file: BinaryIO) -> None:
    file.truncate(1 << 30)
    with pytest.raises(texts.NotText):
        detect.format_of(file)
    assert file.tell() <= texts.START
