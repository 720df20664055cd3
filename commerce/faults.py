"""Places where a process can be made to die, for the tests that kill it there. Off outside development."""

import os
import signal
from typing import Final

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

# Every place, and what has been done when it is reached.
POINTS: Final[dict[str, str]] = {
    "import.batch": "a batch of a feed is read, and not written yet",
    "export.part": "a part of an export is written for good, and more is left",
    "feed.fetched": "a merchant's feed is fetched, and nothing of it is written down",
    "image.files_written": "a picture's files are all written, and nothing says that they are there",
    "till.begun": "a batch of purchases has its transaction",
    "till.locked": "the batch has locked what it wants",
    "till.written": "the batch is written, and not committed",
    "till.committed": "the batch is committed, and nobody has been answered",
    "expiry.written": "purchases are ended, and that is not committed",
    "expiry.committed": "purchases are ended for good, and more are over",
    "settle.before_send": "a charge is written down as sent, and was not",
    "settle.after_send": "the provider has answered a charge, and it is not written down",
    "settle.applied": "answers of charges are written down, and that is not committed",
    "settle.after_apply": "the charge's answer is written down, and its task not acknowledged",
    "capture.before_send": "a pre-order's parcel is ready, and its money was not asked for",
    "capture.after_send": "the provider has taken a pre-order's money, and it is not written down",
    "capture.after_apply": "the capture's answer is written down, and its task not acknowledged",
    "dispute.written": "what a bank took or gave back is booked, and that is not committed",
    "dispute.committed": "what a bank took or gave back is booked, and its notice counts as unread",
    "refund.before_send": "a refund is written down as sent, and was not",
    "refund.after_send": "the provider has answered a refund, and it is not written down",
    "refund.after_take_in": "the refund's answer is written down, and its task not acknowledged",
    "payout.leg_before_send": "a leg of a payout is written down as sent, and was not",
    "payout.leg_after_send": "the provider has sent a leg, and it is not written down",
    "payout.leg_after_take_in": "a leg's answer is written down, and more legs are left",
    "reversal.before_send": "a reversal is written down as sent, and was not",
    "reversal.after_send": "the provider has taken money back, and it is not written down",
    "reversal.after_take_in": "a reversal's answer is written down, and its task not acknowledged",
    "notice.recorded": "a notice is kept, and the provider was not told so",
    "notice.read_before_apply": "a notice is taken up, and nothing of it applied",
    "notice.read_after_apply": "what a notice says is applied, and it counts as unread",
    "webhook.before_send": "a try of a webhook is written down, and nothing was sent",
    "webhook.after_send": "a merchant's system has answered a webhook, and it is not written down",
    "reconcile.before_mark": "one of the provider's lists is read to its end, and its mark not moved",
}


def reach(point: str) -> None:
    """Kill this process as `kill -9` would, when the environment's FAULT names this point and DEBUG is on.

    FAULT may end with `:<file>`; the first process to create that file dies, the next ones go on.
    """
    armed = os.environ.get("FAULT", "") if settings.DEBUG else ""
    if not armed:
        return
    name, _, once = armed.partition(":")
    if name != point:
        return
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
    log.warning("fault.reached", point=point)
    os.kill(os.getpid(), signal.SIGKILL)
