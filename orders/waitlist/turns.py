"""Whose turn it is when units come back: the one rule of the line, over plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody in line for units of a variant, at an offer's price or (None) at the list price."""

    id: UUID
    buyer_id: UUID
    variant_id: UUID
    offer_id: UUID | None
    quantity: int


def next_turns(
    waiting: Sequence[Waiter],
    *,
    stock: Mapping[UUID, int],
    offers: Mapping[UUID, int],
    rooms: Mapping[tuple[UUID, UUID], int] | None = None,
) -> list[Waiter]:
    """Return who of those waiting (first come first) has a turn now.

    There are `stock` units per variant, and `offers` units per offer that sells; `rooms` is how many more a
    buyer may have, by (offer, buyer). Who wants more units than there are keeps her place; who fits goes
    before.
    """
    stock, offers, rooms = dict(stock), dict(offers), dict(rooms or {})
    turns = []
    for one in waiting:
        if stock.get(one.variant_id, 0) < one.quantity:
            continue
        if one.offer_id is not None:
            hers = one.offer_id, one.buyer_id
            room = rooms.get(hers, one.quantity)
            if offers.get(one.offer_id, 0) < one.quantity or room < one.quantity:
                continue
            offers[one.offer_id] -= one.quantity
            rooms[hers] = room - one.quantity
        stock[one.variant_id] -= one.quantity
        turns.append(one)
    return turns
