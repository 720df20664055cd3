"""Addresses of moderation, under /api/v1/moderation/."""

from django.urls import path

from streams.moderation_api import lines, mine, people, records, shows

_SHOW = "shows/<uuid:stream_id>"

urlpatterns = [
    path("shows", shows.ShowsView.as_view()),
    path(_SHOW, shows.ShowView.as_view()),
    path(f"{_SHOW}/queue", lines.QueueView.as_view()),
    path(f"{_SHOW}/lines/<uuid:line_id>/decide", lines.DecideView.as_view()),
    path(f"{_SHOW}/lines/<uuid:line_id>/remove", lines.RemoveView.as_view()),
    path(f"{_SHOW}/lines/<uuid:line_id>/restore", lines.RestoreView.as_view()),
    path(f"{_SHOW}/pinned-line", lines.PinnedLineView.as_view()),
    path(f"{_SHOW}/mode", lines.ModeView.as_view()),
    path(f"{_SHOW}/decisions", records.DecisionsView.as_view()),
    path(f"{_SHOW}/appeals", records.AppealsView.as_view()),
    path(f"{_SHOW}/appeals/<uuid:appeal_id>", records.AppealView.as_view()),
    path(f"{_SHOW}/reports", records.ReportsView.as_view()),
    path(f"{_SHOW}/rules", records.ShowRatesView.as_view()),
    path(f"{_SHOW}/moderators", people.ModeratorsView.as_view()),
    path(f"{_SHOW}/moderators/<uuid:user_id>", people.ModeratorView.as_view()),
    path(f"{_SHOW}/restraints", people.RestraintsView.as_view()),
    path(f"{_SHOW}/pardon", people.PardonView.as_view()),
    path(f"{_SHOW}/questions", shows.QuestionsView.as_view()),
    path(f"{_SHOW}/questions/<uuid:question_id>/answer", shows.AnswerView.as_view()),
    path("rules", records.RatesView.as_view()),
    path("followers", people.FollowersView.as_view()),
    path("words", people.WordsView.as_view()),
    path("words/<uuid:word_id>", people.WordView.as_view()),
    path("mine", mine.MineView.as_view()),
    path("appeals", mine.AppealView.as_view()),
]
