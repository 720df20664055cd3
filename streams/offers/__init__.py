"""Offers: a live-only price with a quota, limits and a window. What hosts and the clock do to them.

Announced, open, ended; the clock decides, whatever the sweep has done so far. Windows of one item never
overlap.
Locks: a host's verb locks the show, then the offer. A purchase locks the offer, then its buyer's row, and
never the show, so neither waits for the other in a circle.
"""

from streams.offers.clock import close_due, open_due
from streams.offers.floor import end_below
from streams.offers.hosting import (
    announce,
    end,
    end_all,
    extend,
    is_taken,
    open,
    open_now,
)
from streams.offers.quota import count, may_sell_again, put_back, set_aside, take
from streams.offers.references import outlook
from streams.offers.rules import (
    SECONDS,
    Asked,
    BadOffer,
    CustomerLimit,
    OfferAlreadyOpen,
    OfferAnnounced,
    OfferEnded,
    OfferMismatch,
    OfferNotStarted,
    OfferSoldOut,
    PriceAboveList,
    PriceBelowFloor,
    ReferenceNotProven,
    UnknownOffer,
)

__all__ = [
    "SECONDS",
    "Asked",
    "BadOffer",
    "CustomerLimit",
    "OfferAlreadyOpen",
    "OfferAnnounced",
    "OfferEnded",
    "OfferMismatch",
    "OfferNotStarted",
    "OfferSoldOut",
    "PriceAboveList",
    "PriceBelowFloor",
    "ReferenceNotProven",
    "UnknownOffer",
    "announce",
    "close_due",
    "count",
    "end",
    "end_all",
    "end_below",
    "extend",
    "is_taken",
    "may_sell_again",
    "open",
    "open_due",
    "open_now",
    "outlook",
    "put_back",
    "set_aside",
    "take",
]
