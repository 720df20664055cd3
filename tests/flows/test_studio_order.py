"""The host keeps order in her control room: what waits, what was asked, who helps, what was decided."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils.timezone import now
from playwright.sync_api import Locator, Page, expect

from commerce.models import User
from streams import chat, pins
from streams.models import BlockedWord, ChatMessage, Decision, Question, Restraint, ShowModerator, Stream
from streams.moderation import appeals, lines, reports, restraints
from tests.live_server import cookie_of
from tests.shopper import DESK, PHONE, Shop, Shopper, aside, fits, lipstick
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]
LINK = "Look at www.example.com"


class Desk:
    """A host at her control room."""

    def __init__(self, shop: Shop, one: Shopper, size: Any) -> None:
        self.stream = shop.show(lipstick(), aside(lambda: make.product("Serum")))
        self.user: User = aside(
            lambda: Stream.objects.select_related("host__user").get(pk=self.stream.pk)
        ).host.user
        self.page: Page = one.page
        name, _, value = aside(lambda: cookie_of(self.user)).partition("=")
        self.page.context.add_cookies([{"name": name, "value": value, "url": shop.address}])
        self.page.goto(f"{shop.address}/studio/room/{self.stream.id}/")
        expect(self.page.locator("body[data-online=yes]")).to_be_attached()
        if size == PHONE:
            self.page.get_by_role("button", name="Chat").click()

    def turn_to(self, part: str) -> None:
        """Open a part of the chat's column."""
        self.page.get_by_role("tab", name=part).click()

    def case(self, text: str) -> Locator:
        """The card with that text in the open part."""
        return self.page.locator(".cr-part:not([hidden]) .cr-case").filter(has_text=text)

    def button(self, name: str) -> Locator:
        """A button by its whole name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def say(self, text: str, user: User | None = None, **more: Any) -> ChatMessage:
        """Let somebody say a line."""
        return aside(
            lambda: (
                chat.say(
                    stream_id=self.stream.id,
                    author_id=(user or make.user()).id,
                    key=uuid4(),
                    text=text,
                    now=now(),
                    **more,
                ).message
            )
        )

    def by_host(self, verb: Callable[..., Any], **more: Any) -> Any:
        """Carry out something in the host's name, past the page."""
        return aside(partial(verb, stream_id=self.stream.id, by_id=self.user.id, now=now(), **more))


@pytest.fixture
def desk(shop: Shop, shopper: People, request: pytest.FixtureRequest) -> Desk:
    size = getattr(request, "param", DESK)
    return Desk(shop, shopper(size), size)


def status(line: ChatMessage) -> str:
    return aside(lambda: ChatMessage.objects.get(pk=line.pk).status)


def test_a_held_line_waits_in_the_queue_and_is_shown_with_one_key(desk: Desk, shopper: People) -> None:
    ada = shopper(PHONE)
    ada.open(desk.stream)
    desk.turn_to("Review")
    expect(desk.page.get_by_text("Nothing waits.")).to_be_visible()

    first, second = desk.say(LINK), desk.say("Call +44 20 7946 0958")
    expect(desk.page.get_by_role("tab", name="Review 2")).to_be_visible()
    expect(desk.case(LINK)).to_contain_text("Held: a link")
    expect(desk.case(LINK).locator("mark")).to_have_text("www.example.com")
    expect(ada.page.locator(".chat__line")).to_have_count(0)

    desk.case(LINK).focus()
    desk.page.keyboard.press("s")
    expect(desk.case(LINK)).to_have_count(0)
    expect(ada.page.locator(".chat__line")).to_contain_text(LINK)
    expect(desk.case("Call")).to_be_focused()
    desk.page.keyboard.press("r")
    expect(desk.page.get_by_text("Nothing waits.")).to_be_visible()
    expect(ada.page.locator(".chat__line")).to_have_count(1)
    assert (status(first), status(second)) == ("shown", "removed")
    expect(desk.page.get_by_role("tab", name="Review", exact=True)).to_be_visible()


