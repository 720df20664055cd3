"""Where merchants and hosts are paid: an account at the provider, which its owner finishes on its pages.

The provider is asked outside transactions; what it says is written as it stands, so that the same answer may
come any number of times.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import Case, Q, When

from commerce import countries, errors, gateway
from commerce.models import ConnectedAccount, Host, MerchantMember

log = structlog.get_logger(__name__)
State = ConnectedAccount.State

# Notices of connected accounts are in no list that we read: who lost one learns of it by asking.
ASKED_AGAIN_AFTER = timedelta(days=1)
NEW_FOR = timedelta(days=1)  # So long an account that cannot be paid yet is asked for more often.
NEW_ASKED_AGAIN_AFTER = timedelta(minutes=10)


class CountryNeeded(errors.Invalid):
    """An account is opened in a country, which cannot be changed later."""

    code = "COUNTRY_NEEDED"
    message = "Say in which country you are paid, as two letters. It cannot be changed later."


class OtherCountry(errors.Conflict):
    """The account was opened in another country."""

    code = "OTHER_COUNTRY"
    message = "This account was opened in another country. Ask the platform for a new one."


class Gone(errors.Conflict):
    """The account was cut off, and somebody of the platform has to look."""

    code = "PAYOUT_ACCOUNT_GONE"
    message = "The account is not connected any more. Ask the platform."


class NotOpened(errors.Conflict):
    """The provider does not open an account for this payee."""

    code = "PAYOUT_ACCOUNT_REFUSED"
    message = "The payment provider does not open an account with these details."


@dataclass(frozen=True, slots=True)
class Owner:
    """A merchant or a host; exactly one of them."""

    merchant_id: UUID | None = None
    host_id: UUID | None = None


def of(owner: Owner) -> ConnectedAccount | None:
    """Return a payee's account; None when it has not begun to open one."""
    return ConnectedAccount.objects.filter(_is(owner)).first()


def open_page(*, owner: Owner, country: str, back_to: str, again_at: str, now: datetime) -> str:
    """Return the provider's page on which the payee says who it is; opens the account with the first one.

    The page leads to `back_to` when its owner is done and to `again_at` when it is too old. Raises
    CountryNeeded, OtherCountry, Gone, NotOpened, Unavailable, UnknownOutcome.
    """
    account = of(owner) or _new(owner, country)
    if country and account.country != country:
        raise OtherCountry(country=account.country)
    if account.state == State.GONE:
        raise Gone
    try:
        if account.provider_id is None:
            told = gateway.create_account(
                key=f"account-{account.id}",
                account_id=account.id,
                country=account.country,
                email=_email(owner),
            )
            # The key makes it the same account, however many ask at once.
            ConnectedAccount.objects.filter(pk=account.pk, provider_id=None).update(provider_id=told.id)
            account = _write(account, told, now)
        assert account.provider_id is not None
        return gateway.account_link(provider_id=account.provider_id, refresh_url=again_at, return_url=back_to)
    except gateway.Missing as error:
        _lost(account, now)
        raise Gone from error
    except gateway.Refused as error:
        log.error("payee.refused", account=str(account.id), code=error.code, error=str(error))
        raise NotOpened from error


def refresh(*, provider_id: str, now: datetime) -> ConnectedAccount | None:
    """Read how an account stands at the provider; None when it is not ours. Raises Unavailable, Refused."""
    account = ConnectedAccount.objects.filter(provider_id=provider_id).first()
    if account is None:
        return None
    try:
        told = gateway.retrieve_account(provider_id)
    except gateway.Missing:
        return _lost(account, now)
    return _write(account, told, now)


def due(*, now: datetime, limit: int, without: Collection[str] = ()) -> list[str]:
    """Return the provider's ids of accounts that were not asked for in a while, the oldest answer first."""
    new = ~Q(state=State.ENABLED) & Q(
        created_at__gt=now - NEW_FOR, checked_at__lt=now - NEW_ASKED_AGAIN_AFTER
    )
    unanswered = Q(checked_at=None, created_at__lt=now - NEW_ASKED_AGAIN_AFTER)
    rows = ConnectedAccount.objects.filter(
        new | unanswered | Q(checked_at__lt=now - ASKED_AGAIN_AFTER), provider_id__isnull=False
    )
    rows = rows.exclude(state=State.GONE).exclude(provider_id__in=without)
    return [str(each) for each in rows.order_by("checked_at").values_list("provider_id", flat=True)[:limit]]


def lost(*, provider_id: str, now: datetime) -> None:
    """Take in that an account's owner has cut it off."""
    account = ConnectedAccount.objects.filter(provider_id=provider_id).first()
    if account is not None:
        _lost(account, now)


def _new(owner: Owner, country: str) -> ConnectedAccount:
    if country not in countries.CODES:
        raise CountryNeeded
    # Two at once are one account: the owner is unique.
    ConnectedAccount.objects.bulk_create(
        [ConnectedAccount(merchant_id=owner.merchant_id, host_id=owner.host_id, country=country)],
        ignore_conflicts=True,
    )
    return ConnectedAccount.objects.get(_is(owner))


def _is(owner: Owner) -> Q:
    if owner.merchant_id is not None:
        return Q(merchant=owner.merchant_id)
    return Q(host=owner.host_id, host__isnull=False)


def _email(owner: Owner) -> str:
    if owner.host_id is not None:
        return Host.objects.select_related("user").get(pk=owner.host_id).user.email
    members = MerchantMember.objects.filter(merchant=owner.merchant_id).select_related("user")
    first = members.order_by(Case(When(role="owner", then=0), default=1), "id").first()
    return first.user.email if first else ""


def _write(account: ConnectedAccount, told: gateway.Account, now: datetime) -> ConnectedAccount:
    was = account.state
    state = _state(told)
    rows = ConnectedAccount.objects.filter(pk=account.pk)
    rows.update(
        state=state,
        charges_enabled=told.charges_enabled,
        payouts_enabled=told.payouts_enabled,
        transfers_enabled=told.transfers_enabled,
        details_submitted=told.details_submitted,
        requirements_due=told.due,
        disabled_reason=told.disabled_reason[:120],
        checked_at=now,
    )
    if was != state:
        log.info("payee.moved", account=str(account.id), old=was, new=state)
    return rows.get()


def _state(told: gateway.Account) -> str:
    if told.transfers_enabled and told.payouts_enabled:
        return State.ENABLED
    if not told.details_submitted:
        return State.ONBOARDING
    if told.due or told.disabled_reason.startswith(("rejected", "platform", "listed")):
        return State.RESTRICTED
    return State.PENDING


def _lost(account: ConnectedAccount, now: datetime) -> ConnectedAccount:
    log.error("payee.gone", account=str(account.id), provider_id=account.provider_id)
    rows = ConnectedAccount.objects.filter(pk=account.pk)
    rows.update(
        state=State.GONE,
        charges_enabled=False,
        payouts_enabled=False,
        transfers_enabled=False,
        checked_at=now,
    )
    return rows.get()
