"""What the database's constraints refuse, refused by our names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import DatabaseError, IntegrityError, transaction

from commerce import errors


@contextmanager
def named(refusals: Mapping[str, type[errors.Refusal]]) -> Iterator[None]:
    """Run in a transaction; raises the refusal of a constraint that was broken, whatever else as it is."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        refusal = refusals.get(constraint_of(error) or "")
        if refusal is None:
            raise
        raise refusal from error


def is_too_much(error: DatabaseError) -> bool:
    """Say whether the database has no room for what was written, such as in an index: it never will have."""
    code = getattr(error.__cause__, "pgcode", None)
    return code is not None and code.startswith("54")


def constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the constraint that the database said was broken."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.constraint_name if diagnosis is not None else None
