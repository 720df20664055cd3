from streams.models.chat import ChatMessage, Follow, Question
from streams.models.cohosts import CoHost
from streams.models.moderation import (
    Appeal,
    BlockedWord,
    Decision,
    Report,
    Restraint,
    Right,
    ShowModerator,
)
from streams.models.offers import Coupon, CouponClaim, Offer, OfferBuyer, OfferHousehold
from streams.models.shows import Pin, ShowcaseItem, ShowEvent, Stream, StreamMove

__all__ = [
    "Appeal",
    "BlockedWord",
    "ChatMessage",
    "CoHost",
    "Coupon",
    "CouponClaim",
    "Decision",
    "Follow",
    "Offer",
    "OfferBuyer",
    "OfferHousehold",
    "Pin",
    "Question",
    "Report",
    "Restraint",
    "Right",
    "ShowEvent",
    "ShowModerator",
    "ShowcaseItem",
    "Stream",
    "StreamMove",
]
