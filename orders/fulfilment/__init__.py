"""Fulfilment: a merchant sends what was bought, in one parcel or several, and says when it is there.

Units of a line are counted as they go out, under the order's lock; the database holds that never more go out
than were bought less what was given back or cancelled before.
"""

from orders.fulfilment.following import acknowledge, deliver, go_on, relabel, take_back
from orders.fulfilment.locks import lock, lock_parcel
from orders.fulfilment.origins import lay_back
from orders.fulfilment.refusals import (
    BadMoment,
    CancellationAsked,
    NotCombinable,
    NothingNamed,
    NotOnItsWay,
    NotPaid,
    NotReleased,
    TooMany,
    UnknownLine,
)
from orders.fulfilment.sending import Label, Packed, pack, send, ship

__all__ = [
    "BadMoment",
    "CancellationAsked",
    "Label",
    "NotCombinable",
    "NotOnItsWay",
    "NotPaid",
    "NotReleased",
    "NothingNamed",
    "Packed",
    "TooMany",
    "UnknownLine",
    "acknowledge",
    "deliver",
    "go_on",
    "lay_back",
    "lock",
    "lock_parcel",
    "pack",
    "relabel",
    "send",
    "ship",
    "take_back",
]
