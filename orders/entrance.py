"""What the trade does when somebody signs in. The list in config/subscriptions.py names it."""

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from commerce import errors
from commerce.models import User
from orders.carts import api as cart_api
from orders.carts import guests

log = structlog.get_logger(__name__)


def bring_cart(request: HttpRequest, user: User, answer: HttpResponse) -> None:
    """Move what she collected as a guest into her cart, and have the browser forget whose it was."""
    try:
        guests.merge(token=cart_api.token_of(request), buyer_id=user.id, now=timezone.now())
    except (errors.Refusal, DatabaseError):
        # She comes in all the same; the cookie stays, and the page asks for the merge again.
        log.warning("guest_cart.not_merged", user=str(user.id), exc_info=True)
    else:
        if cart_api.COOKIE in request.COOKIES:
            cart_api.forget(answer)
