"""What a feed says of categories and attributes, as far as it can be: the rest is named and left out."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from catalog import taxonomy
from catalog.feeds.drafts import Problem, ProductDraft
from catalog.models import Category, Product

Said = dict[str, Any]


def sort(
    drafts: Iterable[ProductDraft], known: dict[str, Product], problems: list[Problem]
) -> dict[str, Said]:
    """Return by handle what drafts say of `category_id` and `attributes`; problems are added to the list."""
    speaking = [
        draft
        for draft in drafts
        if draft.says_category or draft.category_path is not None or draft.attributes is not None
    ]
    if not speaking:
        return {}
    found = taxonomy.by_name(
        codes={draft.category for draft in speaking if draft.category},
        paths={draft.category_path for draft in speaking if draft.category_path},
    )
    said = {draft.handle: _category(draft, found, problems) for draft in speaking}
    places = _places(known, said, found)
    definitions = taxonomy.definitions(places.values())
    for draft in speaking:
        was = known.get(draft.handle)
        here = said[draft.handle]
        values = draft.attributes if draft.attributes is not None else was.attributes if was else {}
        category = here.get("category_id", was.category_id if was else None)
        wrong = taxonomy.wrong(values, definitions.get(category, {}) if category else {})
        for code, trouble in wrong.items():
            problems.append(
                Problem(draft.line, f"attributes.{code}", "BAD_ATTRIBUTE", str(values.get(code)), trouble)
            )
        if draft.attributes is not None or wrong:
            here["attributes"] = {code: value for code, value in values.items() if code not in wrong}
    return said


def _category(draft: ProductDraft, found: dict[str, Category], problems: list[Problem]) -> Said:
    if draft.category:
        if row := found.get(draft.category):
            return {"category_id": row.pk}
        message = "There is no category with this code. The product's stays as it is."
        problems.append(
            Problem(draft.line, "category", "UNKNOWN_CATEGORY", draft.category, message, skipped=False)
        )
        return {}
    if draft.says_category:
        return {"category_id": None}
    # Google's own names of categories are no mistake: they are somebody else's.
    row = found.get(draft.category_path or "")
    return {"category_id": row.pk} if row else {}


def _places(
    known: dict[str, Product], said: dict[str, Said], found: dict[str, Category]
) -> dict[UUID, Category]:
    rows = {row.pk: row for row in found.values()}
    theirs = [known[handle].category_id for handle in said if handle in known]
    others = [pk for pk in theirs if pk is not None and pk not in rows]
    if others:
        rows |= {row.pk: row for row in Category.objects.filter(pk__in=others)}
    return rows
