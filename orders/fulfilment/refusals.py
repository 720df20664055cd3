"""What merchants are told who cannot send what they want to, or say of a parcel what cannot be."""

from commerce import errors


class NotPaid(errors.Conflict):
    """Only a paid order of which something is to go out can be shipped."""

    code = "ORDER_NOT_OPEN"
    message = "This order is not waiting to be shipped."


class NotReleased(errors.Conflict):
    """A pre-order goes out at its release; `release_at` says when, in Unix milliseconds."""

    code = "NOT_RELEASED"
    message = "This is a pre-order. It may be shipped from its release on."


class CancellationAsked(errors.Conflict):
    """Its buyer waits for an answer: cancelled, or refused with a word."""

    code = "CANCELLATION_ASKED"
    message = "The buyer has asked to cancel this order. Cancel it, or refuse to, before it is shipped."


class TooMany(errors.Conflict):
    """More units than are to go out; `left` says how many are, `line` of which line."""

    code = "SHIP_TOO_MUCH"
    message = "So many units of this line are not left to be shipped."


class NothingNamed(errors.Invalid):
    """A parcel has something in it."""

    message = "Say what is in the parcel: lines, or orders."


class NotCombinable(errors.Conflict):
    """One parcel goes to one buyer at one address, and is paid; `reason` says what is not so."""

    code = "NOT_COMBINABLE"
    message = "These orders cannot go out in one parcel."


class NotOnItsWay(errors.Conflict):
    """The parcel of a pre-order waits for the money."""

    code = "PARCEL_WAITS"
    message = "This parcel waits until its pre-order is paid."


class BadMoment(errors.Invalid):
    """A parcel arrives after its order was made, and not in the future."""

    message = "The parcel cannot have arrived at that time."


class UnknownLine(errors.NotFound):
    """The merchant's orders have no such line."""

    message = "There is no such line."
