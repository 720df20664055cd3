"""What screens have in common: who acts, and what may only be read, is never deleted, or is tried again."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.db.models.options import Options
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from commerce.merchantkeys import By


def by_of(request: HttpRequest) -> By:
    """Return who acts and from where, for what is written down of it."""
    address: str | None
    try:
        # Without the zone of a link-local address, which the database does not take.
        address = str(ip_address(str(request.META.get("REMOTE_ADDR")).partition("%")[0]))
    except ValueError:
        address = None
    return By(request.user.pk, address)


class ReadOnly:
    """For what is written by the programme alone."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Kept:
    """For what history refers to: it is made inactive, never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Stamped(ModelAdmin):  # type: ignore[misc]
    """For rows with moments that the database says: they are shown once there is a row."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Leave out of a new row's form what can only be read."""
        fields = list(super().get_fields(request, obj))
        hidden = self.get_readonly_fields(request, obj) if obj is None else ()
        return [name for name in fields if name not in hidden]


class Quarantine(ReadOnly):
    """For what waits, after it failed too often, until somebody has looked and lets it be tried again."""

    opts: "Options[Any]"
    release: Callable[..., bool]  # Of a row's key and now: out of quarantine by its verb; False: not in it.
    actions = ("try_again",)

    @admin.action(description="Try again (quarantined %(verbose_name_plural)s)", permissions=["try_again"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Model]) -> None:
        """Take the chosen rows out of quarantine."""
        now = timezone.now()
        released = sum(self.release(row.pk, now) for row in chosen)
        messages.success(request, f"{released} {self.opts.verbose_name_plural} are tried again.")

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        """Trying again is for those who may change these rows, which nobody does by hand."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))
