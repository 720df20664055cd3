"""What merchants and hosts would be paid now, and why, or why not."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from commerce import ledger, money, payees
from commerce.models import ConnectedAccount, Host, Merchant
from commerce.money import Money
from orders import states
from orders.books import entries
from orders.models import Payout, PayoutLeg

Why = Literal[
    "ready",  # it would be paid
    "held",  # nothing is earned yet: parcels have to leave, and the time for returns to pass
    "nothing",
    "negative",  # more was given back than earned since: it is taken off what is earned next
    "no_account",  # the payee has not begun to say where to
    "not_onboarded",  # the provider does not let it be paid: see the account's state
    "sending",  # the last payout is under way
]

_STANDING = """
    SELECT regexp_replace(account, '^payable:', '') AS party, currency,
           coalesce(-sum(amount) FILTER (WHERE account NOT LIKE 'payable:%%'), 0),
           coalesce(-sum(amount) FILTER (WHERE account LIKE 'payable:%%'), 0)
      FROM commerce_posting
     WHERE account ~ '^(payable:)?(merchant|host):'
       AND (%(party)s::text IS NULL OR account IN (%(party)s, 'payable:' || %(party)s))
     GROUP BY 1, 2 ORDER BY 1, 2
"""
# What of payments the payee has earned, and what of it was sent; nothing is sent of what is not earned.
_SENT = f"""
      FROM (SELECT y.id, y.charge_id, y.created_at,
                   {entries.share("y.purchase_id", "%(payable)s", "y.currency")} AS share,
                   coalesce((SELECT sum(g.amount - g.reversed_amount)
                               FROM orders_payoutleg g JOIN orders_payout q ON q.id = g.payout_id
                              WHERE g.payment_id = y.id AND q.account_id = %(account)s
                                AND g.status <> 'failed'), 0) AS sent
              FROM orders_payment y
             WHERE y.id = ANY(%(payments)s::uuid[])) w
"""
_ROOM = (
    f"SELECT w.id, w.charge_id, w.share - w.sent {_SENT} WHERE w.share > w.sent ORDER BY w.created_at, w.id"
)
_OVER = f"SELECT w.id, w.sent - w.share {_SENT} WHERE w.sent > w.share"
_EARNED = {
    "merchant": """
        SELECT DISTINCT y.id FROM orders_proceeds e JOIN orders_order o ON o.id = e.order_id
          JOIN orders_payment y ON y.purchase_id = o.purchase_id AND y.status = 'succeeded'
         WHERE e.merchant_id = %(payee)s AND e.currency = %(currency)s AND (%(all)s OR e.payout_id IS NULL)
    """,
    "host": """
        SELECT DISTINCT y.id FROM orders_commission e JOIN orders_orderline l ON l.id = e.line_id
          JOIN orders_order o ON o.id = l.order_id
          JOIN orders_payment y ON y.purchase_id = o.purchase_id AND y.status = 'succeeded'
         WHERE e.host_id = %(payee)s AND e.currency = %(currency)s AND (%(all)s OR e.payout_id IS NULL)
           AND e.earned_at IS NOT NULL
    """,
}


@dataclass(frozen=True, slots=True)
class Due:
    """How a payee stands in one currency, in minor units."""

    payee: str  # merchant:<id> or host:<id>, as the ledger calls it
    name: str
    account: ConnectedAccount | None
    currency: str
    pending: int  # sold, and not earned yet
    payable: int  # below zero: owed by the payee
    under_way: int  # in legs that have not arrived
    amount: int  # what would be paid now
    why: Why

    def money(self, amount: int) -> Money:
        """Return an amount of it as money."""
        return Money(amount, self.currency)


@dataclass(frozen=True, slots=True)
class Room:
    """A payment out of which a payee can be sent so much."""

    payment_id: UUID
    charge_id: str
    amount: int


def of_all() -> list[Due]:
    """Return how every payee stands in every currency; who is owed nothing is left out."""
    return [due for due in _standing(None) if due.pending or due.payable or due.under_way]


def of(*, payee: str) -> list[Due]:
    """Return how one payee (merchant:<id> or host:<id>) stands, currency by currency."""
    return _standing(payee)


def payee_of(account: ConnectedAccount) -> str:
    """Return what the ledger calls the owner of a connected account."""
    if account.merchant_id is not None:
        return ledger.merchant(account.merchant_id)
    assert account.host_id is not None
    return ledger.host(account.host_id)


def body(owner: payees.Owner) -> dict[str, Any]:
    """Return how a payee's account and its money stand, for its own eyes."""
    account = payees.of(owner)
    if owner.merchant_id is not None:
        party = ledger.merchant(owner.merchant_id)
    else:
        party = ledger.host(owner.host_id or UUID(int=0))
    return {
        "state": account.state if account else "none",
        "country": account.country if account else "",
        "requirements_due": account.requirements_due if account else [],
        "disabled_reason": account.disabled_reason if account else "",
        "standing": [
            {
                "pending": due.money(due.pending).as_dict(),
                "payable": due.money(due.payable).as_dict(),
                "under_way": due.money(due.under_way).as_dict(),
                "why": due.why,
            }
            for due in of(payee=party)
        ],
    }


