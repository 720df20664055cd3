"""What the tests of the merchant admin begin with."""

from __future__ import annotations

import pytest

from catalog.models import (
    Variant,
)
from tests.catalog import make


@pytest.fixture
def one() -> Variant:
    return make.variant(make.merchant(), sku="MUG-1", stocked=10)
