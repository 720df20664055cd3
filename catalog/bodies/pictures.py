"""Bodies of pictures: as merchants name them, and what we keep of them."""

from typing import Any

from catalog.bodies.body import Body
from catalog.media import shelved
from catalog.models import ProductImage


def image(row: ProductImage) -> Body:
    """Return a picture with its `picture`."""
    return shown(row, shelved.files(row.picture) if row.picture else [])


def listed_image(row: ProductImage) -> Body:
    """Return a picture with its product."""
    retry_at = row.due_at if row.state == ProductImage.State.WAITING and row.code else None
    return {**image(row), "product": row.product_id, "retry_at": retry_at}


def shown(row: Any, made: list[tuple[int, int, str]]) -> Body:
    """Return a picture, from its row, with the (width, height, name) of our files of it."""
    return {
        "id": row.id,
        "url": row.url,
        "alt": row.alt,
        "position": row.position,
        "state": row.state,
        "width": made[0][0] if made else None,
        "height": made[0][1] if made else None,
        "files": [
            {"url": shelved.address(name), "width": width, "height": height} for width, height, name in made
        ],
        "problem": {"code": row.code, "reason": row.reason} if row.code else None,
    }
