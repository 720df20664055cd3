"""What payees have owed for long: taken back by itself, until that was refused too often. Then a human says
whether it is tried again, or is the platform's loss.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Count, Max

from commerce import ledger
from commerce.models import ConnectedAccount
from commerce.money import Money
from orders import states, transactions
from orders.models import Discrepancy, Reversal
from orders.payouts import planning, reversing
from orders.settling import discrepancies

log = structlog.get_logger(__name__)

TRIED_ANEW_AFTER = timedelta(days=3)
MOST_REFUSALS = 4  # Of one leg; what is refused so often has another reason than a day without money.
BAD_DEBTS = "bad_debts"  # What payees owed and will not pay: the platform's loss.

# Payees that owe, and since when: from the first moment after which they always did. What was tried to take
# back is no payment of the debt.
_DEBTS = """
    SELECT account, currency, min(at) FILTER (WHERE after_clear)
      FROM (SELECT s.*, NOT bool_or(s.standing <= 0) OVER (
                       PARTITION BY account, currency ORDER BY at, id
                       ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS after_clear
              FROM (SELECT x.account, x.currency, x.id, t.posted_at AS at,
                           sum(x.amount) OVER (PARTITION BY x.account, x.currency
                                               ORDER BY t.posted_at, x.id) AS standing
                      FROM commerce_posting x JOIN commerce_ledgertransaction t ON t.id = x.transaction_id
                     WHERE t.kind NOT IN ('reversal.owed', 'reversal.failed')
                       AND (x.account, x.currency) IN (
                           SELECT account, currency FROM commerce_posting WHERE account LIKE 'payable:%%'
                            GROUP BY 1, 2 HAVING sum(amount) > 0)) s) d
     GROUP BY 1, 2 HAVING min(at) FILTER (WHERE after_clear) < %s
"""


def take_back_all(*, now: datetime) -> list[Reversal]:
    """Write down reversals for those who have owed for long; returns them. Who fails stops nobody, and whose
    reversals were refused MOST_REFUSALS times is left to a human.
    """
    tried = Reversal.objects.filter(status=Reversal.Status.FAILED, created_at__gt=now - TRIED_ANEW_AFTER)
    lately = set(tried.values_list("leg__payout__account", "currency"))
    begun: list[Reversal] = []
    for account, currency in _overdue(now):
        if _given_up(account, currency, now) or (account.id, currency) in lately:
            continue
        try:
            begun += reversing.begin(account_id=account.id, currency=currency, by_id=None, now=now)
        except reversing.NothingOwed:
            continue
        except Exception:
            log.exception("reversal.put_off", account=str(account.id), currency=currency)
    return begun


def try_again(*, discrepancy_id: int, by_id: UUID, now: datetime) -> Money:
    """Have a debt that was given up taken back once more; returns how much that is. Raises NothingOwed."""
    account, currency = _payee(Discrepancy.objects.get(pk=discrepancy_id))
    begun = reversing.begin(account_id=account.id, currency=currency, by_id=by_id, now=now)
    return Money(sum(each.amount for each in begun), currency)


def write_off(*, discrepancy_id: int, note: str, by_id: UUID, now: datetime) -> Money:
    """Book what a payee owes, and was given up, as the platform's loss, and resolve that; returns how much it
    is. Raises NoteRequired; NothingOwed, also when it was written off before.
    """

    def work() -> Money:
        found = Discrepancy.objects.select_for_update(of=("self",)).filter(
            pk=discrepancy_id, kind=Discrepancy.Kind.DEBT, resolved_at=None
        )
        row = found.first()
        if row is None:
            raise reversing.NothingOwed
        account, currency = _payee(row)
        _lock(account)
        payable = ledger.payable(planning.payee_of(account))
        debt = ledger.balance(payable, currency)
        if debt.amount <= 0:
            raise reversing.NothingOwed
        ledger.post(
            kind="debt.written_off", ref=str(row.pk), postings=[(BAD_DEBTS, debt), (payable, debt * -1)]
        )
        found.update(ours=debt.amount)
        discrepancies.resolve(discrepancy_id=row.pk, note=note, by_id=by_id, now=now)
        log.warning("debt.written_off", payee=payable, amount=debt.amount, currency=currency)
        return debt

    return transactions.run(work, lock_timeout_ms=transactions.PATIENT_MS)


def forget(*, now: datetime) -> None:
    """Close what was given up and is not owed any more: netted, or taken back after all."""
    for row in Discrepancy.objects.filter(kind=Discrepancy.Kind.DEBT, resolved_at=None):
        account, currency = _payee(row)
        under_way = Reversal.objects.filter(
            leg__payout__account=account, currency=currency, status__in=states.REVERSAL_OPEN
        )
        owed = ledger.balance(ledger.payable(planning.payee_of(account)), currency).amount
        if owed <= 0 and not under_way.exists():
            discrepancies.resolve(
                discrepancy_id=row.pk, note="Nothing is owed any more.", by_id=None, now=now
            )


def account_of(row: Discrepancy) -> ConnectedAccount:
    """Return the account of the payee that owes a debt."""
    return _payee(row)[0]


def open_ones() -> dict[tuple[UUID, str], int]:
    """Return the debts that wait for a human: account and currency, and the discrepancy's id."""
    rows = Discrepancy.objects.filter(kind=Discrepancy.Kind.DEBT, resolved_at=None)
    return {(account.id, currency): row.pk for row in rows for account, currency in [_payee(row)]}


def _overdue(now: datetime) -> list[tuple[ConnectedAccount, str]]:
    if not settings.TAKE_BACK_AFTER_DAYS:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_DEBTS, [now - timedelta(days=settings.TAKE_BACK_AFTER_DAYS)])
        debts = [(row[0], row[1]) for row in cursor.fetchall()]
    accounts = {ledger.payable(planning.payee_of(each)): each for each in ConnectedAccount.objects.all()}
    return [(accounts[name], currency) for name, currency in debts if name in accounts]


