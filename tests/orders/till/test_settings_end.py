"""What a batch sets for its transaction is over with it, also in a test's own transaction."""

import pytest
from django.db import connection

from orders import transactions
from tests.orders import make

pytestmark = pytest.mark.django_db
NAMES = ("statement_timeout", "idle_in_transaction_session_timeout", "enable_seqscan")


def settings_after_a_purchase() -> list[str]:
    make.basket((make.variant(), 1)).go()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in NAMES)}")
        return list(cursor.fetchone())


def test_a_test_goes_on_without_the_limits_of_a_batch() -> None:
    assert settings_after_a_purchase() == ["0", "1min", "on"]


def test_control_without_an_end_they_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "run", transactions.run.__wrapped__)  # type: ignore[attr-defined]
    assert settings_after_a_purchase() == ["5s", "5s", "off"]
