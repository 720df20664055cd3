"""A CSV file as rows: encodings, delimiters, broken quoting, and files that are none."""

import contextlib
import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.formats import sheets, texts

TEXT = "Handle,Title\ncrème,Größe ✓\n"


def sheet_of(body: bytes) -> sheets.Sheet:
    return sheets.Sheet(io.BytesIO(body))


def rows_of(body: bytes) -> list[list[str]]:
    return [row.cells for row in sheet_of(body).rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_in_any_encoding_is_read(encoding: str) -> None:
    sheet = sheet_of(TEXT.encode(encoding))
    assert sheet.header == ["Handle", "Title"]
    assert [row.cells for row in sheet.rows()] == [["crème", "Größe ✓"]]


def test_latin_1_is_read() -> None:
    body = "Handle,Title\ncrème,Größe – 5 €\n"
    assert rows_of(body.encode("cp1252")) == [["crème", "Größe – 5 €"]]
    assert rows_of("Handle,Title\ncr\x81me,x\n".encode("latin-1")) == [["cr\x81me", "x"]]


def test_utf_8_with_a_damaged_place_is_read_and_the_cell_named() -> None:
    body = "Handle,Title\na,Größe, wärmer, schöner ✓✓✓\n".encode() + b"b,bro\xffken\n"
    found = list(sheet_of(body).rows())
    assert found[0].problems == ()
    assert [(p.line, p.column, p.code, p.skipped) for p in found[1].problems] == [
        (3, "Title", "BAD_ENCODING", False)
    ]


@pytest.mark.parametrize("body", [b"", b"   \n\n", "\ufeff".encode(), b",,,\n;;\n"])
def test_an_empty_file_is_refused(body: bytes) -> None:
    with pytest.raises(texts.EmptyFeed):
        sheet_of(body)


@pytest.mark.parametrize(
    "body",
    [
        b"PK\x03\x04 sheet.xlsx",
        b"%PDF-1.7 not a feed",
        b"\x89PNG\r\n\x1a\n",
        b"\x1f\x8b\x08 packed",
        bytes(range(256)) * 16,
        b"x" * 600_000,
    ],
)
def test_what_is_no_text_is_refused(body: bytes) -> None:
    with pytest.raises(texts.NotText):
        sheet_of(body)


def test_ten_thousand_columns_are_refused() -> None:
    with pytest.raises(sheets.TooManyColumns):
        sheet_of(b",".join(b"c%d" % n for n in range(10_000)) + b"\n1\n")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(mark: str) -> None:
    assert rows_of(f"Handle{mark}Title\na{mark}1\n".encode()) == [["a", "1"]]


def test_a_sep_line_is_heeded() -> None:
    assert rows_of(b"sep=;\nHandle;Title, long\na;b\n") == [["a", "b"]]


def test_lines_are_counted_through_quoted_newlines_and_blank_rows() -> None:
    body = b'Handle,Title\r\na,"one\r\ntwo"\r\n\r\n,\r\nb,x\r\n'
    assert [(row.number, row.line, row.cells) for row in sheet_of(body).rows()] == [
        (1, 2, ["a", "one\r\ntwo"]),
        (2, 6, ["b", "x"]),
    ]


def test_nul_bytes_are_left_out_and_named() -> None:
    [row] = sheet_of(b"Handle,Title\na,li\0p\n").rows()
    assert row.cells == ["a", "lip"]
    assert [(p.line, p.code, p.skipped) for p in row.problems] == [(2, "NUL_BYTE", False)]


def test_an_unclosed_quote_loses_its_row_only() -> None:
    found = list(sheet_of(b'Handle,Title\na,1\nb,"never closed\nc,3\nd,4\n').rows())
    assert [(row.line, row.cells) for row in found] == [
        (2, ["a", "1"]),
        (3, []),
        (4, ["c", "3"]),
        (5, ["d", "4"]),
    ]
    assert [problem.code for problem in found[1].problems] == ["UNCLOSED_QUOTE"]
    assert [row.number for row in found] == [1, 2, 3, 4]


def test_a_row_that_is_too_long_loses_itself_only() -> None:
    long = b"b," + b"x" * (2 * sheets.MAX_ROW_CHARS)
    found = list(sheet_of(b"Handle,Title\na,1\n" + long + b"\nc,3\n").rows())
    assert [(row.line, row.cells) for row in found] == [(2, ["a", "1"]), (3, []), (4, ["c", "3"])]
    assert [problem.code for problem in found[1].problems] == ["ROW_TOO_LONG"]


def test_a_file_has_an_end_of_rows_and_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 3)
    monkeypatch.setattr(sheets, "MAX_LINES", 10)
    assert len(rows_of(b"Handle,Title\na,1\nb,2\nc,3\n")) == 3
    for body in (b"a,1\n" * 4, b"\n" * 10):
        with pytest.raises(sheets.TooManyRows):
            rows_of(b"Handle,Title\n" + body)


def test_a_file_of_broken_quotes_takes_no_time() -> None:
    # Each line opens a quote when read for itself, and leaves an open one open: n repairs of n lines.
    body = b"Handle,Title\n" + b'x""","\n' * 300_000
    began = time.process_time()
    found = list(sheet_of(body).rows())
    assert len(found) == sheets.MAX_REPAIRS + 1
    assert "rest of the file was not read" in found[-1].problems[0].message
    assert time.process_time() - began < 10


cell = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\r\n\t"), max_size=12)


@given(st.lists(st.lists(cell, min_size=3, max_size=3).filter(any), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["Handle", "Title", "Vendor"])
    writer.writerows(rows)
    assert rows_of(file.getvalue().encode()) == rows


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_refusal(body: bytes) -> None:
    with contextlib.suppress(texts.EmptyFeed, texts.NotText):
        for row in sheet_of(body).rows():
            assert row.cells or row.problems


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_blank_lines_are_passed_over_and_counted(newline: str) -> None:
    body = f"{newline * 3}Handle,Title{newline * 4}a,1{newline}{newline}b,2".encode()
    assert [(row.number, row.line) for row in sheet_of(body).rows()] == [(1, 8), (2, 10)]


def test_a_file_of_newlines_only_is_empty_whatever_stands_before_them() -> None:
    for body in (b"\n" * 3_000_000, b"\xef\xbb\xbf" + b"\r\n" * 900_000):
        with pytest.raises(texts.EmptyFeed):
            sheet_of(body)
    with pytest.raises(sheets.TooManyRows):
        rows_of(b"Handle,Title\n" + b"\n" * 3_000_000)
