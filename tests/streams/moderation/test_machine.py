"""Whatever moderators do in whatever order: what is kept says what is, and the room has heard it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from commerce import errors
from commerce.models import User
from streams import chat
from streams.models import Appeal, ChatMessage, Decision, Report, Stream
from streams.moderation import appeals, desk, lines, reports
from tests.emptying import empty_database
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)
LINES = 3


class Moderation(RuleBasedStateMachine):
    """A show with two moderators and a few lines, of which some were held."""

    stream: Stream
    keepers: list[User]
    messages: list[UUID]

    @initialize(held=st.lists(st.booleans(), min_size=LINES, max_size=LINES))
    def begin(self, held: list[bool]) -> None:
        empty_database()
        self.stream = make.show()
        self.keepers = [self.stream.host.user, acts.mod(self.stream), acts.mod(self.stream)]
        self.messages = [(acts.held if each else acts.line)(self.stream).id for each in held]
        self.now = make.NOW

    def act(self, verb: Any, **more: Any) -> Any:
        """Do something; a refusal is fine, anything else is not."""
        self.now += timedelta(seconds=1)
        try:
            return verb(**more, now=self.now)
        except errors.Refusal:
            return None

    @rule(line=st.integers(0, LINES - 1), by=st.integers(0, 2), show=st.booleans())
    def decide(self, line: int, by: int, show: bool) -> None:
        self.act(lines.decide, **self.named(line, by), show=show)

    @rule(line=st.integers(0, LINES - 1), by=st.integers(0, 2))
    def remove(self, line: int, by: int) -> None:
        self.act(lines.remove, **self.named(line, by), rule="spam", reason="Spam")
        assert self.message(line).status == "removed"

    @rule(line=st.integers(0, LINES - 1), by=st.integers(0, 2))
    def restore(self, line: int, by: int) -> None:
        before = self.message(line).status
        self.act(lines.restore, **self.named(line, by))
        assert self.message(line).status == ("held" if before == "held" else "shown")

    @rule(line=st.integers(0, LINES - 1))
    def report(self, line: int) -> None:
        before = self.message(line).status
        self.act(
            reports.make,
            stream_id=self.stream.id,
            message_id=self.messages[line],
            by_id=make.user().id,
            category="scam",
        )
        assert self.message(line).status == before

    @precondition(lambda self: Decision.objects.filter(action="removed", appeal=None).exists())
    @rule()
    def appeal(self) -> None:
        about = Decision.objects.filter(action="removed", appeal=None).order_by("id")[0]
        self.act(appeals.make, decision_id=about.id, by_id=about.subject_id, text="Why?")

    @precondition(lambda self: Appeal.objects.filter(outcome="open").exists())
    @rule(by=st.integers(0, 2), overturn=st.booleans())
    def settle(self, by: int, overturn: bool) -> None:
        appeal = Appeal.objects.filter(outcome="open").order_by("id")[0]
        self.act(
            appeals.decide,
            stream_id=self.stream.id,
            appeal_id=appeal.id,
            by_id=self.keepers[by].id,
            overturn=overturn,
        )
        appeal.refresh_from_db()
        assert (appeal.outcome == "open") is (appeal.decision.actor_id == self.keepers[by].id)

    @invariant()
    def every_line_is_where_its_decision_put_it(self) -> None:
        put = {"held": "held", "shown": "shown", "removed": "removed", "restored": "shown"}
        for message in self.all():
            last = Decision.objects.filter(message=message).exclude(action="kept").order_by("id").last()
            assert message.status == (put[last.action] if last else "shown")
            assert message.decision == last

    @invariant()
    def a_line_moves_only_from_where_it_was(self) -> None:
        follows = {"": "held removed", "held": "shown removed", "shown": "removed", "removed": "restored"}
        follows["restored"] = follows["shown"]
        for message in self.all():
            last = ""
            for decision in Decision.objects.filter(message=message).exclude(action="kept").order_by("id"):
                assert decision.action in follows[last].split()
                assert (decision.actor_id is None) is (decision.action == "held")
                last = decision.action

    @invariant()
    def the_room_has_heard_what_stands(self) -> None:
        shown = {str(each.id) for each in self.all() if each.status == "shown"}
        assert {line["id"] for line in chat.latest(stream_id=self.stream.id)} == shown
        held = set(Decision.objects.filter(action="held").values_list("message_id", flat=True))
        heard = {str(each.id) for each in self.all() if each.id not in held}
        for t, d in make.told(self.stream):
            if t == "chat.restored":
                heard.add(str(d["id"]))
            elif t == "chat.removed":
                heard.remove(str(d["id"]))
        assert heard == shown

    @invariant()
    def every_author_knows(self) -> None:
        for message in self.all():
            told = [d["action"] for _, d in acts.told_user(message.author) if "action" in d]
            assert told == [action for action in acts.decisions_of(message) if action != "kept"]

    @invariant()
    def the_counts_agree(self) -> None:
        waiting = desk.waiting(self.stream.id)
        assert waiting["held"] == sum(each.status == "held" for each in self.all())
        assert waiting["appeals"] == Appeal.objects.filter(outcome="open").count()
        reported = Report.objects.filter(decision=None, message__status="shown").values("message").distinct()
        assert waiting["reported"] == reported.count()
        rates = desk.rates(stream_ids=[self.stream.id])
        assert sum(each.cases for each in rates) == Decision.objects.filter(case=None).count()
        for each in rates:
            parts = each.waiting + each.upheld + each.overturned + each.standing + each.pardoned
            assert parts == each.cases

    def named(self, line: int, by: int) -> dict[str, Any]:
        """Return how a line and a moderator are named."""
        return {"stream_id": self.stream.id, "message_id": self.messages[line], "by_id": self.keepers[by].id}

    def message(self, line: int) -> ChatMessage:
        """Return a line as it is now."""
        return ChatMessage.objects.get(pk=self.messages[line])

    def all(self) -> list[ChatMessage]:
        """Return all lines as they are now."""
        if not hasattr(self, "messages"):
            return []
        return list(ChatMessage.objects.filter(pk__in=self.messages).select_related("author"))

    def teardown(self) -> None:
        """Leave nothing behind."""
        connection.close()


def test_any_sequence_of_decisions_is_told_kept_and_counted() -> None:
    run_state_machine_as_test(
        Moderation,
        settings=settings(
            max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
