"""Statements: what a merchant or a host was owed in a time, posting by posting, as CSV."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from commerce import errors, ledger, money

COLUMNS = ("posted_at", "kind", "reference", "amount", "balance", "currency", "account")
# A spreadsheet runs what begins with one of these (https://owasp.org/www-community/attacks/CSV_Injection).
RUN = ("=", "+", "-", "@", "\t", "\r")


class BadPeriod(errors.Invalid):
    """A statement is of a time that begins before it ends."""

    message = "The time has to begin before it ends."


def of_merchant(*, merchant_id: UUID, since: datetime, until: datetime) -> str:
    """Return what a merchant was owed from `since` to `until`, excluded; raises BadPeriod."""
    return _csv(ledger.merchant(merchant_id), since, until)


def of_host(*, host_id: UUID, since: datetime, until: datetime) -> str:
    """Return the commission a host was owed from `since` to `until`, excluded; raises BadPeriod."""
    return _csv(ledger.host(host_id), since, until)


def _csv(account: str, since: datetime, until: datetime) -> str:
    """What is pending, then what may be paid out and was; each currency from its opening to its closing
    balance. Owed is positive.
    """
    if since >= until:
        raise BadPeriod
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for name, of in (("pending", account), ("payable", ledger.payable(account))):
        for currency in ledger.currencies(of):
            found = ledger.statement(account=of, currency=currency, since=since, until=until)
            opening, closing = _decimal(-found.opening, currency), _decimal(-found.closing, currency)
            rows.writerow((since.isoformat(), "opening", "", "", opening, currency, name))
            for each in found.entries:
                rows.writerow(
                    (
                        each.at.isoformat(),
                        plain(each.kind),
                        plain(each.ref),
                        _decimal(-each.amount, currency),
                        _decimal(-each.balance, currency),
                        currency,
                        name,
                    )
                )
            rows.writerow((until.isoformat(), "closing", "", "", closing, currency, name))
    return out.getvalue()


def plain(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RUN) else text


def _decimal(amount: int, currency: str) -> str:
    exponent = money.exponent_of(currency)
    return f"{Decimal(amount).scaleb(-exponent):.{exponent}f}"
