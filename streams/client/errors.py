"""What a client is refused, and that it was cut off."""

from typing import Any


class RefusedByServer(Exception):
    """The server said no; `code` says why."""

    def __init__(self, d: dict[str, Any]) -> None:
        super().__init__(f"{d['code']}: {d.get('message', '')}")
        self.code: str = d["code"]
        self.temporary: bool = d.get("temporary", False)
        self.retry_ms: int | None = d.get("retry_ms")
        self.fields: dict[str, str] = d.get("fields", {})
        self.data: dict[str, Any] = d.get("data", {})


class Disconnected(Exception):
    """The connection ended; `code` is the close code, 1006 where there was none."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code
