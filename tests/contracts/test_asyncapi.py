"""The AsyncAPI document is valid and complete, and describes the messages that are sent."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import msgspec
import pytest
from tidings.contracts import subjects
from tidings.contracts.codec import encode
from tidings.contracts.documents.asyncapi import asyncapi_document
from tidings.contracts.documents.schema import schema_name
from tidings.contracts.frames import ClientFrame, ServerFrame
from tidings.contracts.notifications import Entry, SharedNotification, TopicMembership
from tidings.contracts.subjects import Member, Person, Subjects, Topic
from tidings.domains import EVENTS

from tests.contracts.golden import list_names, read_wire
from tests.npm_packages import require_npm_packages

SCRIPT = Path(__file__).with_name("asyncapi.mjs")
KNOWN = {shape.type for shape in EVENTS}
WIRES = [
    name for folder in ("entries", "frames", "topics", "deliveries") for name in list_names(folder)
] + [name for name in list_names() if name in KNOWN]
PERSON, TOPIC = Person("acme", "ann"), Topic("acme", "room:9#member")
SUBJECTS = Subjects(16)


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    """Return the document as it is served."""
    return msgspec.json.decode(encode(asyncapi_document()))


def find_objections(text: bytes) -> str:
    """Return the problems that the official parser finds in a document."""
    command = ["node", str(SCRIPT), str(require_npm_packages())]
    return subprocess.run(
        command, input=text, capture_output=True, check=True, timeout=120
    ).stdout.decode()


def find_payloads(served: dict[str, Any], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of the messages with a name, and all schemas to which they refer.

    There are two messages `signal`, one in each direction.
    """
    tag = body.get("entry") or body["type"]
    messages = [
        message for message in served["components"]["messages"].values() if message["name"] == tag
    ]
    return [{**message["payload"], "components": served["components"]} for message in messages]


def test_the_official_parser_accepts_it(served: dict[str, Any]) -> None:
    broken = {
        **served,
        "channels": {
            **served["channels"],
            "inbox": {**served["channels"]["inbox"], "messages": {"None": {"$ref": "#/nowhere"}}},
        },
    }

    assert find_objections(encode(served)) == ""
    assert "nowhere" in find_objections(encode(broken))


def test_every_frame_entry_and_event_is_in_it(served: dict[str, Any]) -> None:
    shapes = {
        *get_args(ServerFrame),
        *get_args(ClientFrame),
        *get_args(Entry),
        *get_args(TopicMembership),
        SharedNotification,
        *EVENTS,
    }

    assert {schema_name(shape) for shape in shapes} <= served["components"]["messages"].keys()
    assert {schema_name(shape) for shape in get_args(ServerFrame)} == served["channels"]["stream"][
        "messages"
    ].keys()


def test_everything_it_refers_to_is_there(served: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', encode(served).decode()):
        node = served
        for part in reference.split("/"):
            node = node[part]


@pytest.mark.parametrize("name", WIRES)
def test_golden_messages_match_their_schemas(served: dict[str, Any], name: str) -> None:
    body = read_wire(name)

    errors = [
        list(jsonschema_rs.validator_for(schema).iter_errors(body))
        for schema in find_payloads(served, body)
    ]

    assert [] in errors, errors


@pytest.mark.parametrize(
    ("channel", "subject"),
    [
        ("events", SUBJECTS.event_subject("acme", "task.assigned", "456")),
        ("events", SUBJECTS.event_subject("acme", "checked", None)),
        ("inbox", SUBJECTS.inbox_subject(PERSON)),
        ("shared", subjects.topic_inbox_subject(TOPIC)),
        ("member", SUBJECTS.member_subject(Member(PERSON, TOPIC))),
        ("position", subjects.position_subject("notifier", 3)),
        ("outbound", SUBJECTS.delivery_subject(PERSON)),
        ("dead", subjects.dead_letter_subject("notifier", 3, 42)),
    ],
)
def test_its_addresses_are_the_subjects(served: dict[str, Any], channel: str, subject: str) -> None:
    parts = re.split(r"\{\w+\}", served["channels"][channel]["address"])

    assert re.fullmatch("[^.]+".join(map(re.escape, parts)), subject)
