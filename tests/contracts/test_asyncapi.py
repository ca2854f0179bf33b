"""The AsyncAPI document is valid, whole, and says of every message what is really sent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import msgspec
import pytest
from tidings.contracts import subjects
from tidings.contracts.asyncapi import document
from tidings.contracts.codec import encode
from tidings.contracts.events import EVENTS
from tidings.contracts.frames import ClientFrame, ServerFrame
from tidings.contracts.notifications import Entry, Membership, Shared
from tidings.contracts.subjects import Member, Person, Topic

from tests.contracts.golden import names, wire

PARSER = os.environ.get("ASYNCAPI_PARSER", "")
SCRIPT = Path(__file__).with_name("asyncapi.mjs")
KNOWN = {shape.type for shape in EVENTS}
WIRES = [name for folder in ("entries", "frames", "topics") for name in names(folder)] + [
    name for name in names() if name in KNOWN
]
PERSON, TOPIC = Person("acme", "ann"), Topic("acme", "room:9#member")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The document, as it is served."""
    return msgspec.json.decode(encode(document()))


def objections(text: bytes) -> str:
    """What the official parser has against a document."""
    command = ["node", str(SCRIPT), PARSER]
    return subprocess.run(
        command, input=text, capture_output=True, check=True, timeout=120
    ).stdout.decode()


def payloads(told: dict[str, Any], body: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of the messages that are spelled so, with all that they refer to; a signal is two, one each way."""
    tag = body.get("entry") or body["type"]
    messages = [
        message for message in told["components"]["messages"].values() if message["name"] == tag
    ]
    return [{**message["payload"], "components": told["components"]} for message in messages]


@pytest.mark.skipif(
    not (PARSER and shutil.which("node")),
    reason="needs node, and @asyncapi/parser in the folder ASYNCAPI_PARSER",
)
def test_the_official_parser_has_nothing_against_it(told: dict[str, Any]) -> None:
    broken = {
        **told,
        "channels": {
            **told["channels"],
            "inbox": {**told["channels"]["inbox"], "messages": {"None": {"$ref": "#/nowhere"}}},
        },
    }

    assert objections(encode(told)) == ""
    assert "nowhere" in objections(encode(broken))


def test_every_frame_entry_and_event_is_in_it(told: dict[str, Any]) -> None:
    shapes = {
        *get_args(ServerFrame),
        *get_args(ClientFrame),
        *get_args(Entry),
        *get_args(Membership),
        Shared,
        *EVENTS,
    }

    assert {shape.__name__ for shape in shapes} <= told["components"]["messages"].keys()
    assert {shape.__name__ for shape in get_args(ServerFrame)} == told["channels"]["stream"][
        "messages"
    ].keys()


def test_everything_it_refers_to_is_there(told: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', encode(told).decode()):
        found = told
        for part in reference.split("/"):
            found = found[part]


@pytest.mark.parametrize("name", WIRES)
def test_what_is_really_sent_fits_its_schema(told: dict[str, Any], name: str) -> None:
    body = wire(name)

    errors = [
        list(jsonschema_rs.validator_for(schema).iter_errors(body))
        for schema in payloads(told, body)
    ]

    assert [] in errors, errors


@pytest.mark.parametrize(
    ("channel", "subject"),
    [
        ("events", subjects.event("acme", "task.assigned", "456", 16)),
        ("events", subjects.event("acme", "checked", None, 16)),
        ("inbox", subjects.inbox(PERSON, 16)),
        ("shared", subjects.shared(TOPIC)),
        ("member", subjects.member(Member(PERSON, TOPIC), 16)),
        ("position", subjects.position("notifier", 3)),
        ("dead", subjects.dead("notifier", 3, 42)),
    ],
)
def test_its_addresses_are_the_subjects(told: dict[str, Any], channel: str, subject: str) -> None:
    parts = re.split(r"\{\w+\}", told["channels"][channel]["address"])

    assert re.fullmatch("[^.]+".join(map(re.escape, parts)), subject)
