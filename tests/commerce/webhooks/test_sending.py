"""What is connected to, for how long, and how much of the answer is read. The receivers are real ones."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from commerce.outside import addresses, connecting, resolving
from commerce.webhooks import sending
from commerce.webhooks.sending import Client
from tests.commerce.webhooks.receiver import Receiver, listening

NOT_PUBLIC = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1"),
    *("172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8"),
    *("192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("2001::1", "2001:db8::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1"),
    *("100::1", "2001:2::1", "4000::1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "193.0.0.1"),
    *("2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
]
REFUSED_HOSTS = [
    *("2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "017700000001", "localhost", "intranet"),
    *(
        "db.internal",
        "printer.local",
        "a.localhost",
        "127.0.0.1.",
        "localhost.",
        "ex ample.com",
        "-a.example",
    ),
    *("[::1]", "[::ffff:127.0.0.1]", "[fe80::1%25eth0]", "127.0.0.1", "169.254.169.254", "10.0.0.1", ""),
    *("hooks.example.com\\@127.0.0.1", "hooks.example.com@127.0.0.1", "127.0.0.1#hooks.example.com", "éa.fr"),
]


def post(client: Client, url: str) -> sending.Outcome:
    return client.post(url, headers={"webhook-id": "msg_1"}, body=b'{"a":1}')


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as ours:
        yield ours


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for hooks.example.com, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", "/CN=hooks.example.com", "-keyout", str(key), "-out", str(cert)),
            *("-addext", "subjectAltName=DNS:hooks.example.com"),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[Receiver]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    with listening(tls=server) as ours:
        yield ours


# --- addresses ---


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_public_is_not_connected_to(text: str) -> None:
    assert not addresses.is_public(ip_address(text))
    assert not addresses.allowed(text, loopback=False)


@pytest.mark.parametrize("text", PUBLIC)
def test_control_what_is_public_is(text: str) -> None:
    assert addresses.allowed(text, loopback=False)


@pytest.mark.parametrize("text", [each for each in NOT_PUBLIC if not each.startswith(("127.", "::ffff:127"))])
def test_development_lets_this_machine_in_and_no_other(text: str) -> None:
    wrapped = ("::1", "64:ff9b::7f00:1", "2002:7f00:1::")

    assert addresses.allowed(text, loopback=True) is (text in wrapped)


@pytest.mark.parametrize("host", REFUSED_HOSTS)
def test_an_endpoint_cannot_be_at_what_is_nobodys_name(host: str) -> None:
    with pytest.raises(addresses.NotPublic):
        addresses.read(f"https://{host}/hooks", loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "//hooks.example.com/",
            "hooks.example.com",
        ),
        *(
            "https://hooks.example.com:22/",
            "https://hooks.example.com:99999/",
            "https://hooks.example.com:x/",
        ),
        *("https://user@hooks.example.com/", "https://user:pass@hooks.example.com/", "https://@example.com/"),
        *("https://hooks.example.com/\r\nX: y", "https://hooks.example.com/ a", "https://[::1/", ""),
        *("https://hooks.example.com/#x", "https://hooks.example.com/#", f"https://a.example/{'x' * 500}"),
    ],
)
def test_an_endpoint_is_https_at_a_usual_port_without_a_password(url: str) -> None:
    with pytest.raises(addresses.NotPublic):
        addresses.read(url, loopback=False)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://hooks.example.com", ("https", "hooks.example.com", 443, "/")),
        ("HTTPS://Hooks.Example.com:8443/a?b=c", ("https", "hooks.example.com", 8443, "/a?b=c")),
        ("https://1.1.1.1/", ("https", "1.1.1.1", 443, "/")),
        ("https://[2606:4700:4700::1111]/x", ("https", "2606:4700:4700::1111", 443, "/x")),
        ("https://xn--bcher-kva.example/x", ("https", "xn--bcher-kva.example", 443, "/x")),
    ],
)
def test_control_an_address_on_the_internet_is_taken(url: str, read: tuple[object, ...]) -> None:
    target = addresses.read(url, loopback=False)

    assert (target.scheme, target.host, target.port, target.path) == read


# --- the guard where the socket is opened ---


@pytest.mark.parametrize("text", [each for each in NOT_PUBLIC if "%" not in each])
def test_a_name_that_stands_for_what_is_not_public_is_not_connected_to(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *address, **_: opened.append(address))

    outcome = post(Client(resolver=lambda host, port: [text]), "https://hooks.example.com/")

    assert (outcome.error, outcome.status, opened) == ("NOT_PUBLIC", None, [])


def test_one_address_that_is_not_public_among_others_is_enough_to_refuse() -> None:
    client = Client(resolver=lambda host, port: ["1.1.1.1", "::ffff:10.0.0.1"])

    assert post(client, "https://hooks.example.com/").error == "NOT_PUBLIC"


def test_the_request_does_not_reach_this_machine(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = lambda host, port: ["127.0.0.1"]  # noqa: E731
    url = f"https://hooks.example.com:{receiver.port}/"
    monkeypatch.setattr(addresses, "PORTS", {receiver.port})

    assert post(Client(resolver=resolver), url).error == "NOT_PUBLIC"
    assert not receiver.got


def test_control_without_the_guard_it_does(secure: Receiver, certificate: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(addresses, "PORTS", {secure.port})
    monkeypatch.setattr(addresses, "allowed", lambda text, loopback: True)
    client = Client(resolver=lambda host, port: ["127.0.0.1"], tls=trusting(certificate))

    assert post(client, f"https://hooks.example.com:{secure.port}/x").status == 204
    assert [got.path for got in secure.got] == ["/x"]
    # To the checked address, and with the name that the merchant gave.
    assert secure.got[0].headers["host"] == f"hooks.example.com:{secure.port}"


def test_a_name_is_looked_up_once_so_it_cannot_change_behind_the_check(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connected: list[tuple[str, int]] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["203.0.114.5"] if len(asked) == 1 else ["127.0.0.1"]

    def create_connection(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    outcome = post(Client(resolver=rebinding), "https://rebinding.example.com/")

    assert outcome.error == "CANNOT_CONNECT"
    assert asked == ["rebinding.example.com"]
    assert connected == [("203.0.114.5", 443)]
    assert post(Client(resolver=rebinding), "https://rebinding.example.com/").error == "NOT_PUBLIC"
    assert connected == [("203.0.114.5", 443)]


def test_the_system_s_own_resolver_is_not_fooled_by_numbers() -> None:
    for host in ("2130706433", "0x7f000001", "127.1"):
        assert set(resolving.look_up(host, 443)) == {"127.0.0.1"}
        checked = connecting.Checked(resolver=resolving.look_up, loopback=False, seconds=5)
        with pytest.raises(connecting.Refused):
            checked.connect_tcp(host, 443)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_nobody_goes_there(status: int, receiver: Receiver) -> None:
    with listening() as elsewhere:
        receiver.status, receiver.headers = status, {"Location": elsewhere.url}

        outcome = post(Client(loopback=True), receiver.url)

        assert (outcome.status, outcome.error, outcome.delivered) == (status, "REDIRECTED", False)
        assert not elsewhere.got


def test_no_proxy_of_the_environment_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

        assert post(Client(loopback=True), receiver.url).status == 204
        assert (len(receiver.got), proxy.got) == (1, [])


def test_plain_http_goes_to_this_machine_in_development_and_nowhere_else(receiver: Receiver) -> None:
    assert post(Client(), receiver.url).error == "NOT_PUBLIC"
    assert post(Client(loopback=True), "http://hooks.example.com/").error == "NOT_PUBLIC"
    assert not receiver.got
    assert post(Client(loopback=True), receiver.url).status == 204


# --- TLS ---


def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


def test_the_name_is_checked_against_the_certificate(secure: Receiver, certificate: Any) -> None:
    client = Client(loopback=True, resolver=lambda host, port: ["127.0.0.1"], tls=trusting(certificate))

    assert post(client, f"https://hooks.example.com:{secure.port}/").status == 204
    assert post(client, f"https://other.example.com:{secure.port}/").error == "BAD_CERTIFICATE"
    assert post(client, f"https://127.0.0.1:{secure.port}/").error == "BAD_CERTIFICATE"
    assert len(secure.got) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: Receiver) -> None:
    client = Client(loopback=True, resolver=lambda host, port: ["127.0.0.1"])

    assert post(client, f"https://hooks.example.com:{secure.port}/").error == "BAD_CERTIFICATE"
    assert not secure.got


def test_https_to_what_speaks_http_is_told_as_such(receiver: Receiver) -> None:
    client = Client(loopback=True, resolver=lambda host, port: ["127.0.0.1"], seconds=5)

    assert post(client, f"https://hooks.example.com:{receiver.port}/").error == "TLS_FAILED"


# --- answers ---


@pytest.mark.parametrize(
    ("status", "taken"), [(200, True), (204, True), (299, True), (400, False), (500, False)]
)
def test_only_2xx_means_taken(receiver: Receiver, status: int, taken: bool) -> None:
    receiver.status, receiver.answer = status, b"thanks" if status != 204 else b""

    outcome = post(Client(loopback=True), receiver.url)

    assert (outcome.status, outcome.delivered) == (status, taken)
    assert outcome.answer == receiver.answer


def test_an_endless_answer_is_left_unread(receiver: Receiver) -> None:
    def endless(file: Any) -> None:
        file.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            file.write(b"x" * 65_536)

    receiver.write = endless

    outcome = post(Client(loopback=True), receiver.url)

    assert outcome.status == 200
    assert outcome.answer == b"x" * sending.KEPT_BYTES


def test_headers_without_end_are_no_answer(receiver: Receiver) -> None:
    def endless(file: Any) -> None:
        file.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            file.write(b"X-More: " + b"x" * 8_000 + b"\r\n")

    receiver.write = endless

    assert post(Client(loopback=True), receiver.url).error == "BROKEN_ANSWER"


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-Drip: "])
def test_who_answers_drop_by_drop_has_so_long_for_all_of_it(receiver: Receiver, first: bytes) -> None:
    def dripping(file: Any) -> None:
        file.write(first)
        for _ in range(150):  # Three seconds of it, then the thread ends.
            file.write(b"x" if first else b"")
            file.flush()
            time.sleep(0.02)  # Sooner than any timeout of a single read.

    receiver.write = dripping

    assert post(Client(loopback=True, seconds=0.4), receiver.url).error == "TIMEOUT"


def test_a_body_that_never_comes_takes_nothing_from_the_status(receiver: Receiver) -> None:
    def slow(file: Any) -> None:
        file.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
        file.flush()
        time.sleep(5)

    receiver.write = slow

    outcome = post(Client(loopback=True, seconds=0.3), receiver.url)

    assert (outcome.status, outcome.answer) == (200, b"ok")


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]
)
def test_what_is_no_answer_is_told_as_such(receiver: Receiver, raw: bytes) -> None:
    receiver.write = lambda file: file.write(raw)

    assert post(Client(loopback=True), receiver.url).error == "BROKEN_ANSWER"


def test_nobody_there_and_no_such_name_are_told_apart() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror

    assert post(Client(loopback=True), f"http://127.0.0.1:{closed}/").error == "CANNOT_CONNECT"
    assert post(Client(resolver=unknown), "https://hooks.example.com/").error == "UNKNOWN_NAME"
    assert post(Client(resolver=lambda host, port: []), "https://hooks.example.com/").error == "UNKNOWN_NAME"


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("120", 120, 120),
        ("0", 0, 0),
        ("Fri, 31 Dec 2999 23:59:59 GMT", 1e9, 1e11),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0, 0),
        ("soon", None, None),
        ("-1", None, None),
        ("²", None, None),
        ("9" * 40, None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(
    receiver: Receiver, text: str, least: float | None, most: float | None
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": text}

    outcome = post(Client(loopback=True), receiver.url)

    if least is None or most is None:
        assert outcome.retry_after is None
    else:
        assert outcome.retry_after is not None
        assert least <= outcome.retry_after <= most
