"""The chat on the shopper's page: what is held, decided, asked, reported, appealed, and who keeps order."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils.timezone import now
from playwright.sync_api import Locator, expect

from commerce.models import User
from streams import bodies, chat, showlog
from streams.models import Appeal, ChatMessage, Follow, Question, Report, Restraint, Stream
from streams.moderation import appeals, lines, mode, moderators, questions, restraints
from tests.shopper import DESK, PHONE, Shop, Shopper, aside, fits, lipstick
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

People = Callable[..., Shopper]
LINK = "Look at www.example.com"


def host_id(stream: Stream) -> UUID:
    return aside(lambda: Stream.objects.select_related("host").get(pk=stream.pk).host.user_id)


def say(stream: Stream, user: User, text: str) -> ChatMessage:
    return aside(
        lambda: chat.say(stream_id=stream.id, author_id=user.id, key=uuid4(), text=text, now=now()).message
    )


def by_host(stream: Stream, verb: Callable[..., Any], **more: Any) -> Any:
    """Carry out what the host does at her desk."""
    host = host_id(stream)
    return aside(partial(verb, stream_id=stream.id, by_id=host, now=now(), **more))


def line(one: Shopper, text: str) -> Locator:
    return one.page.locator(".chat__line").filter(has_text=text)


def write(one: Shopper, text: str) -> None:
    field = one.page.get_by_label("Your message")
    field.fill(text)
    field.press("Enter")


def restrain(stream: Stream, user: User, kind: str, **more: Any) -> None:
    verb = restraints.mute if kind == "mute" else restraints.ban
    by_host(stream, verb, user_id=user.id, rule="spam", reason="", **more)


@pytest.fixture
def stream(shop: Shop) -> Stream:
    stream = shop.show(lipstick())
    shop.pin(stream)
    return stream


def test_a_held_line_is_seen_by_its_author_alone_until_it_is_shown(stream: Stream, shopper: People) -> None:
    ada, bob = shopper(PHONE), shopper(DESK)
    user = ada.sign_in()
    ada.open(stream)
    bob.open(stream)

    write(ada, LINK)
    expect(line(ada, LINK)).to_contain_text("Held for review, only you see it: a link")
    assert fits(ada.page)
    write(ada, "And this one is fine")
    expect(line(bob, "And this one is fine")).to_be_visible()
    expect(line(bob, LINK)).to_have_count(0)

    ada.page.reload()
    expect(line(ada, LINK)).to_contain_text("Held for review")
    held = aside(lambda: ChatMessage.objects.get(author=user, status="held"))
    by_host(stream, lines.decide, message_id=held.id, show=True)

    expect(line(bob, LINK)).to_be_visible()
    expect(line(ada, LINK)).to_have_class(re.compile("chat__line--viewer"))
    expect(line(ada, LINK)).to_have_count(1)


def test_a_removed_line_says_why_and_its_author_appeals(stream: Stream, shopper: People) -> None:
    ada = shopper(PHONE)
    user = ada.sign_in()
    ada.open(stream)
    write(ada, "Buy my followers")
    expect(line(ada, "Buy my followers")).to_be_visible()
    said = aside(lambda: ChatMessage.objects.get(author=user))

    by_host(stream, lines.remove, message_id=said.id, rule="spam", reason="No shops here")

    expect(line(ada, "Buy my followers")).to_contain_text(
        "Removed by the host: advertising or repetition (No shops here)"
    )
    ada.button("Appeal").click()
    ada.button("Send the appeal").click()
    expect(ada.page.get_by_text("Say why it was wrong.")).to_be_visible()
    ada.page.get_by_label("Why was this wrong?").fill("I sell nothing")
    ada.button("Send the appeal").click()
    expect(line(ada, "Buy my followers")).to_contain_text("Your appeal is being looked at.")
    appeal = aside(lambda: Appeal.objects.get(by=user))
    assert appeal.text == "I sell nothing"

    by_host(stream, appeals.decide, appeal_id=appeal.id, overturn=True)

    expect(line(ada, "Buy my followers")).to_have_class(re.compile("chat__line--viewer"))
    expect(ada.button("Appeal")).to_have_count(0)


def test_a_question_is_tied_to_the_product_shown_and_marked_as_answered(
    stream: Stream, shopper: People
) -> None:
    ada = shopper(PHONE)
    user = ada.sign_in()
    ada.open(stream)

    ada.button("Ask a question").click()
    expect(ada.page.get_by_text("Question about Lipstick")).to_be_visible()
    assert fits(ada.page)
    write(ada, "Is it vegan?")

    expect(line(ada, "Is it vegan?")).to_contain_text("Question · Lipstick")
    expect(ada.page.get_by_text("Question about Lipstick")).to_be_hidden()
    asked = aside(lambda: Question.objects.select_related("item").get(message__author=user))
    assert asked.item is not None
    by_host(stream, questions.answer, question_id=asked.pk)
    expect(line(ada, "Is it vegan?")).to_contain_text("Answered · Lipstick")


def test_a_comment_is_pinned_above_the_chat(stream: Stream, shopper: People) -> None:
    ada = shopper(PHONE)
    ada.open(stream)
    said = say(stream, aside(make.user), "Free shipping tonight")

    by_host(stream, mode.pin, message_id=said.id)
    expect(ada.page.locator(".chat__pinned")).to_contain_text("Noa Free shipping tonight")
    ada.page.reload()
    expect(ada.page.locator(".chat__pinned")).to_contain_text("Noa Free shipping tonight")
    by_host(stream, mode.unpin)
    expect(ada.page.locator(".chat__pinned")).to_be_hidden()


def test_a_line_is_reported_by_touch_and_by_keyboard(stream: Stream, shopper: People) -> None:
    ada, bob = shopper(PHONE), shopper(DESK)
    noa = aside(make.user)
    ada.sign_in()
    bob.sign_in(name="Bob")
    ada.open(stream)
    bob.open(stream)
    said = say(stream, noa, "You are all ugly")

    line(ada, "You are all ugly").tap()
    ada.button("Report").click()
    ada.page.get_by_text("Insults or hate").click()
    assert fits(ada.page)
    ada.page.get_by_role("dialog").get_by_role("button", name="Report").click()
    expect(ada.page.locator("#toast")).to_contain_text("Somebody will look at it.")

    bob.page.get_by_role("log").focus()
    bob.page.keyboard.press("ArrowUp")
    bob.page.keyboard.press("Enter")
    bob.button("Report").click()
    bob.page.get_by_text("Something else", exact=True).click()
    bob.page.get_by_role("dialog").get_by_role("button", name="Report").click()
    expect(bob.page.get_by_text("Say what it is.")).to_be_visible()
    bob.page.get_by_label("In your own words").fill("Rude")
    bob.page.keyboard.press("Enter")
    expect(bob.page.locator("#toast")).to_contain_text("Somebody will look at it.")

    told = aside(lambda: sorted(Report.objects.filter(message=said).values_list("category", "note")))
    assert told == [("abuse", ""), ("other", "Rude")]


def test_who_is_muted_reads_for_how_long_and_why_and_may_write_again(stream: Stream, shopper: People) -> None:
    ada = shopper(PHONE)
    user = ada.sign_in()
    ada.open(stream)

    restrain(stream, user, "mute", seconds=300)

    expect(ada.page.locator(".compose__bound")).to_contain_text("You are muted for 5 min: advertising")
    expect(ada.page.get_by_label("Your message")).to_be_disabled()
    assert fits(ada.page)
    ada.page.reload()
    expect(ada.page.locator(".compose__bound")).to_contain_text("You are muted for")
    ada.button("Appeal").click()
    ada.page.get_by_label("Why was this wrong?").fill("I only said hello")
    ada.button("Send the appeal").click()
    expect(ada.page.locator(".compose__bound")).to_contain_text("Your appeal is being looked at.")

    by_host(stream, restraints.pardon, user_id=user.id)

    expect(ada.page.locator(".compose__bound")).to_be_hidden()
    write(ada, "Hello again")
    expect(line(ada, "Hello again")).to_be_visible()


def test_a_mute_ends_by_itself_on_the_page(stream: Stream, shopper: People) -> None:
    ada = shopper(PHONE)
    ada.page.clock.install()
    user = ada.sign_in()
    ada.open(stream)

    restrain(stream, user, "mute", seconds=50)

    expect(ada.page.locator(".compose__bound")).to_contain_text(re.compile(r"You are muted for \d+ s"))
    ada.page.clock.fast_forward(30_000)
    expect(ada.page.locator(".compose__bound")).to_contain_text(re.compile(r"You are muted for [12]?\d s"))
    ada.page.clock.fast_forward(20_000)
    expect(ada.page.locator(".compose__bound")).to_be_hidden()


def test_who_is_banned_is_told_so_and_can_appeal_without_a_connection(
    stream: Stream, shopper: People
) -> None:
    ada = shopper(PHONE)
    user = ada.sign_in()
    ada.open(stream)

    restrain(stream, user, "ban")

    expect(ada.page.locator(".compose__bound")).to_contain_text("You are banned from this show: advertising")
    expect(ada.page.locator("body[data-online=no]")).to_be_attached()
    ada.button("Appeal").click()
    ada.page.get_by_label("Why was this wrong?").fill("That was my brother")
    ada.button("Send the appeal").click()
    expect(ada.page.locator(".compose__bound")).to_contain_text("Your appeal is being looked at.")
    assert aside(lambda: Appeal.objects.get().text) == "That was my brother"


def test_when_only_followers_may_chat_a_press_follows_the_host(stream: Stream, shopper: People) -> None:
    ada = shopper(PHONE)
    user = ada.sign_in()
    ada.open(stream)

    by_host(stream, mode.change, followers_only=True)
    expect(ada.page.get_by_text("Only followers can chat now.")).to_be_visible()
    expect(ada.page.get_by_label("Your message")).to_be_disabled()
    ada.page.locator(".compose__bound").get_by_role("button", name="Follow").click()

    expect(ada.page.get_by_text("Only followers can chat now.")).to_be_hidden()
    write(ada, "Now I follow you")
    expect(line(ada, "Now I follow you")).to_be_visible()
    assert aside(lambda: Follow.objects.filter(user=user).exists())
    ada.button("Unfollow Mira").click()
    expect(ada.page.get_by_role("button", name="Follow Mira", exact=True)).to_be_visible()
    assert not aside(lambda: Follow.objects.filter(user=user).exists())


def test_a_moderator_keeps_order_with_the_rights_that_she_has(stream: Stream, shopper: People) -> None:
    mona, ada = shopper(PHONE), shopper(PHONE)
    helper, user = mona.sign_in(name="Mona"), ada.sign_in()
    ada.open(stream)
    mona.open(stream)
    by_host(stream, moderators.appoint, user_id=helper.id, rights=["remove", "mute", "pin"])
    write(ada, "Buy my followers")
    expect(line(mona, "Buy my followers")).to_be_visible()

    line(mona, "Buy my followers").tap()
    expect(mona.button("Ban from the show")).to_have_count(0)
    mona.button("Pin above the chat").click()
    expect(ada.page.locator(".chat__pinned")).to_contain_text("Buy my followers")
    mona.button("Unpin this comment").click()
    expect(ada.page.locator(".chat__pinned")).to_be_hidden()

    line(mona, "Buy my followers").tap()
    mona.button("Mute").click()
    mona.page.get_by_text("1 hour").click()
    mona.page.get_by_role("dialog").get_by_role("button", name="Mute").click()
    expect(ada.page.locator(".compose__bound")).to_contain_text("You are muted for 60 min")
    mute = aside(lambda: Restraint.objects.get(user=user))
    assert (mute.by_id, mute.rule) == (helper.id, "spam")

    line(mona, "Buy my followers").tap()
    mona.button("Remove").click()
    mona.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(line(ada, "Buy my followers")).to_contain_text("Removed by a moderator")
    expect(line(mona, "Buy my followers")).to_have_count(0)


def test_a_busy_chat_keeps_few_rows_and_does_not_pull_down_who_reads_back(
    stream: Stream, shopper: People
) -> None:
    noa = aside(make.user)
    ada = shopper(PHONE)
    ada.open(stream)
    rows = [
        ChatMessage(stream=stream, author=noa, key=uuid4(), text=f"Line {number}", at=now())
        for number in range(300)
    ]

    def publish() -> None:
        for each in ChatMessage.objects.bulk_create(rows):
            d = bodies.said(each)
            if each is rows[-1]:
                d["user"] = {**d["user"], "role": "mod"}  # Of too many lines a moderator's is always told.
            showlog.tell_chat(stream_id=stream.id, message_id=each.id, d=d, ts=0)

    aside(publish)
    expect(line(ada, "Line 299")).to_be_visible()
    assert ada.page.locator(".chat__line").count() <= 180

    ada.page.locator(".chat__lines").evaluate("list => { list.scrollTop = 0; }")
    say(stream, noa, "And one more")
    expect(ada.button("New messages")).to_be_visible()
    assert ada.page.locator(".chat__lines").evaluate("list => list.scrollTop") < 200
    ada.button("New messages").click()
    expect(line(ada, "And one more")).to_be_in_viewport()
    expect(ada.button("New messages")).to_be_hidden()
