"""What is fetched, from where, how much and for how long. The servers are real ones."""

import gzip
import io
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from commerce.outside import addresses, fetching
from commerce.outside.fetching import Client, Fetched
from tests.commerce.outside.server import Page, Site, serving

BODY = b"hello " * 1_000


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as ours:
        ours.pages["/file"] = Page(BODY)
        yield ours


def get(url: str, *, client: Client | None = None, **options: Any) -> tuple[Fetched, bytes]:
    file = io.BytesIO()
    options = {"most": 100_000, **options}
    fetched = (client or Client(loopback=True, seconds=5)).get(url, into=file, **options)
    return fetched, file.getvalue()


def test_what_is_there_is_written_with_its_hash(site: Site) -> None:
    fetched, body = get(site.url("/file"))

    assert (fetched.whole, fetched.size, body) == (True, len(BODY), BODY)
    assert fetched.sha256 == __import__("hashlib").sha256(BODY).hexdigest()


@pytest.mark.parametrize("hops", [1, 3])
def test_a_few_redirects_are_followed(site: Site, hops: int) -> None:
    for hop in range(hops):
        there = "/file" if hop == hops - 1 else f"/{hop + 1}"
        site.pages[f"/{hop}"] = Page(status=302, headers={"Location": there})

    fetched, body = get(site.url("/0"))

    assert (fetched.whole, fetched.redirects, body) == (True, hops, BODY)


def test_a_circle_ends_after_three(site: Site) -> None:
    site.pages["/round"] = Page(status=302, headers={"Location": "/round"})

    fetched, _ = get(site.url("/round"))

    assert (fetched.error, fetched.passing) == ("TOO_MANY_REDIRECTS", False)
    assert len(site.asked) == fetching.MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    "there",
    [
        *(
            "http://10.0.0.1/",
            "https://169.254.169.254/latest",
            "http://[::ffff:10.0.0.1]/",
            "file:///etc/passwd",
        ),
        *(
            "https://2130706433/",
            "gopher://example.com/",
            "https://user:word@example.com/",
            "https://[fe80::1]/",
        ),
    ],
)
def test_a_redirect_to_what_is_not_public_is_not_followed(site: Site, there: str) -> None:
    site.pages["/away"] = Page(status=302, headers={"Location": there})

    fetched, _ = get(site.url("/away"), plain=True)

    assert (fetched.error, fetched.status) == ("NOT_PUBLIC", None)


def test_a_name_that_changes_between_two_hops_is_checked_at_each(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["10.0.0.7"]

    site.pages["/a"] = Page(status=302, headers={"Location": "/file"})
    client = Client(loopback=True, resolver=rebinding, seconds=5)

    fetched, body = get(site.url("/a", "shop.example.com"), client=client, plain=True)

    assert (fetched.error, body, site.paths) == ("NOT_PUBLIC", b"", ["/a"])
    assert looked_up == ["shop.example.com"] * 2


def test_this_machine_is_not_reached(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "PLAIN_PORTS", {site.port})
    client = Client(resolver=lambda host, port: ["127.0.0.1"])

    for url in (site.url("/file"), site.url("/file", "shop.example.com")):
        fetched, _ = get(url, client=client, plain=True)
        assert fetched.error == "NOT_PUBLIC"
    assert not site.asked


def test_control_without_the_guard_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "PLAIN_PORTS", {site.port})
    monkeypatch.setattr(addresses, "allowed", lambda text, loopback: True)
    client = Client(resolver=lambda host, port: ["127.0.0.1"])

    assert get(site.url("/file", "shop.example.com"), client=client, plain=True)[0].whole


def test_http_is_taken_only_where_it_is_said(site: Site) -> None:
    client = Client(resolver=lambda host, port: [])

    assert get("http://shop.example.com/", client=client)[0].error == "NOT_PUBLIC"
    assert get("http://shop.example.com/", client=client, plain=True)[0].error == "UNKNOWN_NAME"


def test_what_is_too_large_is_left(site: Site) -> None:
    def endless(file: Any) -> None:
        file.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            file.write(b"x" * 65_536)

    site.pages["/endless"] = Page(write=endless)

    fetched, body = get(site.url("/endless"))

    assert (fetched.error, fetched.passing) == ("TOO_LARGE", False)
    assert len(body) <= 100_000


@pytest.mark.parametrize("packed_as", ["encoding", "file", "both"])
def test_packed_bytes_count_unpacked(site: Site, packed_as: str) -> None:
    small, bomb = gzip.compress(BODY), gzip.compress(bytes(200_000_000), 1)
    for path, body in (("/small", small), ("/bomb", bomb)):
        if packed_as == "both":
            body = gzip.compress(body)
        headers = {} if packed_as == "file" else {"Content-Encoding": "gzip"}
        site.pages[path] = Page(body, headers=headers)

    fetched, body = get(site.url("/small"), unpack=True)
    assert (fetched.whole, body) == (True, BODY)
    fetched, body = get(site.url("/bomb"), unpack=True)
    assert (fetched.error, len(body) <= 100_000) == ("TOO_LARGE", True)


