"""The operations admin of moderation: all of it may be read; what is decided is decided at the desks."""

from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline

from commerce import screens
from streams.models import (
    Appeal,
    BlockedWord,
    Decision,
    Follow,
    Question,
    Report,
    Restraint,
    ShowModerator,
)


@admin.register(Decision)
class DecisionAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Every decision, with who made it (nobody: a filter), by which rule and why."""

    list_display = ("action", "rule", "reason", "actor", "subject", "message", "stream", "at")
    list_filter = ("action", "rule", ("actor", admin.EmptyFieldListFilter))
    list_select_related = ("actor", "subject", "message", "stream")
    search_fields = ("stream__title", "subject__email", "actor__email", "reason", "message__text")
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(Appeal)
class AppealAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Appeals and what came of them."""

    list_display = ("text", "by", "decision", "outcome", "decided_by", "stream", "at")
    list_filter = ("outcome",)
    list_select_related = ("by", "decision", "decided_by", "stream")
    search_fields = ("text", "by__email", "stream__title")
    ordering = ("-id",)


@admin.register(Report)
class ReportAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What viewers reported; without a decision it still waits."""

    list_display = ("category", "message", "reporter", "note", "decision", "stream", "at")
    list_filter = ("category", ("decision", admin.EmptyFieldListFilter))
    list_select_related = ("message", "reporter", "decision", "stream")
    search_fields = ("message__text", "reporter__email", "stream__title")
    ordering = ("-id",)


class DecisionInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = Decision
    fields = ("action", "rule", "reason", "actor", "until", "at")
    extra = 0


@admin.register(Restraint)
class RestraintAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Mutes and bans with their history."""

    list_display = ("user", "kind", "stream", "until", "rule", "reason", "by", "lifted_at")
    list_filter = ("kind", ("lifted_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "stream", "by")
    search_fields = ("user__email", "stream__title", "reason")
    ordering = ("-id",)
    inlines = (DecisionInline,)


@admin.register(ShowModerator)
class ModeratorAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Whom hosts trust with their chats."""

    list_display = ("user", "stream", "rights", "given_by", "at")
    list_select_related = ("user", "stream", "given_by")
    search_fields = ("user__email", "stream__title")
    ordering = ("-id",)


@admin.register(Question)
class QuestionAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What viewers asked, and whether somebody answered."""

    list_display = ("message", "item", "stream", "answered_at", "answered_by")
    list_filter = (("answered_at", admin.EmptyFieldListFilter),)
    list_select_related = ("message", "item__product", "stream", "answered_by")
    search_fields = ("message__text", "stream__title")
    ordering = ("-message_id",)


@admin.register(BlockedWord)
class BlockedWordAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Hosts' own lists of words."""

    list_display = ("text", "host", "by", "at")
    list_select_related = ("host", "by")
    search_fields = ("text", "host__name")
    ordering = ("host", "folded")


@admin.register(Follow)
class FollowAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Who follows whom."""

    list_display = ("user", "host", "at")
    list_select_related = ("user", "host")
    search_fields = ("user__email", "host__name")
    ordering = ("-id",)
    show_full_result_count = False
