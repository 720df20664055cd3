"""Lists page by page."""

from typing import Any, cast

import pytest

from commerce import paging


def test_a_list_says_how_its_rows_look_or_is_none() -> None:
    class Looks(paging.PagedView):
        @staticmethod
        def show(row: Any) -> dict[str, Any]:
            return {"row": row}

    class Forgets(paging.PagedView):
        pass

    assert Looks().show(1) == {"row": 1}
    with pytest.raises(TypeError, match="show"):
        cast(Any, Forgets)()
