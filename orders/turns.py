"""Whose turn it is when units come back: the one rule of the line, over plain data."""

from collections.abc import Collection, Mapping, Sequence
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
    full: Collection[tuple[UUID, UUID]] = (),
) -> list[Waiter]:
    """Return who of those waiting (first come first) has a turn now.

    There are `stock` units per variant, and `offers` units per offer that sells; `full` are (offer, buyer)
    pairs that may have no more. Who wants more units than there are keeps her place; who fits goes before.
    """
    stock, offers = dict(stock), dict(offers)
    turns = []
    for one in waiting:
        if stock.get(one.variant_id, 0) < one.quantity:
            continue
        if one.offer_id is not None:
            if offers.get(one.offer_id, 0) < one.quantity or (one.offer_id, one.buyer_id) in full:
                continue
            offers[one.offer_id] -= one.quantity
        stock[one.variant_id] -= one.quantity
        turns.append(one)
    return turns