def _given_up(account: ConnectedAccount, currency: str, now: datetime) -> bool:
    """Say whether taking back from a payee was refused too often since it last went well, or a human said
    what it was; then one is asked.
    """
    name = f"{account.id} {currency}"
    known = Discrepancy.objects.filter(kind=Discrepancy.Kind.DEBT, provider_id=name)
    if known.filter(resolved_at=None).exists():
        return True
    tried = Reversal.objects.filter(leg__payout__account=account, currency=currency)
    heard = known.aggregate(at=Max("resolved_at"))["at"]
    done = tried.filter(status=Reversal.Status.DONE).aggregate(at=Max("created_at"))["at"]
    refused = tried.filter(status=Reversal.Status.FAILED)
    if since := max((each for each in (heard, done) if each), default=None):
        refused = refused.filter(created_at__gt=since)
    times = max(
        refused.values_list("leg").annotate(Count("id")).values_list("id__count", flat=True), default=0
    )
    if times < MOST_REFUSALS:
        return False
    last = refused.select_related("leg").latest("id")
    discrepancies.note(
        discrepancies.Difference(
            kind=Discrepancy.Kind.DEBT,
            provider_id=name,
            what=f"{account.merchant or account.host} owes it, and taking it back was refused {times} times,"
            f" last as {last.failure}",
            ours=ledger.balance(ledger.payable(planning.payee_of(account)), currency),
            payment_id=last.payment_id,
            anew=True,
        ),
        now=now,
    )
    return True


def _lock(account: ConnectedAccount) -> None:
    """Have nobody take a debt back meanwhile, and no payout net it."""
    ConnectedAccount.objects.select_for_update().get(pk=account.pk)


def _payee(row: Discrepancy) -> tuple[ConnectedAccount, str]:
    account_id, _, currency = row.provider_id.partition(" ")
    return ConnectedAccount.objects.select_related("merchant", "host").get(pk=account_id), currency
