"""HTTP door of accounts and saved cards."""

import ipaddress
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.db import transaction
from django.middleware import csrf
from django.utils import timezone
from django.utils.module_loading import import_string
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commerce import accounts, cards, http, throttles
from commerce.models import User
from commerce.serializers import (
    AddressSerializer,
    CardDoneSerializer,
    CardSerializer,
    MeSerializer,
    NameSerializer,
    PasswordSerializer,
    SetupSerializer,
    SignInSerializer,
    SignUpSerializer,
)

TRIES_PER_EMAIL = 10
TRIES_PER_ADDRESS = 60
SIGN_UPS_PER_ADDRESS = 60
WINDOW_SECONDS = 600


def network_of(request: Request) -> str:
    """Return the caller's network address; one IPv6 customer is a /64, so that stands for all of it."""
    text = str(request.META.get("REMOTE_ADDR") or "")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _enter(request: Request, user: User, answer: Response) -> Response:
    """Sign the user in under a fresh session key, also when she was signed in already, and have other rooms
    bring what she left with them (settings.ENTRANCES), before she has her answer."""
    session = request._request.session
    before = session.session_key
    login(request._request, user, backend="django.contrib.auth.backends.ModelBackend")
    if session.session_key == before:
        session.cycle_key()
    for path in settings.ENTRANCES:
        import_string(path)(request._request, user, answer)
    return answer


def _user(request: Request) -> User:
    return cast(User, request.user)


class EntranceView(APIView):
    """A door for people who are not signed in yet. Cross-site posts are refused here too (login CSRF)."""

    authentication_classes = [http.SessionAuthentication]
    permission_classes = []

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        http.SessionAuthentication().enforce_csrf(request)
        super().initial(request, *args, **kwargs)


class SignUpView(EntranceView):
    """Create an account and enter."""

    @extend_schema(
        tags=["Account"],
        operation_id="account_sign_up",
        request=SignUpSerializer,
        responses={201: MeSerializer},
    )
    def post(self, request: Request) -> Response:
        body = SignUpSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        throttles.spend(
            what="sign-up", who=network_of(request), limit=SIGN_UPS_PER_ADDRESS, seconds=WINDOW_SECONDS
        )
        user = accounts.sign_up(**body.validated_data)
        return _enter(request, user, Response(MeSerializer(user).data, status=status.HTTP_201_CREATED))


class SignInView(EntranceView):
    """Enter with e-mail address and password."""

    @extend_schema(
        tags=["Account"], operation_id="account_sign_in", request=SignInSerializer, responses=MeSerializer
    )
    def post(self, request: Request) -> Response:
        body = SignInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        email, network = body.validated_data["email"].strip().casefold(), network_of(request)
        throttles.spend(what="sign-in", who=network, limit=TRIES_PER_ADDRESS, seconds=WINDOW_SECONDS)
        throttles.spend(what="sign-in", who=email, limit=TRIES_PER_EMAIL, seconds=WINDOW_SECONDS)
        user = accounts.recognise(**body.validated_data)
        throttles.clear(what="sign-in", who=email)
        return _enter(request, user, Response(MeSerializer(user).data))


