"""The log of stock: how many units of a variant moved, when, why, and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.copying import copy
from catalog.models import Stock, StockMovement

Reason = StockMovement.Reason


@dataclass(frozen=True, slots=True)
class Who:
    """Who moved stock, as far as it is known: a key, a feed or an operator, by name."""

    kind: str = StockMovement.By.UNKNOWN
    name: str = ""


SOMEBODY = Who()


def came_back(*, units: Mapping[UUID, int], note: str, now: datetime) -> None:
    """Write down sold units that came back, inside the caller's transaction, who also hands them out."""
    owners = dict(Stock.objects.filter(pk__in=list(units)).values_list("pk", "merchant_id"))
    StockMovement.objects.bulk_create(
        StockMovement(
            merchant_id=owners[pk],
            variant_id=pk,
            delta=units[pk],
            reason=Reason.RETURN,
            note=note[:200],
            at=now,
        )
        for pk in sorted(units)
    )


def write(
    merchant_id: UUID,
    deltas: Mapping[UUID, int],
    *,
    reason: Reason,
    note: str,
    now: datetime,
    by: Who,
) -> None:
    """Write down by how many units a merchant's variants moved, and why; of those that did move."""
    copy(
        StockMovement,
        ("merchant", "variant", "delta", "reason", "note", "by", "by_name", "at"),
        (
            (merchant_id, pk, delta, reason, note, by.kind, by.name, now)
            for pk, delta in deltas.items()
            if delta
        ),
    )
