"""What the catalog's operations screens have in common: they show, and do by actions what verbs do."""

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from commerce import screens


class Screen(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]  # the package ships no types
    """A read-only list with pages; operators who may change the model may use its actions."""

    list_per_page = 50
    show_full_result_count = False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Tell whether the operator may use this screen's actions."""
        return bool(request.user.has_perm(f"catalog.change_{self.opts.model_name}"))


class Inline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    """Read-only rows inside another screen."""

    extra = 0
    tab = True
    show_change_link = True