def earned_payments(account: ConnectedAccount, currency: str, *, everything: bool) -> list[UUID]:
    """Return payments of which the payee has earned something that no payout has taken up, or of any."""
    kind, payee = ("merchant", account.merchant_id) if account.merchant_id else ("host", account.host_id)
    with connection.cursor() as cursor:
        cursor.execute(_EARNED[kind], {"payee": payee, "currency": currency, "all": everything})
        return sorted(row[0] for row in cursor.fetchall())


def rooms(account: ConnectedAccount, payments: list[UUID]) -> list[Room]:
    """Return what of these payments the payee can be sent, oldest payment first."""
    return [Room(row[0], row[1], int(row[2])) for row in _sent(_ROOM, account, payments)]


def over(account: ConnectedAccount, payments: list[UUID]) -> dict[UUID, int]:
    """Return of which of these payments the payee was sent more than it has of them, and by how much."""
    return {row[0]: int(row[1]) for row in _sent(_OVER, account, payments)}


def _sent(sql: str, account: ConnectedAccount, payments: list[UUID]) -> list[Any]:
    asked: dict[str, Any] = {
        "payable": ledger.payable(payee_of(account)),
        "account": account.id,
        "payments": payments,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        rows: list[Any] = cursor.fetchall()
    return rows


def whole(amount: int, currency: str) -> int:
    """Return what of an amount the provider takes: no part of its smallest step."""
    return amount - amount % money.step(currency)


def _standing(payee: str | None) -> list[Due]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"party": payee})
        rows: list[Any] = cursor.fetchall()
    accounts = {payee_of(each): each for each in ConnectedAccount.objects.select_related("merchant", "host")}
    legs = PayoutLeg.objects.filter(status__in=states.LEG_OPEN)
    under_way = {
        (row["payout__account"], row["currency"]): row["sum"]
        for row in legs.values("payout__account", "currency").annotate(sum=Sum("amount"))
    }
    sending = set(Payout.objects.filter(status=Payout.Status.SENDING).values_list("account_id", "currency"))
    names = _names([row[0] for row in rows])
    found = []
    for party, currency, pending, payable in rows:
        account = accounts.get(party)
        key = (account.id if account else UUID(int=0), currency)
        amount = whole(max(int(payable), 0), currency)
        why = _why(account, int(pending), int(payable), amount, sending=key in sending)
        found.append(
            Due(
                payee=party,
                name=names.get(party, ""),
                account=account,
                currency=currency,
                pending=int(pending),
                payable=int(payable),
                under_way=under_way.get(key, 0),
                amount=amount if why == "ready" else 0,
                why=why,
            )
        )
    return found


def _why(account: ConnectedAccount | None, pending: int, payable: int, amount: int, *, sending: bool) -> Why:
    if payable < 0:
        return "negative"
    if sending:
        return "sending"
    if not amount:
        return "held" if pending else "nothing"
    if account is None or account.provider_id is None:
        return "no_account"
    return "ready" if account.state == ConnectedAccount.State.ENABLED else "not_onboarded"


def _names(parties: list[str]) -> dict[str, str]:
    ids: dict[str, list[str]] = {"merchant": [], "host": []}
    for party in parties:
        kind, _, ident = party.partition(":")
        ids[kind].append(ident)
    named = {ledger.merchant(each.id): each.name for each in Merchant.objects.filter(pk__in=ids["merchant"])}
    return named | {ledger.host(each.id): each.name for each in Host.objects.filter(pk__in=ids["host"])}
