"""Moderation over HTTP: the same verbs, walls around every show, clear refusals."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from commerce.models import User
from streams.models import Appeal, ChatMessage, Decision, Right, Stream
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "/api/v1/moderation"


class Desk:
    """A signed-in browser."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client()
        if user is not None:
            self.client.force_login(user)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.client.generic(
            method, path if path.startswith("/api") else BASE + path, json.dumps(body), "application/json"
        )
        return answer.status_code, answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return body


def at(stream: Stream, rest: str = "") -> str:
    return f"/shows/{stream.id}{rest}"


@pytest.fixture
def stream() -> Stream:
    return make.show(products=(make.product(),))


@pytest.fixture
def host(stream: Stream) -> Desk:
    return Desk(stream.host.user)


def every_door(stream: Stream) -> list[tuple[str, str, Any]]:
    """Return a request for every door to a show, each as its keeper would send it."""
    line, top, waits = acts.line(stream), acts.line(stream), acts.held(stream)
    asked = acts.say(stream, make.user(), question=True)
    gone = acts.removed(stream)
    by = Decision.objects.get(message=gone)
    appeal = Appeal.objects.create(stream=stream, decision=by, by_id=by.subject_id, text="No", at=make.NOW)
    return [
        ("GET", at(stream), None),
        ("GET", at(stream, "/queue"), None),
        ("POST", at(stream, f"/lines/{waits.id}/decide"), {"verdict": "show"}),
        ("POST", at(stream, f"/lines/{line.id}/remove"), {"rule": "spam"}),
        ("POST", at(stream, f"/lines/{gone.id}/restore"), {}),
        ("PUT", at(stream, "/pinned-line"), {"line": str(top.id)}),
        ("DELETE", at(stream, "/pinned-line"), None),
        ("PATCH", at(stream, "/mode"), {"slow_s": 5}),
        ("GET", at(stream, "/decisions"), None),
        ("GET", at(stream, "/appeals"), None),
        ("POST", at(stream, f"/appeals/{appeal.id}"), {"outcome": "upheld"}),
        ("GET", at(stream, "/reports"), None),
        ("GET", at(stream, "/rules"), None),
        ("GET", at(stream, "/moderators"), None),
        ("PUT", at(stream, "/moderators"), {"user": str(make.user().id), "rights": ["ban"]}),
        ("DELETE", at(stream, f"/moderators/{make.user().id}"), None),
        ("GET", at(stream, "/restraints"), None),
        ("POST", at(stream, "/restraints"), {"user": str(make.user().id), "kind": "ban", "rule": "spam"}),
        ("POST", at(stream, "/pardon"), {"user": str(make.user().id)}),
        ("GET", at(stream, "/questions"), None),
        ("POST", at(stream, f"/questions/{asked.message.id}/answer"), {}),
    ]


def test_for_strangers_and_other_hosts_every_door_is_no_door(stream: Stream) -> None:
    doors = every_door(stream)
    before = Decision.objects.count()

    for desk in (Desk(make.user()), Desk(make.host("Eve").user)):
        assert [(door, desk.ask(*door)[0]) for door in doors] == [(door, 404) for door in doors]
    for door in doors:
        assert Desk().ask(*door)[0] == 401
    assert Decision.objects.count() == before


def test_for_the_host_every_door_opens(stream: Stream, host: Desk) -> None:
    answers = [(door[:2], host.ask(*door)) for door in every_door(stream)]

    wrong = [(door, answer) for door, answer in answers if answer[0] not in (200, 204)]
    assert [(door[0], answer[1]["code"]) for door, answer in wrong] == [("DELETE", "NOT_FOUND")]


def test_a_moderator_may_what_her_rights_say(stream: Stream) -> None:
    doors = every_door(stream)
    allowed = {
        Right.REMOVE: {"remove", "restore"},
        Right.REVIEW: {"queue", "decide", "restore", "appeals", "reports"},
        Right.PIN: {"pinned-line"},
        Right.PACE: {"mode"},
        Right.QUESTIONS: {"answer"},
        Right.MUTE: {"restraints"},
        Right.BAN: {"restraints"},
    }
    everybody = {"", "decisions", "rules", "moderators", "questions"}
    for right, mine in allowed.items():
        desk = Desk(acts.mod(stream, right))
        for method, path, body in doors:
            if method != "GET":
                continue
            name = path.removeprefix(at(stream)).strip("/")
            expected = 200 if name in mine | everybody else 403
            assert (right, name, desk.ask(method, path, body)[0]) == (right, name, expected)
        assert (desk.ask("PATCH", at(stream, "/mode"), {})[0] == 200) is (right == Right.PACE)
        assert (desk.ask("DELETE", at(stream, "/pinned-line"))[0] == 204) is (right == Right.PIN)


