"""The socket's document: it names every frame, and says of it what the types say."""

import json
from typing import Any

import jsonschema
import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

from streams.frames import document, kinds, up, wire
from streams.live import dispatch

DOCUMENT: dict[str, Any] = yaml.safe_load((settings.BASE_DIR / "docs/asyncapi.yaml").read_text("utf-8"))
SAID = '{"v":1,"t":"chat.send","id":1,"key":"0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10","d":{"text":"a"}}'
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def errors_of(name: str, frame: str) -> list[str]:
    schema = {**MESSAGES[name]["payload"], "components": DOCUMENT["components"]}
    found = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(frame))
    return [error.message for error in found]


def test_the_document_is_up_to_date() -> None:
    call_command("asyncapi", "--check")


def test_a_changed_frame_makes_it_out_of_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds.UP, "wave", kinds.Up("wave", up.Pong, "Wave.", None))

    with pytest.raises(SystemExit):
        call_command("asyncapi", "--check")


def test_every_frame_and_every_command_is_in_it() -> None:
    named = {message["payload"]["properties"]["t"]["const"] for message in MESSAGES.values()}

    assert named == kinds.DOWN.keys() | kinds.UP.keys() | dispatch.table().keys()


def test_every_command_says_what_its_reply_holds() -> None:
    assert dispatch.table().keys() <= document.REPLIES.keys()


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(DOCUMENT))
    assert len(found) > 50
    for reference in found:
        node = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


@pytest.mark.parametrize(
    ("name", "frame", "valid"),
    [
        ("viewers_count", wire.state("viewers.count", "viewers", 3, {"n": 5}), True),
        ("viewers_count", wire.state("viewers.count", "viewers", 3, {"n": -5}), False),
        ("viewers_count", wire.event("viewers.count", {"n": 5}), False),
        ("ping", wire.event("ping", {}), True),
        ("chat_send", SAID, True),
        ("chat_send", '{"v":1,"t":"chat.send","id":1,"d":{"text":"a"}}', False),
        ("chat_send", '{"v":1,"t":"chat.send","id":1,"key":"x","d":{"text":""}}', False),
        ("pong", '{"v":1,"t":"pong"}', True),
        ("pong", '{"v":1,"t":"pong","id":1}', False),
        ("hello", '{"v":1,"t":"hello","id":1,"d":{"resume":{"s":{"epoch":"a1","offset":3}}}}', True),
        ("hello", '{"v":1,"t":"hello","id":1,"d":{"resume":{"s":{"epoch":"a1"}}}}', False),
    ],
)
def test_the_document_tells_right_frames_from_wrong_ones(name: str, frame: str, valid: bool) -> None:
    assert (errors_of(name, frame) == []) is valid
