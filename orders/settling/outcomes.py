"""What becomes of one that is done with many others."""

from enum import Enum
from typing import Final, TypeVar, Union

R = TypeVar("R")


class Alone(Enum):
    """What becomes of one in company that has to be done alone."""

    ALONE = "alone"


ALONE: Final = Alone.ALONE
# What it returns, what it raises, or that it has to be done alone.
Outcome = Union[R, Exception, Alone]  # noqa: UP007 - as R | ... mypy does not take it for an alias.