def test_the_queue_tells_rule_match_and_reports(stream: Stream, host: Desk) -> None:
    noa = make.user("Noa")
    line = acts.held(stream, noa)
    plain = acts.line(stream)
    slug = f"/api/v1/live/{stream.slug}/reports"
    assert Desk(noa).ask("POST", slug, {"line": str(plain.id), "category": "scam", "note": "Fake"})[0] == 204

    first, second = host.get(at(stream, "/queue"))["results"]

    assert (first["id"], first["rule"], first["matched"], first["status"]) == (
        str(line.id),
        "words",
        "bullshit",
        "held",
    )
    assert [(each["category"], each["note"]) for each in second["reports"]] == [("scam", "Fake")]
    assert [each["id"] for each in host.get(at(stream, "/queue?kind=held"))["results"]] == [str(line.id)]
    assert host.get(at(stream))["waiting"] == {"held": 1, "reported": 1, "appeals": 0, "questions": 0}


def test_pages_of_the_queue_follow_each_other(stream: Stream, host: Desk) -> None:
    lines = [str(acts.held(stream).id) for _ in range(5)]

    seen, page = [], host.get(at(stream, "/queue?page_size=2"))
    while True:
        seen += [each["id"] for each in page["results"]]
        if page["next"] is None:
            break
        page = host.get(page["next"].removeprefix("http://testserver"))
    assert seen == lines


def test_a_removed_line_is_found_appealed_and_restored_by_another(stream: Stream, host: Desk) -> None:
    noa = make.user("Noa")
    max_ = Desk(acts.mod(stream))
    line = acts.line(stream, noa)
    status, body = max_.ask("POST", at(stream, f"/lines/{line.id}/remove"), {"rule": "spam", "reason": "Ad"})
    assert (status, body["status"]) == (200, "removed")

    [mine] = Desk(noa).get("/mine")["results"]
    assert (mine["action"], mine["by"], mine["reason"], mine["appealable"]) == (
        "removed",
        "people",
        "Ad",
        True,
    )
    assert "actor" not in mine
    status, body = Desk(noa).ask("POST", "/appeals", {"decision": mine["id"], "text": "It was none"})
    assert (status, body["appeal"], body["appealable"]) == (200, "open", False)
    [appeal] = host.get(at(stream, "/appeals?outcome=open"))["results"]
    path = at(stream, f"/appeals/{appeal['id']}")
    assert max_.ask("POST", path, {"outcome": "overturned"})[1]["code"] == "OWN_DECISION"
    assert host.ask("POST", path, {"outcome": "overturned", "reason": "True"})[1]["outcome"] == "overturned"

    line.refresh_from_db()
    assert line.status == ChatMessage.Status.SHOWN
    log = host.get(at(stream, f"/decisions?line={line.id}"))["results"]
    assert [each["action"] for each in log] == ["restored", "removed"]
    assert log[0]["undoes"] == log[1]["id"] == log[0]["case"]
    assert log[1]["undone_by"] == log[0]["id"]


def test_the_log_is_narrowed_by_rule_actor_and_user(stream: Stream, host: Desk) -> None:
    noa, max_ = make.user("Noa"), acts.mod(stream)
    acts.removed(stream, noa, by=max_)
    acts.removed(stream)
    acts.held(stream)

    def found(query: str) -> list[str]:
        return [each["action"] for each in host.get(at(stream, f"/decisions?{query}"))["results"]]

    assert found(f"user={noa.id}") == ["removed"]
    assert found(f"actor={max_.id}") == ["removed"]
    assert found("rule=words") == ["held"]
    assert found("by_filter=true") == ["held"]
    assert found("by_filter=false&action=removed") == ["removed", "removed"]
    assert host.ask("GET", at(stream, "/decisions?rule=none"))[0] == 400
    assert host.ask("GET", at(stream, "/queue?kind=none"))[1]["code"] == "BAD_REQUEST"


def test_error_rates_are_shown_by_show_and_by_host(stream: Stream, host: Desk) -> None:
    for verdict in ("show", "remove"):
        line = acts.held(stream)
        assert host.ask("POST", at(stream, f"/lines/{line.id}/decide"), {"verdict": verdict})[0] == 200

    for path in (at(stream, "/rules"), "/rules"):
        rates = {each["rule"]: each for each in host.get(path)["rules"]}
        assert (rates["words"]["overturned"], rates["words"]["upheld"], rates["words"]["rate"]) == (1, 1, 0.5)
        assert rates["words"]["by_filter"] and not rates["spam"]["by_filter"]
    assert Desk(make.user()).ask("GET", "/rules")[0] == 403


