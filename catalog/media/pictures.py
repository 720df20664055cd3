"""What becomes of pictures that wait: fetched where they are named, checked, and kept as files of ours.

A picture is claimed by a short transaction that moves on when it is due, then fetched and looked at with no
transaction open; whoever has claimed it since writes what came of it. So a worker that is killed leaves a
picture that is due again when its lease is over. Files are written before anything says that they are there.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import structlog
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from catalog import claims, content
from catalog.media import rendering, shelved
from catalog.models import Picture, ProductImage
from commerce import faults, media
from commerce.outside import fetching

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
RENDERING_SECONDS = 90.0
# While a picture waits for its turn to be opened its lease is renewed so often.
WAITING_SECONDS = 60.0
FOLDER = "yellowcart-picture-"
# What the process that opens pictures is told of ours: where its libraries are, no password.
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
# After each try that may help later; the last is given up.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
MOST_TRIES = len(PAUSES) + 1
PER_MERCHANT = 2  # Claimed at once, so that nobody's hundred thousand pictures are before everybody else's.
GRACE = timedelta(hours=24)

State = ProductImage.State

REASONS = {
    **rendering.REASONS,
    "TOO_LARGE": "It has more than 20 MB.",
    "TOO_COSTLY": "It takes more memory or time to open than a picture may.",
    "NOT_PUBLIC": "An address that was asked is not on the public internet, or has an unusual port.",
    "UNKNOWN_NAME": "There is no such host.",
    "TIMEOUT": "The answer took too long.",
    "CANNOT_CONNECT": "Nobody answers at the address.",
    "TLS_FAILED": "No secure connection could be made.",
    "BAD_CERTIFICATE": "The certificate is not valid for the host.",
    "BROKEN_ANSWER": "The answer broke off, or is none.",
    "TOO_MANY_REDIRECTS": f"There are more than {fetching.MOST_REDIRECTS} redirects.",
    "UNKNOWN_ENCODING": "The answer is packed in a way that is not read.",
    "REFUSED": "The host answered {status}.",
    "BUSY": "Another worker is at the same picture.",
    "GIVEN_UP": "It was tried too often without an end.",
}

# Opening pictures takes memory: one at a time, whatever is fetched meanwhile.
_opening = threading.Lock()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A picture that is ours to look at until its lease is over."""

    id: UUID
    merchant_id: UUID
    url: str
    uploaded: bool
    tries: int


class _Lost(Exception):
    """Somebody else has claimed the picture since, or it waits no more."""


class _Failed(Exception):
    def __init__(self, code: str, *, passing: bool = False, status: int | None = None) -> None:
        self.code, self.passing = code, passing
        self.reason = REASONS[code].format(status=status)


def claim(*, limit: int, now: datetime) -> list[Claimed]:
    """Claim pictures that are due, a few of each active merchant; whoever else claims gets others."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT its.id FROM commerce_merchant m CROSS JOIN LATERAL (
                    SELECT i.id, i.due_at FROM catalog_productimage i
                     WHERE i.merchant_id = m.id AND i.state = 'waiting' AND i.due_at <= %s
                     ORDER BY i.due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
                ) its WHERE m.is_active ORDER BY its.due_at LIMIT %s
            )
            UPDATE catalog_productimage i SET tries = i.tries + 1, due_at = %s FROM due WHERE i.id = due.id
            RETURNING i.id, i.merchant_id, i.url, i.uploaded, i.tries
            """,
            [now, PER_MERCHANT, limit, now + LEASE],
        )
        return [Claimed(*row) for row in cursor.fetchall()]


def take(claimed: Claimed, *, clock: Callable[[], datetime], by: fetching.Client) -> None:
    """Fetch a picture, look at it and keep it; or write down why not, and when it is tried again."""
    try:
        if claimed.tries > MOST_TRIES:
            raise _Failed("GIVEN_UP")
        if claimed.uploaded:
            image = ProductImage.objects.filter(pk=claimed.id).first()
            if image is None:
                return
            with content.lent(image) as file:
                _keep(claimed, file, content.fingerprint(file)[0], clock)
        else:
            with tempfile.TemporaryFile() as file:
                _keep(claimed, file, _fetch(claimed, file, by), clock)
    except _Failed as failure:
        _fail(claimed, failure, clock())
    except _Lost:
        log.info("image.lost", image=str(claimed.id), tries=claimed.tries)


def _fetch(claimed: Claimed, file: BinaryIO, by: fetching.Client) -> str:
    accept = {"Accept": "image/avif,image/webp,image/png,image/jpeg,image/gif;q=0.8,*/*;q=0.1"}
    got = by.get(claimed.url, into=file, most=rendering.MOST_BYTES, headers=accept, plain=True)
    log.info("image.fetched", image=str(claimed.id), status=got.status, error=got.error, bytes=got.size)
    if got.error:
        raise _Failed(got.error, passing=got.passing)
    if not got.whole:
        raise _Failed("REFUSED", passing=got.passing, status=got.status)
    return got.sha256


