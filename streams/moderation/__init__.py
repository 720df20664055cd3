"""Moderation of a show's chat: nothing is taken away in silence, and everything can be undone."""
