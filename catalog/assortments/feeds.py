"""Writes goods that are made up as a feed of any size. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import TextIO

from catalog.feeds.formats.goods import Good, Writer


def write(goods: Iterable[Good], *, to: TextIO, writer: Writer, now: datetime) -> int:
    """Write products in a format, one after the other; returns how many variants are in the feed."""
    variants = 0
    to.write(writer.head())
    for good in goods:
        written = writer.product(good, now=now)
        to.write(written.text)
        variants += written.variants
    to.write(writer.tail())
    return variants