def _keep(claimed: Claimed, file: BinaryIO, sha256: str, clock: Callable[[], datetime]) -> None:
    # One worker at a time makes or removes the files of the same bytes.
    with claims.claim(f"picture {claimed.merchant_id} {sha256}") as alone:
        if not alone:
            raise _Failed("BUSY", passing=True)
        picture, _ = Picture.objects.get_or_create(
            merchant_id=claimed.merchant_id, sha256=sha256, defaults={"format": ""}
        )
        if not picture.renditions or not _all_there(picture):
            with _turn(claimed, clock):
                _make(picture, file)
        with transaction.atomic():
            mine = ProductImage.objects.filter(pk=claimed.id, state=State.WAITING, tries=claimed.tries)
            if mine.update(state=State.READY, picture=picture, code="", reason=""):
                content.drop(ProductImage(pk=claimed.id))
                Picture.objects.filter(pk=picture.pk).exclude(unused_since=None).update(unused_since=None)


def _all_there(picture: Picture) -> bool:
    return all(default_storage.exists(name) for _, _, name in shelved.files(picture))


@contextmanager
def _turn(claimed: Claimed, clock: Callable[[], datetime]) -> Iterator[None]:
    """Wait for our turn to open a picture, which stays ours; raises _Lost."""
    _renew(claimed, clock())
    while not _opening.acquire(timeout=WAITING_SECONDS):
        _renew(claimed, clock())
    try:
        _renew(claimed, clock())
        yield
    finally:
        _opening.release()


def _renew(claimed: Claimed, now: datetime) -> None:
    mine = ProductImage.objects.filter(pk=claimed.id, state=State.WAITING, tries=claimed.tries)
    if not mine.update(due_at=now + LEASE):
        raise _Lost


def _make(picture: Picture, file: BinaryIO) -> None:
    with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:
        came = Path(folder, "came")
        file.seek(0)
        with came.open("wb") as copy:
            while chunk := file.read(content.CHUNK_BYTES):
                copy.write(chunk)
        said = _rendered(came, Path(folder))
        picture.format, picture.renditions = said["format"], said["renditions"]
        for width, _, name in shelved.files(picture):
            with Path(folder, f"{width}.webp").open("rb") as made:
                default_storage.save(name, File(made))
        faults.reach("image.files_written")
    picture.save(update_fields=["format", "renditions"])


def _rendered(came: Path, folder: Path) -> dict[str, Any]:
    """Have a picture opened by a process of its own; raises _Failed."""
    command = [sys.executable, "-I", rendering.__file__, str(came), str(folder)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=RENDERING_SECONDS,
            check=False,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        )
    except subprocess.TimeoutExpired as error:
        raise _Failed("TOO_COSTLY") from error
    if done.returncode:
        log.warning(
            "image.not_opened", code=done.returncode, said=done.stderr[-500:].decode(errors="replace")
        )
        raise _Failed("TOO_COSTLY")
    said: dict[str, Any] = json.loads(done.stdout)
    if "code" in said:
        raise _Failed(said["code"])
    return said


def _fail(claimed: Claimed, failure: _Failed, now: datetime) -> None:
    again = failure.passing and claimed.tries <= len(PAUSES)
    changes: dict[str, Any] = {"code": failure.code, "reason": failure.reason}
    if again:
        changes["due_at"] = now + PAUSES[claimed.tries - 1]
    else:
        changes["state"] = State.FAILED
    with transaction.atomic():
        mine = ProductImage.objects.filter(pk=claimed.id, state=State.WAITING, tries=claimed.tries)
        if mine.update(**changes) and not again:
            content.drop(ProductImage(pk=claimed.id))
    log.info("image.failed", image=str(claimed.id), code=failure.code, again=again)


def sweep(*, now: datetime, limit: int = 500) -> int:
    """Remove the files that no product has had for a day; returns of how many pictures."""
    used = ProductImage.objects.filter(picture=OuterRef("pk"))
    fresh = Picture.objects.filter(~Exists(used), unused_since=None, created_at__lt=now - timedelta(hours=1))
    ids = list(fresh.values_list("pk", flat=True)[:limit])
    Picture.objects.filter(pk__in=ids).update(unused_since=now)
    _clear(before=now - timedelta(hours=1))
    removed = 0
    for picture in Picture.objects.filter(unused_since__lte=now - GRACE)[:limit]:
        removed += _remove(picture, used)
    return removed


def _clear(*, before: datetime) -> None:
    """Remove what killed workers of this machine left half done."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        if media.is_older(folder, before):
            shutil.rmtree(folder, ignore_errors=True)
    if isinstance(default_storage, media.WholeFiles):
        default_storage.clear(before=before)


def _remove(picture: Picture, used: Any) -> bool:
    with claims.claim(f"picture {picture.merchant_id} {picture.sha256}") as alone:
        if not alone:
            return False
        unused = Picture.objects.filter(~Exists(used), pk=picture.pk)
        if not unused.exists():
            Picture.objects.filter(pk=picture.pk).update(unused_since=None)
            return False
        # The files first: a row without them has them made anew, files without a row are found by nobody.
        for name in shelved.names(picture.merchant_id, picture.sha256):
            default_storage.delete(name)
        unused.delete()
    return True
