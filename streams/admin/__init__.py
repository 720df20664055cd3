"""The streams' screens of the operations admin."""

from streams.admin import moderation, shows

__all__ = ["moderation", "shows"]
