"""Bytes that were sent, kept in parts in the database until they are read, where any worker can have them."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from catalog.models import Import, ProductImage

CHUNK_BYTES = 1 << 20


def fingerprint(file: BinaryIO) -> tuple[str, int]:
    """Return the SHA-256 of a seekable file in hexadecimal, and its size in bytes."""
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(file):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def keep(job: Import | ProductImage, file: BinaryIO) -> None:
    """Keep a seekable file as the content of an import or a picture."""
    for number, body in enumerate(_chunks(file)):
        job.chunks.create(number=number, body=body)


@contextmanager
def lent(job: Import | ProductImage) -> Iterator[BinaryIO]:
    """Lend such content as a file; of what is in memory it is never more than a part."""
    with tempfile.TemporaryFile() as file:
        for chunk in job.chunks.order_by("number").iterator(chunk_size=1):
            file.write(chunk.body)
        yield file


def drop(job: Import | ProductImage) -> None:
    """Keep such content no longer."""
    job.chunks.all().delete()


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
