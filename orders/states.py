"""The lives of purchases, orders and payments: which status may follow which."""

from typing import Final

Moves = dict[str, frozenset[str]]

PURCHASE: Final[Moves] = {
    "accepted": frozenset({"action_required", "authorized", "paid", "declined", "expired", "cancelled"}),
    "action_required": frozenset({"authorized", "paid", "declined", "expired", "cancelled"}),
    # A pre-order: the card has promised the money, which is taken when it is shipped.
    "authorized": frozenset({"paid", "cancelled"}),
    "paid": frozenset(),
    # Another card; or money that arrived although the card had been declined.
    "declined": frozenset({"accepted", "paid"}),
    # Money that arrived after the end: the units are taken again, if there are any.
    "expired": frozenset({"paid"}),
    "cancelled": frozenset({"paid"}),
}

ORDER: Final[Moves] = {
    "pending": frozenset({"open", "cancelled"}),
    "open": frozenset({"shipping", "partly_shipped", "shipped", "cancelled"}),
    # A pre-order's parcel waits for the money.
    "shipping": frozenset({"partly_shipped", "shipped", "cancelled"}),
    # With its last parcel, or when its rest is given back or cancelled.
    "partly_shipped": frozenset({"shipped"}),
    "shipped": frozenset({"delivered"}),
    "delivered": frozenset(),
    "cancelled": frozenset({"open"}),  # Only while it was never paid, with a purchase that is paid late.
}

PAYMENT: Final[Moves] = {
    "created": frozenset(
        {"sent", "succeeded", "authorized", "declined", "action_required", "cancelled", "returned"}
    ),
    "sent": frozenset(
        {
            *("created", "unknown", "succeeded", "authorized", "declined", "action_required"),
            *("cancelled", "returned"),
        }
    ),
    "unknown": frozenset(
        {"sent", "succeeded", "authorized", "declined", "action_required", "cancelled", "returned"}
    ),
    "action_required": frozenset({"succeeded", "authorized", "declined", "cancelled", "returned"}),
    # A promise of money, until it is captured or ends.
    "authorized": frozenset({"succeeded", "cancelled", "returned"}),
    "succeeded": frozenset(),
    # The provider may report a capture after we gave up: it is kept if the purchase can take it, else given
    # back.
    "declined": frozenset({"succeeded", "returned"}),
    "cancelled": frozenset({"succeeded", "returned"}),
    "returned": frozenset(),
}

REFUND: Final[Moves] = {
    "created": frozenset({"sent", "pending", "succeeded", "failed", "by_bank"}),
    "sent": frozenset({"created", "unknown", "pending", "succeeded", "failed"}),
    "unknown": frozenset({"pending", "succeeded", "failed"}),
    "pending": frozenset({"succeeded", "failed"}),
    # The buyer's bank may send it back days later.
    "succeeded": frozenset({"failed"}),
    "failed": frozenset({"by_bank"}),
    "by_bank": frozenset(),
}
REFUND_OPEN: Final = frozenset({"created", "sent", "unknown", "pending"})

COMMISSION: Final[Moves] = {
    "pending": frozenset({"earned", "reversed"}),
    "earned": frozenset({"paid", "reversed"}),
    # Paid, and the part of a payout that failed is owed again.
    "paid": frozenset({"earned", "reversed"}),
    # A bank gave back what it took: it is again what it was.
    "reversed": frozenset({"pending", "earned", "paid"}),
}

LEG: Final[Moves] = {
    "created": frozenset({"sent", "paid", "failed"}),
    "sent": frozenset({"created", "unknown", "waiting", "paid", "failed"}),
    "unknown": frozenset({"waiting", "paid", "failed"}),
    "waiting": frozenset({"sent", "paid", "failed"}),
    "paid": frozenset(),
    # The provider may report it after we gave it up: a discrepancy, as the money is owed again.
    "failed": frozenset(),
}
LEG_OPEN: Final = frozenset({"created", "sent", "unknown", "waiting"})

REVERSAL: Final[Moves] = {
    "created": frozenset({"sent", "done", "failed"}),
    "sent": frozenset({"created", "unknown", "done", "failed"}),
    "unknown": frozenset({"done", "failed"}),
    "done": frozenset(),
    # The provider may report it after we gave it up: a discrepancy, as the money is owed again.
    "failed": frozenset(),
}
REVERSAL_OPEN: Final = frozenset({"created", "sent", "unknown"})

RETURN: Final[Moves] = {
    "asked": frozenset({"approved", "refused"}),
    # A merchant may do without the goods; what never comes ends by itself, and may be let come after all.
    "approved": frozenset({"received", "refunded", "lapsed"}),
    "lapsed": frozenset({"approved"}),
    "refused": frozenset(),
    "received": frozenset({"refunded"}),
    "refunded": frozenset(),
}

SENT: Final = frozenset({"shipped", "delivered"})  # Orders of which nothing is to go out any more.
UNPAID: Final = frozenset({"accepted", "action_required"})  # Purchases whose units are held.
# Payments the provider may know of.
IN_FLIGHT: Final = frozenset({"sent", "unknown", "action_required", "authorized"})
ALIVE: Final = frozenset(
    {"created", "sent", "unknown", "action_required", "authorized", "succeeded"}
)  # At most one per purchase.


def sources_of(moves: Moves, new: str) -> list[str]:
    """Return every status from which `new` may follow."""
    return [old for old, following in moves.items() if new in following]
