"""Operations screens of the catalog. They show; what changes goods, prices or stock are verbs, not forms."""

from catalog import categoryscreens, goodscreens, jobscreens, planscreens, reviewscreens, shelfscreens

__all__ = [  # Hung up by being imported.
    "categoryscreens",
    "goodscreens",
    "jobscreens",
    "planscreens",
    "reviewscreens",
    "shelfscreens",
]