def test_a_reported_line_is_judged_with_a_rule_and_a_reason(desk: Desk) -> None:
    noa = aside(make.user)
    line = desk.say("You are all ugly", noa)
    aside(
        lambda: reports.make(
            stream_id=desk.stream.id,
            message_id=line.id,
            by_id=make.user("Ines").id,
            category="abuse",
            note="Again",
            now=now(),
        )
    )
    desk.turn_to("Review")

    expect(desk.case("You are all ugly")).to_contain_text("Reported once: insults, threats or hate")
    expect(desk.case("You are all ugly")).to_contain_text("Ines: “Again”")
    desk.case("You are all ugly").get_by_role("button", name="More…").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    desk.page.get_by_text("Something else", exact=True).click()
    desk.page.get_by_label("In your own words").fill("Be kind")
    desk.page.get_by_role("dialog").get_by_role("button", name="Remove").click()

    expect(desk.case("You are all ugly")).to_have_count(0)
    decided = aside(lambda: Decision.objects.get(message=line, action="removed"))
    assert (decided.rule, decided.reason, decided.actor_id) == ("other", "Be kind", desk.user.id)


def test_an_appeal_is_heard_and_the_log_shows_the_way_back(desk: Desk) -> None:
    noa = aside(make.user)
    line, other = desk.say("Buy now", noa), desk.say("Buy here", noa)
    for each in (line, other):
        desk.by_host(lines.remove, message_id=each.id, rule="spam", reason="")
    decision = aside(lambda: Decision.objects.get(message=line))
    aside(lambda: appeals.make(decision_id=decision.id, by_id=noa.id, text="I meant the host's", now=now()))
    desk.turn_to("Review")

    expect(desk.case("I meant the host's")).to_contain_text("Mira removed the line: advertising")
    desk.page.get_by_label("Answer to the author").fill("You are right")
    desk.button("Overturn").click()
    expect(desk.page.get_by_text("Nobody has appealed.")).to_be_visible()
    assert status(line) == "shown"

    desk.turn_to("Log")
    undo = desk.case("Buy here").get_by_role("button", name="Undo")
    expect(desk.case("Buy now").filter(has_text="appeal granted")).to_contain_text("undone")
    undo.click()
    expect(desk.page.get_by_role("alert")).to_contain_text("Undone.")
    expect(undo).to_be_hidden()
    assert status(other) == "shown"

    desk.turn_to("Rules")
    rate = desk.page.locator(".cr-rate").filter(has_text="Advertising or repetition.")
    expect(rate).to_contain_text("2 decided · 0 upheld · 2 overturned")
    expect(rate).to_contain_text("100%")


def test_questions_are_answered_by_product_and_their_product_shown(desk: Desk) -> None:
    item = aside(lambda: make.item(desk.stream, 1))
    first = desk.say("Is it vegan?", question=True, product_id=item.product_id)
    desk.say("When is the next show?", question=True)
    expect(desk.page.get_by_role("tab", name="Questions 2")).to_be_visible()
    desk.turn_to("Questions")

    expect(desk.case("")).to_have_count(2)
    desk.page.get_by_label("Product").select_option("Serum")
    expect(desk.case("")).to_have_count(1)
    desk.case("Is it vegan?").get_by_role("button", name="Show the product").click()
    expect(desk.case("Is it vegan?").get_by_role("button", name="Showing now")).to_be_disabled()
    pin = aside(lambda: pins.current(stream_id=desk.stream.id))
    assert pin is not None
    assert pin.item_id == item.id
    desk.case("Is it vegan?").get_by_role("button", name="Mark answered").click()
    expect(desk.case("Is it vegan?").get_by_role("button", name="Open again")).to_be_visible()
    expect(desk.page.get_by_role("tab", name="Questions 1")).to_be_visible()
    assert aside(lambda: Question.objects.get(pk=first.id)).answered_at is not None
    desk.turn_to("Chat")
    expect(desk.page.locator(".chat__line").filter(has_text="Is it vegan?")).to_contain_text("Answered")


