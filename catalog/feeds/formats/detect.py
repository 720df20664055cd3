"""Which format a file is in: its first bytes say so, and its header where it is a table. Pure."""

from collections.abc import Callable
from typing import BinaryIO

from catalog.feeds.formats import texts
from catalog.feeds.formats.google_tsv import GoogleTsv
from catalog.feeds.formats.google_xml import GoogleXml
from catalog.feeds.formats.jsonl import JsonLines
from catalog.feeds.formats.reading import Feed
from catalog.feeds.formats.sheets import Sheet
from catalog.feeds.formats.shopify import ShopifyCsv

SHOPIFY, GOOGLE_TSV, GOOGLE_XML, JSONL = "shopify_csv", "google_tsv", "google_xml", "jsonl"

OPEN: dict[str, Callable[[BinaryIO], Feed]] = {
    SHOPIFY: lambda file: ShopifyCsv(Sheet(file)),
    GOOGLE_TSV: lambda file: GoogleTsv(Sheet(file)),
    GOOGLE_XML: GoogleXml,
    JSONL: JsonLines,
}


def format_of(file: BinaryIO) -> str:
    """Return which format a seekable file is in; what looks like none is taken for a table.

    Raises EmptyFeed, NotText, TooManyColumns.
    """
    start = texts.start(file)
    if start.startswith("<"):
        return GOOGLE_XML
    if start.startswith(("{", "[")):
        return JSONL
    names = {name.lower() for name in Sheet(file).header}
    return GOOGLE_TSV if "id" in names and not names & {"handle", "url handle"} else SHOPIFY


def opened(file: BinaryIO, format: str) -> Feed:
    """Return a seekable file as a feed of this format; raises what the format refuses."""
    return OPEN[format](file)
