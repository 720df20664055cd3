"""Two changes of one commission plan at the same moment: one after the other, and one rate at any time."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from catalog.commission import plans
from catalog.commission.plans import Terms
from catalog.models import CommissionPlan, CommissionRate
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db(transaction=True)


def meanwhile(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start the act in a thread and return both, with what it raised."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            act()
        except IntegrityError as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def raised_by_two(plan: CommissionPlan) -> list[Any]:
    """Raise the rate while another raise of it is not committed yet; return what the other one met with."""
    of = {"merchant_id": plan.merchant_id, "plan_id": plan.pk}
    with transaction.atomic():
        plans.change(terms=Terms(rate_bp=2000), now=after(60), **of)
        thread, outcome = meanwhile(lambda: plans.change(terms=Terms(rate_bp=2500), now=after(61), **of))
        thread.join(1)
        assert thread.is_alive()  # It waits for the first, by the merchant's row or by the constraint.
    thread.join(30)
    assert not thread.is_alive()
    return outcome


@pytest.fixture
def plan(transactional_db: None) -> CommissionPlan:
    seller = make.merchant()
    return plans.create(merchant_id=seller.pk, kind="open", terms=Terms("Spring", 1500), now=NOW)


def test_two_changes_at_once_come_one_after_the_other(plan: CommissionPlan) -> None:
    assert raised_by_two(plan) == []

    rows = CommissionRate.objects.order_by("valid_from").values_list("rate_bp", "valid_from", "valid_until")
    assert list(rows) == [
        (1500, NOW, after(60)),
        (2000, after(60), after(61)),
        (2500, after(61), None),
    ]


def test_control_without_the_lock_the_second_fails_at_the_constraint(
    plan: CommissionPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "lock", lambda merchant_id: Merchant.objects.get(pk=merchant_id))

    assert len(raised_by_two(plan)) == 1
