"""What only verbs write can be looked at in the admin, and not be changed there."""

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """For what only verbs write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