class SignOutView(EntranceView):
    """Leave; the session ends on the server."""

    @extend_schema(tags=["Account"], operation_id="account_sign_out", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        with transaction.atomic():
            if isinstance(request.user, User):
                accounts.access_changed(user_id=request.user.id)
            logout(request._request)
        # The page stays open and may sign in again, for which it needs a token.
        csrf.get_token(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SignOutEverywhereView(http.ShopperView):
    """Leave on every device."""

    @extend_schema(
        tags=["Account"],
        operation_id="account_sign_out_everywhere",
        request=None,
        responses={204: None},
        description="Ends all sessions and live connections of the signed-in user, this one included.",
    )
    def post(self, request: Request) -> Response:
        with transaction.atomic():
            accounts.sign_out_everywhere(user_id=_user(request).id)
            logout(request._request)
        csrf.get_token(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(http.ShopperView):
    """Change the password."""

    @extend_schema(
        tags=["Account"],
        operation_id="account_change_password",
        request=PasswordSerializer,
        responses={204: None},
        description="Ends all other sessions, and all live connections, of the signed-in user.",
    )
    def post(self, request: Request) -> Response:
        body = PasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        who = str(_user(request).id)
        throttles.spend(what="password", who=who, limit=TRIES_PER_EMAIL, seconds=WINDOW_SECONDS)
        with transaction.atomic():
            user = accounts.change_password(user_id=_user(request).id, **body.validated_data)
            update_session_auth_hash(request._request, user)
        throttles.clear(what="password", who=who)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(http.ShopperView):
    """The signed-in user."""

    @extend_schema(tags=["Account"], operation_id="account_me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(_user(request)).data)

    @extend_schema(
        tags=["Account"], operation_id="account_rename", request=NameSerializer, responses=MeSerializer
    )
    def patch(self, request: Request) -> Response:
        body = NameSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(
            MeSerializer(accounts.change_name(user_id=_user(request).id, **body.validated_data)).data
        )


class AddressesView(http.ShopperView):
    """The user's addresses."""

    @extend_schema(tags=["Account"], operation_id="address_list", responses=AddressSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(AddressSerializer(accounts.addresses_of(_user(request).id), many=True).data)

    @extend_schema(
        tags=["Account"],
        operation_id="address_add",
        request=AddressSerializer,
        responses={201: AddressSerializer},
    )
    def post(self, request: Request) -> Response:
        body = AddressSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        address = accounts.save_address(user_id=_user(request).id, **body.validated_data)
        return Response(AddressSerializer(address).data, status=status.HTTP_201_CREATED)


class AddressView(http.ShopperView):
    """One of the user's addresses."""

    @extend_schema(
        tags=["Account"],
        operation_id="address_change",
        request=AddressSerializer,
        responses=AddressSerializer,
    )
    def put(self, request: Request, address_id: UUID) -> Response:
        body = AddressSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        address = accounts.save_address(
            user_id=_user(request).id, address_id=address_id, **body.validated_data
        )
        return Response(AddressSerializer(address).data)

    @extend_schema(tags=["Account"], operation_id="address_remove", responses={204: None})
    def delete(self, request: Request, address_id: UUID) -> Response:
        accounts.remove_address(user_id=_user(request).id, address_id=address_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CardsView(http.ShopperView):
    """The user's saved cards."""

    @extend_schema(tags=["Cards"], operation_id="card_list", responses=CardSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(CardSerializer(cards.of(_user(request).id), many=True).data)

    @extend_schema(
        tags=["Cards"],
        operation_id="card_add",
        request=CardDoneSerializer,
        responses={201: CardSerializer(many=True)},
        description="Save the card of a finished card form. Safe to repeat.",
    )
    def post(self, request: Request) -> Response:
        body = CardDoneSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        kept = cards.add(
            user_id=_user(request).id, setup_id=body.validated_data["setup_intent"], now=timezone.now()
        )
        return Response(CardSerializer(kept, many=True).data, status=status.HTTP_201_CREATED)


class CardSetupView(http.ShopperView):
    """Open a card form."""

    @extend_schema(tags=["Cards"], operation_id="card_setup", request=None, responses={201: SetupSerializer})
    def post(self, request: Request) -> Response:
        user = _user(request)
        throttles.spend(what="card-setup", who=str(user.id), limit=20, seconds=WINDOW_SECONDS)
        form = cards.open_form(user_id=user.id, now=timezone.now())
        return Response(SetupSerializer(form).data, status=status.HTTP_201_CREATED)


class DefaultCardView(http.ShopperView):
    """Choose the card that pays."""

    @extend_schema(
        tags=["Cards"], operation_id="card_make_default", request=None, responses=CardSerializer(many=True)
    )
    def post(self, request: Request, card_id: UUID) -> Response:
        kept = cards.make_default(user_id=_user(request).id, card_id=card_id)
        return Response(CardSerializer(kept, many=True).data)


class CardView(http.ShopperView):
    """One saved card."""

    @extend_schema(
        tags=["Cards"], operation_id="card_remove", responses={204: OpenApiResponse(description="Removed.")}
    )
    def delete(self, request: Request, card_id: UUID) -> Response:
        cards.remove(user_id=_user(request).id, card_id=card_id, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
