"""A merchant's system, as the API sees it."""

import json
from typing import Any

import orjson
from rest_framework.test import APIClient

from commerce.models import Merchant
from tests.catalog import make

ROOT = "/api/v1/catalog/"


class Reply:
    """An answer: `status`, JSON `body`, and headers by name."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.type: str = response.headers.get("Content-Type", "")
        self.headers = response.headers
        # Files come as they are, some of them as a stream.
        told = self.type.partition(";")[0] in ("application/json", "application/problem+json")
        self.body: Any = orjson.loads(response.content) if told and response.content else None

    @property
    def code(self) -> str:
        """Return the code of a refusal, after checking that it is a whole problem document."""
        assert self.type == "application/problem+json", self.body
        assert self.body["status"] == self.status
        assert self.body["detail"]
        return str(self.body["code"])


class Api:
    """Calls the catalog API with one merchant's key, through the whole HTTP stack."""

    def __init__(self, merchant: Merchant) -> None:
        self.merchant = merchant
        self.headers = {"Authorization": f"Api-Key {make.key(merchant)}"}
        # A programming error becomes a 500 here as in production, and the test sees it.
        self.client = APIClient(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        """Send JSON, or `data=` with a `content_type=` as it is; `headers=` come on top."""
        headers = {**self.headers, **options.pop("headers", {})}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        url = path if path.startswith(("/", "http")) else ROOT + path
        return Reply(self.client.generic(method, url, headers=headers, **options))

    def get(self, path: str, **options: Any) -> Reply:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.call("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.call("PATCH", path, body, **options)

    def send_feed(self, feed: bytes, **options: Any) -> Reply:
        """Send a feed as bare text/csv."""
        return self.call("POST", "imports", data=feed, content_type="text/csv", **options)

    def send_form(self, files: dict[str, Any], **headers: str) -> Reply:
        """Send files in a form."""
        url = ROOT + "imports"
        return Reply(self.client.post(url, files, format="multipart", headers={**self.headers, **headers}))
