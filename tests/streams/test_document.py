"""The socket's document: valid AsyncAPI, with every frame in it, saying of it what the types say."""

import json
from typing import Any

import jsonschema_rs
import pytest
from django.conf import settings
from django.core.management import call_command

from streams.frames import document, kinds, up, wire
from streams.live import dispatch
from tests import protocol

DOCUMENT: dict[str, Any] = protocol.document()
SAID = '{"v":1,"t":"chat.send","id":1,"key":"0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10","d":{"text":"a"}}'
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
OFFICIAL = settings.BASE_DIR / "tests/data/asyncapi/schema-3.0.0.json"


@pytest.fixture(scope="module")
def official() -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(json.loads(OFFICIAL.read_text("utf-8")))


def errors_of(name: str, frame: str) -> list[str]:
    """Return what the document as published, open to fields of the future, has against a frame."""
    schema = {**MESSAGES[name]["payload"], "components": DOCUMENT["components"]}
    found = protocol.draft7(schema).iter_errors(json.loads(frame))
    return [error.message for error in found]


def every_reference(node: Any) -> list[str]:
    """Return every `$ref` below a node."""
    if isinstance(node, list):
        return [each for value in node for each in every_reference(value)]
    if not isinstance(node, dict):
        return []
    here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return here + [each for value in node.values() for each in every_reference(value)]


def followed(reference: str) -> Any:
    """Return what a reference leads to; raises KeyError."""
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_document_is_up_to_date() -> None:
    call_command("asyncapi", "--check")


def test_a_changed_frame_makes_it_out_of_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds.UP, "wave", kinds.Up("wave", up.Pong, "Wave.", None))

    with pytest.raises(SystemExit):
        call_command("asyncapi", "--check")


def test_it_is_valid_by_the_official_schema(official: jsonschema_rs.Draft7Validator) -> None:
    assert [error.message for error in official.iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"asyncapi": "3.1.0"},
        {"info": {"title": "Without a version"}},
        {"operations": {"tell": {"action": "shout", "channel": {"$ref": "#/channels/show"}}}},
        {"components": {"messages": {"ping": {"payload": {"type": "objekt"}}}}},
        {"channel": {}},
    ],
)
def test_the_official_schema_finds_what_is_wrong(
    official: jsonschema_rs.Draft7Validator, wrong: dict[str, Any]
) -> None:
    assert not official.is_valid({**DOCUMENT, **wrong})


def test_every_frame_and_every_command_is_in_it() -> None:
    named = {message["payload"]["properties"]["t"]["const"] for message in MESSAGES.values()}

    assert named == kinds.DOWN.keys() | kinds.UP.keys() | dispatch.table().keys()


def test_every_frame_of_the_server_says_how_it_is_delivered() -> None:
    classes = {kind.t: kind.cls for kind in kinds.DOWN.values()}

    for name, message in MESSAGES.items():
        t = message["payload"]["properties"]["t"]["const"]
        sent = t in classes and not name.endswith("_request")
        assert message.get("x-class") == (classes[t] if sent else None)


def test_every_command_says_what_its_reply_holds() -> None:
    assert dispatch.table().keys() <= document.REPLIES.keys()


def test_every_reference_leads_somewhere() -> None:
    found = set(every_reference(DOCUMENT))

    assert len(found) > 50
    for reference in found:
        assert isinstance(followed(reference), dict)
    with pytest.raises(KeyError):
        followed("#/components/schemas/Nowhere")


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_has_an_example_that_fits(name: str) -> None:
    [example] = MESSAGES[name]["examples"]
    frame = example["payload"]

    assert protocol.validator(name).is_valid(frame)
    assert frame.keys() == MESSAGES[name]["payload"]["properties"].keys()
    if "x-class" in MESSAGES[name]:
        wire.check(json.dumps(frame))
        # Controls: neither more nor less than the document says passes.
        with pytest.raises(ValueError, match="dditional properties"):
            protocol.told({**frame, "d": {**frame["d"], "surplus": 1}}, to=name.removesuffix("_reply"))
        with pytest.raises(ValueError, match="required"):
            protocol.told(
                {part: frame[part] for part in frame if part != "d"}, to=name.removesuffix("_reply")
            )
    else:
        with pytest.raises(ValueError, match="dditional properties"):
            protocol.asked({**frame, "surplus": 1})


@pytest.mark.parametrize(
    ("name", "frame", "valid"),
    [
        ("viewers_count", wire.state("viewers.count", "viewers", 3, {"n": 5}), True),
        ("viewers_count", wire.state("viewers.count", "viewers", 3, {"n": -5}), False),
        ("viewers_count", wire.event("viewers.count", {"n": 5}), False),
        ("ping", wire.event("ping", {}), True),
        ("ping", wire.event("ping", {"of": "the future"}), True),
        ("chat_send", SAID, True),
        ("chat_send", '{"v":1,"t":"chat.send","id":1,"d":{"text":"a"}}', False),
        ("chat_send", SAID.replace("0192f0c4", "x"), False),
        ("chat_send", SAID.replace('"a"', '""'), False),
        ("pong", '{"v":1,"t":"pong"}', True),
        ("pong", '{"v":1,"t":"pong","id":1}', False),
        ("hello", '{"v":1,"t":"hello","id":1,"d":{"resume":{"s":{"epoch":"a1","offset":3}}}}', True),
        ("hello", '{"v":1,"t":"hello","id":1,"d":{"resume":{"s":{"epoch":"a1"}}}}', False),
    ],
)
def test_the_document_tells_right_frames_from_wrong_ones(name: str, frame: str, valid: bool) -> None:
    assert (errors_of(name, frame) == []) is valid


def test_a_conversation_that_leaves_the_document_is_noticed() -> None:
    def hears(said: str, heard: str) -> None:
        conversation = protocol.Conversation()
        conversation.said(said)
        conversation.heard(heard)

    done = {"id": "0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10", "at": 1, "held": False, "replayed": False}
    refused = wire.event("error", {"code": "NO", "message": "", "temporary": False}, re=1)

    hears(SAID, wire.reply(1, done))
    hears(SAID.replace('"a"', '""'), refused)
    with pytest.raises(ValueError, match="chat_send: "):  # what is wrong was obeyed
        hears(SAID.replace('"a"', '""'), wire.reply(1, done))
    with pytest.raises(ValueError, match="chat_send_reply: "):  # another command's reply
        hears(SAID, wire.reply(1, {"c": 1, "server_ms": 1}))
    with pytest.raises(ValueError, match="not asked"):
        hears(SAID, wire.reply(2, done))