def test_the_host_chooses_her_helpers_and_lifts_a_mute(desk: Desk) -> None:
    yuki, noa = aside(lambda: make.user("Yuki")), aside(make.user)
    desk.by_host(restraints.mute, user_id=noa.id, seconds=600, rule="spam", reason="")
    desk.turn_to("People")

    desk.page.get_by_label("Add a moderator by e-mail address").fill("nobody@example.com")
    desk.button("Add").click()
    expect(desk.page.get_by_text("Nobody has an account with this address.")).to_be_visible()
    desk.page.get_by_label("Add a moderator by e-mail address").fill(yuki.email)
    desk.button("Add").click()
    expect(desk.case("Yuki")).to_be_visible()
    with desk.page.expect_response("**/moderators"):
        desk.case("Yuki").get_by_label("Ban").check()
    assert "ban" in aside(lambda: ShowModerator.objects.get(user=yuki)).rights
    desk.button("Take the rights away").click()
    expect(desk.page.get_by_text("Nobody helps you yet.")).to_be_visible()

    expect(desk.case("Noa")).to_contain_text("muted for 10 min")
    desk.button("Lift the mute of Noa").click()
    expect(desk.page.get_by_text("Nobody is muted or banned.")).to_be_visible()
    assert aside(lambda: Restraint.objects.get(user=noa)).lifted_by_id == desk.user.id
    assert not aside(lambda: ShowModerator.objects.exists())


def test_a_word_of_the_hosts_own_holds_lines(desk: Desk) -> None:
    desk.turn_to("Rules")
    expect(desk.page.get_by_text("No words yet.")).to_be_visible()

    desk.page.get_by_label("Hold lines with this word").fill("dupe")
    desk.button("Add").click()
    expect(desk.page.locator(".cr-word")).to_contain_text("dupe")
    line = desk.say("This is a Dupe")
    assert status(line) == "held"
    desk.button("Remove dupe").click()
    expect(desk.page.get_by_text("No words yet.")).to_be_visible()
    assert not aside(lambda: BlockedWord.objects.exists())


@pytest.mark.parametrize("desk", [PHONE], indirect=True, ids=["phone"])
def test_on_a_phone_all_parts_fit_and_a_lost_network_is_said_in_words(desk: Desk) -> None:
    desk.say(LINK)
    desk.say("Is it vegan?", question=True)
    expect(desk.page.locator("#waiting")).to_have_text("1")
    for part in ("Review", "Questions", "People", "Rules", "Log", "Chat"):
        desk.turn_to(part)
        assert fits(desk.page)

    desk.page.context.set_offline(True)
    desk.turn_to("Review")
    expect(desk.page.locator("#part-review .cr-wrong").first).to_contain_text("No answer came.")
    desk.page.context.set_offline(False)
    desk.page.locator("#part-review").get_by_role("button", name="Try again").first.click()
    expect(desk.case(LINK)).to_be_visible()
    expect(desk.page.locator("#part-review .cr-wrong").first).to_be_hidden()


def test_the_chat_is_at_its_end_when_the_room_opens_and_stays_there(desk: Desk) -> None:
    noa = aside(make.user)
    rows = [
        ChatMessage(stream=desk.stream, author=noa, key=uuid4(), text=f"Line {number}", at=now())
        for number in range(50)
    ]
    aside(lambda: ChatMessage.objects.bulk_create(rows))
    for _ in range(2):
        desk.page.reload()
        expect(desk.page.locator(".chat__line").last).to_be_in_viewport()
    desk.say("One more")
    expect(desk.page.locator(".chat__line").filter(has_text="One more")).to_be_in_viewport()
    expect(desk.button("New messages")).to_be_hidden()


def test_followers_only_is_switched_at_the_chat(desk: Desk) -> None:
    with desk.page.expect_response("**/mode"):
        desk.page.get_by_label("Followers only").check()
    assert aside(lambda: Stream.objects.get(pk=desk.stream.pk)).followers_only
    desk.page.reload()
    expect(desk.page.get_by_label("Followers only")).to_be_checked()
