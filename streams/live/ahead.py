"""What a live process loads before it serves.

Handlers are named by dotted paths. Imported when the first of them is asked for, they would keep the event
loop busy for most of a second, in which nobody hears anything.
"""

from django.conf import settings
from django.utils.module_loading import import_string

from streams.live import dispatch
from streams.moderation import filters


def load() -> None:
    """Import all that the settings name for rooms."""
    dispatch.table()
    for path in settings.SNAPSHOT_PANELS:
        import_string(path)
    filters.platform()
