"""Somebody at a browser: keeps cookies, sends the CSRF token, and knows no shortcut."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx


class Browser:
    """One person's browser; every answer that is not a success raises httpx.HTTPStatusError with its text."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._http = httpx.Client(base_url=base, timeout=30, trust_env=False, headers={"Origin": base})
        self._http.get("/").raise_for_status()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API and return the answer's JSON."""
        answer = self._http.request(method, f"/api/v1/{path}", json=body, headers=self._token())
        _good(answer)
        return answer.json() if answer.content else None

    def fill_in(self, path: str, fields: dict[str, str]) -> str:
        """Send a page's form and return the path it leads to."""
        answer = self._http.post(path, data=fields, headers=self._token())
        if answer.status_code != 302:
            raise httpx.HTTPStatusError(
                f"{path} was not taken: {answer.status_code}", request=answer.request, response=answer
            )
        return urlsplit(answer.headers["Location"]).path

    def save_card(self, card: str) -> None:
        """Save a test card through the provider's own form."""
        form = self.ask("POST", "cards/setup")
        sheet = urlsplit(form["sheet_url"])
        with httpx.Client(trust_env=False) as outside:
            page = f"{sheet.scheme}://{sheet.netloc}{sheet.path}"
            _good(outside.post(page, data={"client_secret": form["client_secret"], "card": card}))
        self.ask("POST", "cards", {"setup_intent": form["client_secret"].split("_secret_")[0]})

    def ticket(self, slug: str) -> str:
        """A ticket for the show's socket."""
        return str(self.ask("POST", f"live/{slug}/ticket")["ticket"])

    def close(self) -> None:
        """Close the browser."""
        self._http.close()

    def _token(self) -> dict[str, str]:
        return {"X-CSRFToken": self._http.cookies["csrftoken"]}


def _good(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise httpx.HTTPStatusError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}",
            request=answer.request,
            response=answer,
        )
