"""The host's studio: her screens, hung up by being imported, and the buttons of her control room."""

from streams.studio import cohosts, screens

__all__ = ["cohosts", "screens"]
