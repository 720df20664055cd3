"""What all bodies are."""

from typing import Any

Body = dict[str, Any]
