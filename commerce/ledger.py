"""The ledger: append-only double entry in minor units. Debit positive, credit negative.

The database refuses a transaction that does not sum to zero per currency or has other than its announced
postings (deferred triggers), and any UPDATE, DELETE or TRUNCATE of what was posted. Accounts and kinds are in
docs/ledger.md.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min, Sum

from commerce import ids
from commerce.models import Posting
from commerce.money import Money

PROVIDER = "provider"  # Money at the payment provider (an asset).
PLATFORM_FEES = "platform:fees"  # What the platform earned.
DISPUTES = "disputes"  # What banks took back of money that nobody had any more: the platform's loss.
TRANSFERS = "transfers"  # On its way to merchants and hosts until the provider has sent it.
REFUNDS = "refunds"  # Owed to buyers until the provider has paid it back.


class Unbalanced(ValueError):
    """Postings that do not sum to zero in each currency; a programming error."""


def clearing(purchase_id: UUID) -> str:
    """Return the clearing account of a purchase; it goes back to zero when the purchase is settled."""
    return f"clearing:{purchase_id}"


def merchant(merchant_id: UUID) -> str:
    """Return the account of what is owed to a merchant."""
    return f"merchant:{merchant_id}"


def host(host_id: UUID) -> str:
    """Return the account of commission owed to a host."""
    return f"host:{host_id}"


def payable(account: str) -> str:
    """Return the account of what of a merchant's or a host's account may be paid out."""
    return f"payable:{account}"


@dataclass(frozen=True, slots=True)
class Booking:
    """One thing to book, once per (ref, kind): postings (account, amount) that sum to zero."""

    kind: str
    ref: str
    postings: Sequence[tuple[str, Money]]


def post(*, kind: str, ref: str, postings: Sequence[tuple[str, Money]]) -> UUID | None:
    """Book postings (account, amount) once per (ref, kind); returns the transaction's id, None when they were
    booked before.

    Zero amounts are left out. Raises Unbalanced when a currency does not sum to zero.
    """
    return post_all([Booking(kind, ref, postings)]).get((ref, kind))


def post_all(bookings: Sequence[Booking]) -> dict[tuple[str, str], UUID]:
    """Book many things in two statements, each once per (ref, kind) and otherwise left alone; returns by
    (ref, kind) the ids of those that are booked now. Raises Unbalanced.
    """
    heads: list[tuple[UUID, str, str, int]] = []
    lines: list[tuple[UUID, str, int, str]] = []
    for one in bookings:
        legs = _checked(one)
        head = ids.new()
        heads.append((head, one.kind, one.ref, len(legs)))
        lines += [(head, account, money.amount, money.currency) for account, money in legs]
    if not heads:
        return {}
    # In one order, so that two who book the same wait for each other and neither for ever.
    heads.sort(key=lambda head: (head[2], head[1]))
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        # This waits for a concurrent booking of the same ref, then leaves it alone.
        cursor.execute(
            """
            INSERT INTO commerce_ledgertransaction (id, kind, ref, legs)
            SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::smallint[])
                ON CONFLICT DO NOTHING RETURNING ref, kind, id
            """,
            _columns(heads),
        )
        booked = {(ref, kind): id_ for ref, kind, id_ in cursor.fetchall()}
        fresh = set(booked.values())
        theirs = [line for line in lines if line[0] in fresh]
        if theirs:
            cursor.execute(
                """
                INSERT INTO commerce_posting (transaction_id, account, amount, currency)
                SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[])
                """,
                _columns(theirs),
            )
    return booked


def _checked(one: Booking) -> list[tuple[str, Money]]:
    """Return its postings without those of zero; raises Unbalanced."""
    legs = [(account, money) for account, money in one.postings if money.amount]
    sums: Counter[str] = Counter()
    for _, money in legs:
        sums[money.currency] += money.amount
    if not legs or any(sums.values()):
        raise Unbalanced(f"{one.kind} {one.ref}: {dict(sums)}")
    return legs


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def balance(account: str, currency: str, *, at: datetime | None = None) -> Money:
    """Return what stands on an account in one currency, now or as of a moment."""
    postings = Posting.objects.filter(account=account, currency=currency)
    if at is not None:
        postings = postings.filter(transaction__posted_at__lte=at)
    return Money(postings.aggregate(total=Sum("amount"))["total"] or 0, currency)


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting of one account, with what stood on it afterwards."""

    at: datetime
    kind: str
    ref: str
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account from one moment, included, to another, excluded; minor units, debit positive."""

    account: str
    currency: str
    opening: int
    entries: list[Entry]
    closing: int


def statement(*, account: str, currency: str, since: datetime, until: datetime) -> Statement:
    """Return what was posted on an account in one currency in a time, with opening and closing balance."""
    rows = Posting.objects.filter(account=account, currency=currency).order_by("transaction__posted_at", "id")
    before = rows.filter(transaction__posted_at__lt=since).aggregate(total=Sum("amount"))["total"] or 0
    within = rows.filter(transaction__posted_at__gte=since, transaction__posted_at__lt=until)
    entries, standing = [], before
    for row in within.select_related("transaction"):
        standing += row.amount
        head = row.transaction
        entries.append(Entry(head.posted_at, head.kind, head.ref, row.amount, standing))
    return Statement(account, currency, before, entries, standing)


def currencies(account: str) -> list[str]:
    """Return the currencies in which something was ever posted on an account."""
    found = Posting.objects.filter(account=account).values_list("currency", flat=True)
    return sorted(set(found.distinct()))


@dataclass(frozen=True, slots=True)
class Total:
    """All accounts of one kind in one currency; minor units."""

    kind: str
    currency: str
    accounts: int
    debit: int
    credit: int
    open: int  # Accounts of the kind that are not at zero.

    @property
    def balance(self) -> int:
        """Debit less credit."""
        return self.debit - self.credit


def trial_balance(*, at: datetime | None = None) -> list[Total]:
    """Return debits and credits by kind of account, up to a moment, included; each currency sums to zero."""
    sql = """
        SELECT kind, currency, count(*), sum(debit), sum(credit), count(*) FILTER (WHERE debit <> credit)
          FROM (SELECT p.account, p.currency,
                       CASE WHEN p.account ~ '^(clearing|merchant|host|transfers):'
                            THEN split_part(p.account, ':', 1)
                            WHEN p.account LIKE 'payable:%%' THEN 'payable:' || split_part(p.account, ':', 2)
                            ELSE p.account END AS kind,
                       coalesce(sum(p.amount) FILTER (WHERE p.amount > 0), 0) AS debit,
                       -coalesce(sum(p.amount) FILTER (WHERE p.amount < 0), 0) AS credit
                  FROM commerce_posting p JOIN commerce_ledgertransaction t ON t.id = p.transaction_id
                 WHERE %(at)s::timestamptz IS NULL OR t.posted_at <= %(at)s::timestamptz
                 GROUP BY 1, 2, 3) a
         GROUP BY 1, 2 ORDER BY 2, 1
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"at": at})
        return [Total(row[0], row[1], row[2], int(row[3]), int(row[4]), row[5]) for row in cursor.fetchall()]


def standing_open(prefix: str, *, limit: int) -> list[tuple[str, Money, datetime]]:
    """Return accounts below a prefix that are not at zero: name, balance, when first posted; oldest first."""
    rows = (
        Posting.objects.filter(account__startswith=prefix)
        .values("account", "currency")
        .annotate(total=Sum("amount"), since=Min("transaction__posted_at"))
        .exclude(total=0)
        .order_by("since")[:limit]
    )
    return [(row["account"], Money(row["total"], row["currency"]), row["since"]) for row in rows]
