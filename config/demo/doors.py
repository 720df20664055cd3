"""The demo's way in from outside: the same HTTP doors that everybody has."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx

Body = dict[str, Any]
TIMEOUT_SECONDS = 30.0
DONE = ("done", "failed")


class DoorClosed(Exception):
    """The server said no; the message says what it said."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(
            f"{response.request.method} {response.request.url.path}: "
            f"{response.status_code} {response.text[:500]}"
        )
        self.status = response.status_code
        try:
            self.code = str(response.json()["code"])
        except (ValueError, KeyError, TypeError):
            self.code = ""


class Door:
    """One caller's requests to `<base>/api/v1`; every answer is JSON or DoorClosed."""

    def __init__(self, base: str, **how: Any) -> None:
        self._http = httpx.Client(base_url=f"{base}/api/v1/", timeout=TIMEOUT_SECONDS, trust_env=False, **how)

    def ask(self, method: str, path: str, **what: Any) -> Any:
        """Send a request and return the body of its answer; raises DoorClosed, httpx.TransportError."""
        response = self._http.request(method, path, **what)
        if not response.is_success:
            raise DoorClosed(response)
        return response.json() if response.content else None

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()


def merchant(base: str, api_key: str) -> Door:
    """A merchant's system, by its API key."""
    return Door(base, headers={"Authorization": f"Api-Key {api_key}"})


def user(base: str, session: str) -> Door:
    """Somebody signed in, by the key of the session."""
    token = secrets.token_hex(16)
    return Door(
        base,
        headers={"X-CSRFToken": token, "Origin": base},
        cookies={"sessionid": session, "csrftoken": token},
    )


def send_feed(
    door: Door,
    *,
    name: str,
    body: bytes,
    within: float = 60,
    told: Callable[[Body], None] = lambda _job: None,
) -> Body:
    """Send a feed and wait until it was read; `told` hears of progress. Raises DoorClosed, TimeoutError."""
    job: Body = door.ask("POST", "catalog/imports", files={"file": (name, body, "text/csv")})
    deadline = time.monotonic() + within
    while job["status"] not in DONE:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} was not read within {within:.0f} s; it is {job['status']}")
        time.sleep(0.1)
        seen, job = job, door.ask("GET", f"catalog/imports/{job['id']}")
        if job["rows_done"] != seen["rows_done"]:
            told(job)
    return job
