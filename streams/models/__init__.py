from streams.models.chat import ChatMessage
from streams.models.offers import Offer, OfferBuyer
from streams.models.shows import Pin, ShowcaseItem, ShowEvent, Stream, StreamMove

__all__ = [
    "ChatMessage",
    "Offer",
    "OfferBuyer",
    "Pin",
    "ShowEvent",
    "ShowcaseItem",
    "Stream",
    "StreamMove",
]