def test_people_are_muted_listed_and_pardoned(stream: Stream, host: Desk) -> None:
    noa = make.user("Noa")
    given = {"user": str(noa.id), "kind": "mute", "seconds": 600, "rule": "abuse", "reason": "Insults"}

    assert host.ask("POST", at(stream, "/restraints"), given)[1]["active"] is True
    [row] = host.get(at(stream, "/restraints?kind=mute&lifted=false"))["results"]
    assert (row["user"]["name"], row["rule"], row["reason"]) == ("Noa", "abuse", "Insults")
    assert host.ask("POST", at(stream, "/pardon"), {"user": str(noa.id)})[0] == 204
    assert host.get(at(stream, "/restraints?lifted=false"))["results"] == []
    assert host.get(at(stream, "/restraints?lifted=true"))["results"][0]["active"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "mute"},
        {"kind": "mute", "seconds": 5},
        {"kind": "mute", "seconds": "60"},
        {"kind": "mute", "seconds": 100_000},
        {"kind": "kick", "seconds": 60},
        {"kind": "ban", "rule": "words"},
        {"kind": "ban", "rule": "other"},
        {"kind": "ban", "rule": "spam", "forever": True},
    ],
)
def test_a_senseless_restraint_is_refused(stream: Stream, host: Desk, body: Any) -> None:
    given = {"user": str(make.user().id), "rule": "spam"} | body

    assert host.ask("POST", at(stream, "/restraints"), given)[0] == 400


def test_moderators_are_appointed_by_address(stream: Stream, host: Desk) -> None:
    max_ = make.user("Max")

    status, body = host.ask("PUT", at(stream, "/moderators"), {"email": max_.email, "rights": ["pin", "ban"]})
    assert (status, body["rights"]) == (200, ["ban", "pin"])
    assert [each["user"]["name"] for each in host.get(at(stream, "/moderators"))["moderators"]] == ["Max"]
    [show] = Desk(max_).get("/shows")["results"]
    assert (show["id"], show["role"], show["rights"]) == (str(stream.id), "mod", ["ban", "pin"])
    both = {"email": max_.email, "user": str(max_.id), "rights": ["pin"]}
    for wrong in (both, {"rights": ["pin"]}, {"email": max_.email, "rights": []}):
        assert host.ask("PUT", at(stream, "/moderators"), wrong)[0] == 400
    assert host.ask("DELETE", at(stream, f"/moderators/{max_.id}"))[0] == 204
    assert Desk(max_).get("/shows")["results"] == []


def test_questions_are_narrowed_and_answered(stream: Stream, host: Desk) -> None:
    item = make.item(stream)
    asked = acts.say(stream, make.user(), "Matte?", question=True, product_id=item.product_id).message
    acts.say(stream, make.user(), "When is the next show?", question=True)

    [found] = host.get(at(stream, f"/questions?product={item.product_id}"))["results"]
    assert (found["id"], found["item"], found["product_title"]) == (
        str(asked.id),
        str(item.id),
        "Velvet lipstick",
    )
    assert len(host.get(at(stream, "/questions?answered=false"))["results"]) == 2
    path = at(stream, f"/questions/{asked.id}/answer")
    assert host.ask("POST", path, {})[1]["answered_by"]["id"] == str(stream.host.user_id)
    assert len(host.get(at(stream, "/questions?answered=false"))["results"]) == 1
    assert host.ask("POST", path, {"answered": False})[1]["answered_at"] is None


def test_words_and_followers_are_the_hosts_own(stream: Stream, host: Desk) -> None:
    noa, eve = make.user("Noa"), Desk(make.host("Eve").user)
    follow = f"/api/v1/live/{stream.slug}/follow"
    assert Desk(noa).ask("PUT", follow)[1] == {"follows": True}
    status, word = host.ask("POST", "/words", {"text": "Dupe"})

    assert status == 200
    assert [each["user"]["name"] for each in host.get("/followers")["results"]] == ["Noa"]
    assert [each["text"] for each in host.get("/words")["words"]] == ["Dupe"]
    assert eve.get("/words")["words"] == eve.get("/followers")["results"] == []
    assert eve.ask("DELETE", f"/words/{word['id']}")[0] == 404
    assert host.ask("DELETE", f"/words/{word['id']}")[0] == 204
    assert Desk(noa).ask("DELETE", follow)[1] == {"follows": False}
    assert Desk(noa).ask("GET", "/words")[0] == 403


def test_what_is_not_there_is_not_found(stream: Stream, host: Desk) -> None:
    for method, path, body in (
        ("POST", at(stream, f"/lines/{uuid4()}/decide"), {"verdict": "show"}),
        ("POST", at(stream, f"/lines/{uuid4()}/remove"), {"rule": "spam"}),
        ("PUT", at(stream, "/pinned-line"), {"line": str(uuid4())}),
        ("POST", at(stream, f"/appeals/{uuid4()}"), {"outcome": "upheld"}),
        ("POST", at(stream, f"/questions/{uuid4()}/answer"), {}),
        ("GET", f"/shows/{UUID(int=1)}/queue", None),
        ("POST", "/appeals", {"decision": str(uuid4()), "text": "Why?"}),
        ("PUT", "/api/v1/live/no-such-show/follow", None),
    ):
        assert (path, host.ask(method, path, body)[0]) == (path, 404)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 501, 7, None, ["x"]])
def test_odd_texts_are_refused_and_break_nothing(stream: Stream, text: Any) -> None:
    noa = make.user("Noa")
    acts.removed(stream, noa)
    body = {"decision": str(Decision.objects.get().id), "text": text}
    answer = Desk(noa).client.generic("POST", f"{BASE}/appeals", json.dumps(body), "application/json")

    assert answer.status_code == 400