@pytest.mark.parametrize("cut", [5, 40])
def test_packed_bytes_that_end_early_or_are_none_are_told(site: Site, cut: int) -> None:
    packed = {"Content-Encoding": "gzip"}
    site.pages["/cut"] = Page(gzip.compress(bytes(range(256)) * 20)[:cut], headers=packed)
    site.pages["/none"] = Page(b"not packed", headers=packed)
    site.pages["/other"] = Page(BODY, headers={"Content-Encoding": "br"})

    assert get(site.url("/cut"))[0].error == "BROKEN_ANSWER"
    assert get(site.url("/none"))[0].error == "BROKEN_ANSWER"
    assert get(site.url("/other"))[0].error == "UNKNOWN_ENCODING"


def test_several_packed_files_in_one_are_read_one_after_the_other(site: Site) -> None:
    site.pages["/two"] = Page(gzip.compress(b"one ") + gzip.compress(b"two"))

    assert get(site.url("/two"), unpack=True)[1] == b"one two"


def test_an_answer_that_breaks_off_is_not_whole(site: Site) -> None:
    site.pages["/broken"] = Page(
        write=lambda file: file.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    )

    fetched, _ = get(site.url("/broken"))

    assert (fetched.error, fetched.passing) == ("BROKEN_ANSWER", True)


def test_who_answers_drop_by_drop_over_hops_has_so_long_for_all_of_it(site: Site) -> None:
    def dripping(file: Any) -> None:
        file.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            file.write(b"x")
            file.flush()
            time.sleep(0.02)  # Sooner than any timeout of a single read.

    site.pages["/drip"] = Page(write=dripping)
    site.pages["/first"] = Page(status=302, headers={"Location": "/drip"})

    fetched, _ = get(site.url("/first"), client=Client(loopback=True, seconds=0.4))

    assert (fetched.error, fetched.passing) == ("TIMEOUT", True)


@pytest.mark.parametrize(("status", "passing"), [(404, False), (403, False), (429, True), (503, True)])
def test_what_may_help_is_told(site: Site, status: int, passing: bool) -> None:
    site.pages["/no"] = Page(status=status)

    fetched, _ = get(site.url("/no"))

    assert (fetched.status, fetched.whole, fetched.passing) == (status, False, passing)


def test_a_password_goes_to_its_own_origin_only(site: Site) -> None:
    with serving() as elsewhere:
        elsewhere.pages["/file"] = Page(BODY)
        site.pages["/same"] = Page(status=302, headers={"Location": "/file"})
        site.pages["/away"] = Page(status=302, headers={"Location": elsewhere.url("/file")})
        for path in ("/same", "/away"):
            assert get(site.url(path), secret={"Authorization": "Basic eDp5"})[0].whole

        assert all(headers["authorization"] == "Basic eDp5" for _, headers in site.asked)
        assert "authorization" not in elsewhere.asked[0][1]


def test_an_address_with_other_letters_is_escaped(site: Site) -> None:
    site.pages["/caf%C3%A9%20a.jpg?b=%20"] = Page(BODY)

    assert get(site.url("/café%20a.jpg?b=%20#part"))[0].whole


def test_packed_nothing_without_an_end_is_left(site: Site) -> None:
    def endless(file: Any) -> None:
        file.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        while True:
            file.write(gzip.compress(b"") * 1_000)

    site.pages["/nothing"] = Page(write=endless)

    fetched, body = get(site.url("/nothing"))

    assert (fetched.error, fetched.passing, body) == ("TOO_LARGE", False, b"")


def test_a_file_that_packing_made_larger_is_taken_whole(site: Site) -> None:
    body = random.Random(7).randbytes(100_000)
    site.pages["/noise"] = Page(gzip.compress(body))
    assert len(gzip.compress(body)) > len(body)

    assert get(site.url("/noise"), unpack=True)[1] == body


@pytest.mark.parametrize("header", [b"X-Large: " + b"x" * 500_000, b"X: y\r\n" * 100_000])
def test_headers_without_measure_are_no_answer(site: Site, header: bytes) -> None:
    site.pages["/headers"] = Page(
        write=lambda file: file.write(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\nbody")
    )

    fetched, body = get(site.url("/headers"))

    assert (fetched.error, body) == ("BROKEN_ANSWER", b"")


def test_who_says_wait_for_ever_has_so_long_for_it(site: Site) -> None:
    def waiting(file: Any) -> None:
        while True:
            file.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    site.pages["/wait"] = Page(write=waiting)

    fetched, _ = get(site.url("/wait"), client=Client(loopback=True, seconds=0.4))

    assert (fetched.error, fetched.passing) == ("TIMEOUT", True)


def test_no_proxy_of_the_environment_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
            monkeypatch.setenv(name.upper(), proxy.url(""))
        monkeypatch.setenv("no_proxy", "")

        assert get(site.url("/file"))[0].whole
        assert proxy.asked == []


@pytest.mark.parametrize(
    "address",
    [
        *("::ffff:127.0.0.1", "::ffff:10.0.0.7", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"),
        *("fe80::1%lo", "fc00::1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "169.254.169.254", "not one"),
    ],
)
def test_a_name_of_which_one_address_is_not_public_is_not_asked(address: str) -> None:
    client = Client(resolver=lambda host, port: ["93.184.216.34", address], seconds=5)

    assert get("https://shop.example.com/", client=client)[0].error == "NOT_PUBLIC"
