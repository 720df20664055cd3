from streams.models.chat import ChatMessage, Follow, Question
from streams.models.moderation import (
    Appeal,
    BlockedWord,
    Decision,
    Report,
    Restraint,
    Right,
    ShowModerator,
)
from streams.models.offers import Offer, OfferBuyer
from streams.models.shows import Pin, ShowcaseItem, ShowEvent, Stream, StreamMove

__all__ = [
    "Appeal",
    "BlockedWord",
    "ChatMessage",
    "Decision",
    "Follow",
    "Offer",
    "OfferBuyer",
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
