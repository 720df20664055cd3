"""Operations screens of the catalog. They show; what changes goods, prices or stock are verbs, not forms."""

from catalog.screens import categories, goods, jobs, plans, reviews, shelf

__all__ = ["categories", "goods", "jobs", "plans", "reviews", "shelf"]  # Hung up by being imported.
