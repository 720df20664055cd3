import threading

import orjson
import pytest
from django.db import connection

from commerce import idempotency, ids
from commerce.models import IdempotencyKey

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_repetition_gets_the_first_answer_and_runs_nothing() -> None:
    runs: list[int] = []

    def run() -> tuple[int, dict[str, int]]:
        runs.append(1)
        return 201, {"n": len(runs)}

    first = idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=run)
    second = idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=run)

    assert (first.status, first.reply, first.replayed) == (201, {"n": 1}, False)
    assert (second.status, second.reply, second.replayed) == (201, {"n": 1}, True)
    assert runs == [1]


def test_a_repetition_has_its_fields_in_the_order_of_the_first_answer() -> None:
    said = {"zone": 1, "id": {"b": 1.0, "a": [{"y": None, "x": "ß\u2028"}]}, "code": ""}

    first, second = (
        idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=lambda: (201, said))
        for _ in range(2)
    )

    assert orjson.dumps(second.reply) == orjson.dumps(first.reply)


def answered(key: str, said: object) -> None:
    idempotency.once(caller="merchant:1", key=key, fingerprint="f", run=lambda: (200, said))


def test_what_is_taken_out_of_a_kept_answer_leaves_the_rest_as_it_was() -> None:
    order, other = str(ids.new()), str(ids.new())
    for key, of in (("one", order), ("two", other)):
        answered(key, {"purchase": of, "note": "Ring twice", "lines": [{"id": order}], "id": str(ids.new())})

    idempotency.blank(field="note", where="purchase", values=[order])

    one, two = (orjson.loads(row.reply) for row in IdempotencyKey.objects.order_by("id"))
    assert (one["note"], two["note"]) == (None, "Ring twice")
    assert list(one) == ["purchase", "note", "lines", "id"]


def test_the_same_key_with_another_request_is_refused() -> None:
    idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=lambda: (201, {}))

    with pytest.raises(idempotency.IdempotencyMismatch):
        idempotency.once(caller="merchant:1", key="k", fingerprint="g", run=lambda: (201, {}))


def test_keys_of_two_callers_are_apart() -> None:
    idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=lambda: (201, {"who": 1}))

    answer = idempotency.once(caller="merchant:2", key="k", fingerprint="g", run=lambda: (201, {"who": 2}))

    assert answer.reply == {"who": 2}


def test_a_failed_run_keeps_no_key() -> None:
    def fail() -> tuple[int, dict[str, int]]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=fail)

    assert not IdempotencyKey.objects.exists()


def test_a_second_request_while_the_first_runs_is_told_so() -> None:
    running, finish = threading.Event(), threading.Event()

    def slow() -> tuple[int, dict[str, bool]]:
        running.set()
        finish.wait(10)
        return 201, {"slow": True}

    def first() -> None:
        try:
            idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=slow)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert running.wait(10)
    try:
        with pytest.raises(idempotency.InProgress):
            idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=lambda: (201, {}))
    finally:
        finish.set()
        thread.join(10)

    assert idempotency.once(caller="merchant:1", key="k", fingerprint="f", run=lambda: (500, {})).reply == {
        "slow": True
    }
