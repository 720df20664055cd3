"""Who may be in a room, and still be there, whatever else is away."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from commerce import errors, redis_client
from streams import passes
from streams.live import admission
from tests.streams import make

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_redis_it_is_known_who_may_not_stay(settings: Any) -> None:
    stream, held = make.show(), []
    for name in ("Noa", "Ben"):
        user, browser = make.user(name), Client()
        browser.force_login(user)
        key = browser.cookies[settings.SESSION_COOKIE_NAME].value
        held.append(passes.of(user=user, stream_id=stream.id, session=key, now=make.NOW))
    Session.objects.get(pk=held[0].session).delete()

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.sync.cache_clear()
    try:
        with pytest.raises(errors.Unavailable):
            passes.keep(held[1], since="0")  # It is away indeed.
        noa, ben = admission.renew(held)
    finally:
        redis_client.sync.cache_clear()

    assert isinstance(noa, admission.SignedOut)
    assert ben is None
