"""Names and addresses of our files of a picture. A name says what it was made of, so it never changes."""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from catalog.media.rendering import WIDTHS
from catalog.models import Picture, ProductImage

# Grows when files are made of the same bytes in another way: caches keep what they have for ever.
RECIPE = 1
NAME = re.compile(r"pictures/[0-9a-f]{32}/[0-9a-f]{64}-[0-9]+(-[0-9]+)?\.webp")
SHOWN_WIDTH = 640


def name(merchant_id: UUID, sha256: str, width: int | None = None) -> str:
    """Return the name of a file: the largest, or the one of a smaller width."""
    smaller = f"-{width}" if width else ""
    return f"pictures/{merchant_id.hex}/{sha256}-{RECIPE}{smaller}.webp"


def names(merchant_id: UUID, sha256: str) -> list[str]:
    """Return the names of all files that there may be of a picture."""
    return [name(merchant_id, sha256), *(name(merchant_id, sha256, width) for width in WIDTHS[:-1])]


def address(file: str) -> str:
    """Return where a file is, for somebody who is not on our pages."""
    return outside(str(default_storage.url(file)))


def outside(url: str) -> str:
    """Return the address of a file, or any other that `shown` gave, for somebody who is not on our pages."""
    return url if "://" in url else settings.BASE_URL + url


def files(row: Picture) -> list[tuple[int, int, str]]:
    """Return (width, height, name) of a picture's files, the largest first."""
    return sizes(row.merchant_id, row.sha256, row.renditions)


def sizes(merchant_id: UUID, sha256: str, renditions: Iterable[Sequence[int]]) -> list[tuple[int, int, str]]:
    """Return (width, height, name) of the files of these sizes, the largest first."""
    return [
        (width, height, name(merchant_id, sha256, width if at else None))
        for at, (width, height) in enumerate(renditions)
    ]


def shown(image: ProductImage) -> str:
    """Return what a page shows of a picture: our file when there is one, else the address that was named."""
    if image.picture is None:
        return image.url
    return _best(files(image.picture))


def first(products: Iterable[UUID]) -> dict[UUID, str]:
    """Return what pages show as the first picture of each of the products that have one."""
    rows = ProductImage.objects.select_related("picture").filter(product_id__in=set(products))
    return {
        row.product_id: shown(row)
        for row in rows.order_by("product_id", "position", "id").distinct("product_id")
    }


def _best(sizes: Sequence[tuple[int, int, str]]) -> str:
    wide = [file for width, _, file in sizes if width >= SHOWN_WIDTH]
    return str(default_storage.url(wide[-1] if wide else sizes[0][2]))
