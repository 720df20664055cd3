"""Entity tags: what a caller has seen, as a condition of reading it again and of changing it (RFC 9110).

A tag is `"<version>.<content>"`. If-None-Match compares it whole, so 304 is true of every byte. If-Match
compares the version alone, so that what changes by itself (stock that is sold) spoils nobody's change.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import errors

MAX_LENGTH = 4_000

_TAG = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_ONE = re.compile(_TAG)
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")

Body = dict[str, Any]


class BadTag(errors.Invalid):
    """If-Match or If-None-Match cannot be read."""

    code = "BAD_ETAG"
    message = 'If-Match and If-None-Match take * or entity tags in quotes, such as "7.8d969eef6ecad3c2".'


class NoCondition(errors.Invalid):
    """The operation has nothing that a condition could be about, and does not pretend to have looked."""

    code = "IF_MATCH_NOT_TAKEN"
    message = "This operation takes no If-Match and no If-None-Match."


class PreconditionFailed(errors.Refusal):
    """It is no longer what the caller has seen; `data["etag"]` is how it is now."""

    status = 412
    code = "PRECONDITION_FAILED"
    message = "This has changed since you read it. Read it again."


def digest(content: object) -> str:
    """Return what tells one content from another, in whatever order an object has its fields."""
    # An answer that was kept for an idempotency key comes back in another order.
    plain = orjson.loads(JSONRenderer().render(content) or b"null")
    return _digest(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS))


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=8).hexdigest()


def numbered(body: Body) -> str:
    """Return the version of what has a number for it."""
    return str(body["version"])


def of(*names: str) -> Callable[[Body], str]:
    """Return what makes a version of these fields: what a merchant sets, and not what becomes of it."""
    return lambda body: digest([body[name] for name in names])


@dataclass(frozen=True, slots=True)
class Resource:
    """What a request is about: how it looks now, how others are kept from changing it, which version it is.

    `lock` holds until the transaction ends, and is what every other writer of it waits for.
    """

    look: Callable[[], Body]
    lock: Callable[[], object]
    version: Callable[[Body], str] = digest

    def check(self, request: Request) -> None:
        """Raise PreconditionFailed unless it still is what the caller says it has seen."""
        wanted, unwanted = seen(request, "If-Match"), seen(request, "If-None-Match")
        unwanted = None if request.method in ("GET", "HEAD") else unwanted
        if wanted is None and unwanted is None:
            return
        try:
            body = self.look()
        except errors.NotFound:
            if wanted is None:
                return  # It is not there, as the caller says.
            if (request.parser_context or {}).get("kwargs"):
                raise
            # Of what a merchant has one or none of: RFC 9110, 13.1.1.
            raise PreconditionFailed("There is none.") from None
        version = self.version(body)
        now = tag(version, JSONRenderer().render(body))
        if wanted is not None and not wanted.names(version, weakly=False):
            raise PreconditionFailed(etag=now)
        if unwanted is not None and unwanted.names(version, weakly=True):
            raise PreconditionFailed("This is there already.", etag=now)


@dataclass(frozen=True, slots=True)
class Seen:
    """The tags of a header; None: anything that there is."""

    tags: list[tuple[bool, str]] | None

    def names(self, version: str, *, weakly: bool) -> bool:
        """Tell whether a tag of this version is among them; weak ones count only where asked for."""
        if self.tags is None:
            return True
        return any(text.partition(".")[0] == version for weak, text in self.tags if weakly or not weak)

    def is_just(self, text: str) -> bool:
        """Tell whether this very tag is among them, weak or not."""
        return self.tags is None or any(text == f'"{other}"' for _, other in self.tags)


def seen(request: Request, header: str) -> Seen | None:
    """Return what If-Match or If-None-Match names, None without it; raises BadTag."""
    text = request.headers.get(header)
    if text is None:
        return None
    if text.strip() == "*":
        return Seen(None)
    if len(text) > MAX_LENGTH or not _LIST.fullmatch(text):
        raise BadTag
    return Seen([(bool(weak), value) for weak, value in _ONE.findall(text)])


def tag(version: str, content: bytes) -> str:
    """Return the entity tag of a version with this content; of what has no version, the content's alone."""
    return f'"{version}.{_digest(content)}"' if version else f'"{_digest(content)}"'


class Versioned(Response):
    """An answer that shows a resource, with the version that it shows."""

    version = ""


def shown(body: Any, version: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Versioned:
    """Return an answer that shows this version."""
    answer = Versioned(body, status=status, headers=headers)
    answer.version = version
    return answer


def settle(request: Request, response: Response) -> Response:
    """Put the tag on a rendered answer; one to reading becomes 304 where it was seen before."""
    reads = request.method in ("GET", "HEAD")
    if not 200 <= response.status_code < 300 or not (reads or isinstance(response, Versioned)):
        return response
    version = response.version if isinstance(response, Versioned) else ""
    response["ETag"] = tag(version, bytes(response.content))
    had = seen(request, "If-None-Match") if reads else None
    if had is not None and had.is_just(response["ETag"]):
        response.status_code = 304
        response.content = b""
        del response["Content-Type"]
    return response
