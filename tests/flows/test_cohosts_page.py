"""Two hosts in real browsers: one invites the other to her show, who agrees; viewers see both."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from commerce.models import Host
from config.children import Child
from streams.models import CoHost, Stream
from tests import backstage
from tests.browsing import aside
from tests.live_server import cookie_of
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture
def site(transactional_db: None, _site: tuple[str, Child]) -> Iterator[str]:
    """The address of a process that serves pages and sockets on this test's database, with its backstage."""
    address, running = _site
    assert running.alive()
    with backstage.working():
        yield address


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def window(request: pytest.FixtureRequest, browser: Browser) -> ViewportSize:
    size: ViewportSize = request.param
    return size


@pytest.fixture
def complaints() -> Generator[list[str]]:
    """What pages complain of; pictures of the tests' goods are nowhere."""
    found: list[str] = []
    yield found
    assert not [each for each in found if "404" not in each]


def page_of(host: Host | None, site: str, browser: Browser, window: ViewportSize, found: list[str]) -> Page:
    """Return a window of a host, or of a viewer."""
    page = browser.new_context(viewport=window).new_page()
    if host is not None:
        name, _, value = aside(lambda: cookie_of(host.user)).partition("=")
        page.context.add_cookies([{"name": name, "value": value, "url": site}])
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def test_two_hosts_agree_on_a_show_and_viewers_see_both(
    site: str, browser: Browser, window: ViewportSize, complaints: list[str]
) -> None:
    mira, yuki = aside(lambda: (make.host("Mira"), make.host("Yuki")))
    stream = aside(lambda: make.show(mira, products=(make.product(),)))
    # The process lives on and knows a show by its address for a while; the next test's is another show.
    slug = f"evening-glow-{stream.id}"
    aside(lambda: Stream.objects.filter(pk=stream.id).update(slug=slug))
    mira_at, yuki_at, viewer = (
        page_of(each, site, browser, window, complaints) for each in (mira, yuki, None)
    )
    viewer.goto(f"{site}/live/{slug}")
    expect(viewer.locator(".who__name")).to_have_text("Mira")

    mira_at.goto(f"{site}/studio/shows/{stream.id}/cohosts/")
    mira_at.get_by_label("Host", exact=True).fill("yuki")
    mira_at.get_by_label("Share of the commission, in %").fill("30")
    mira_at.get_by_role("button", name="Invite", exact=True).click()
    expect(mira_at.get_by_text("Yuki is invited. She finds it in her studio.")).to_be_visible()
    expect(mira_at.locator("[data-host=own]")).to_contain_text("70 % once all have agreed")

    yuki_at.goto(f"{site}/studio/")
    yuki_at.get_by_role("link", name="Answer").click()
    expect(yuki_at.get_by_text("Mira asks you to host it with her, for 30 %")).to_be_visible()
    yuki_at.get_by_role("button", name="Accept").click()
    expect(yuki_at.get_by_text("You host “Evening glow” now.")).to_be_visible()
    expect(viewer.locator(".who__name")).to_have_text("Mira · Yuki")
    mira_at.reload()
    expect(mira_at.locator("[data-status=accepted]")).to_contain_text("Hers until she leaves")
    for page in (mira_at, yuki_at):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    yuki_at.get_by_role("button", name="Leave").click()
    expect(yuki_at.get_by_text("What was bought until now stays shared.")).to_be_visible()
    expect(viewer.locator(".who__name")).to_have_text("Mira")
    assert aside(lambda: CoHost.objects.get().status) == "left"
