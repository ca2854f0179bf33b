"""Every entry and every frame is decoded and encoded as clients know it."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from tidings.contracts.codec import (
    decode_delivery_receipt,
    decode_entry,
    decode_membership,
    decode_notification,
    decode_shared_notification,
    encode,
)
from tidings.contracts.deliveries import DeliveryEntry, decode_delivery_entry
from tidings.contracts.frames import (
    SIGNAL_LIMIT_BYTES,
    WATCH_LIMIT_USERS,
    ClientFrame,
    MarkOperation,
    ServerFrame,
)
from tidings.contracts.notifications import (
    MARK_LIMIT_IDS,
    Entry,
    SharedNotification,
    TopicMembership,
)

from tests.contracts.golden import describe_value, list_names, read_bytes, read_meaning, read_wire

ENTRIES = list_names("entries")
TOPICS = list_names("topics")
FRAMES = list_names("frames")
DELIVERIES = list_names("deliveries")
READ = {
    "shared": decode_shared_notification,
    "joined": decode_membership,
    "left": decode_membership,
}
FROM_SERVER = {shape.__struct_config__.tag for shape in get_args(ServerFrame)}
FROM_CLIENT = {shape.__struct_config__.tag for shape in get_args(ClientFrame)}

ID = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"
GOOD_MARK = {"type": "mark", "op": "op-1", "state": "read", "ids": [ID]}

server_frame = msgspec.json.Decoder(ServerFrame).decode
client_frame = msgspec.json.Decoder(ClientFrame).decode


def read_frame(name: str) -> Any:
    """Decode a golden frame as its receiver does."""
    return reader_of(name)(read_bytes(name))


def reader_of(name: str) -> Any:
    """Return the decoder of a golden frame's receiver."""
    wire = read_wire(name)
    return client_frame if wire["type"] in FROM_CLIENT and "from" not in wire else server_frame


def test_every_kind_of_entry_and_frame_has_a_golden_one() -> None:
    entries = {shape.__struct_config__.tag for shape in get_args(Entry)}

    assert {read_wire(name)["entry"] for name in ENTRIES} == entries
    assert {read_wire(name)["entry"] for name in TOPICS} == {
        shape.__struct_config__.tag for shape in (*get_args(TopicMembership), SharedNotification)
    }
    assert {read_wire(name)["entry"] for name in DELIVERIES} == {
        shape.__struct_config__.tag for shape in get_args(DeliveryEntry)
    }
    assert {read_wire(name)["type"] for name in FRAMES} == FROM_SERVER | FROM_CLIENT
    assert {"signal"} == FROM_SERVER & FROM_CLIENT, (
        "only what is passed on has one name on both sides"
    )


def test_a_golden_receipt_is_decoded_and_encoded_as_before() -> None:
    receipt = decode_delivery_receipt(read_bytes("receipts/receipt"))

    written = encode(receipt)

    assert describe_value(receipt) == read_meaning("receipts/receipt")
    assert msgspec.json.decode(written) == read_wire("receipts/receipt")


@pytest.mark.parametrize("name", ENTRIES)
def test_a_golden_entry_is_decoded_and_encoded_as_before(name: str) -> None:
    entry = decode_entry(read_bytes(name))

    written = encode(entry)

    assert describe_value(entry) == read_meaning(name)
    assert msgspec.json.decode(written) == read_wire(name)


@pytest.mark.parametrize("name", TOPICS)
def test_a_golden_entry_of_a_topic_is_decoded_and_encoded_as_before(
    name: str,
) -> None:
    entry = READ[read_wire(name)["entry"]](read_bytes(name))

    written = encode(entry)

    assert describe_value(entry) == read_meaning(name)
    assert msgspec.json.decode(written) == read_wire(name)
    assert (
        not isinstance(entry, SharedNotification)
        or decode_notification(entry.notification).user == ""
    )


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_golden_entry_of_deliveries_is_decoded_and_encoded_as_before(name: str) -> None:
    entry = decode_delivery_entry(read_bytes(name))

    written = encode(entry)

    assert describe_value(entry) == read_meaning(name)
    assert msgspec.json.decode(written) == read_wire(name)


@pytest.mark.parametrize("name", FRAMES)
def test_a_golden_frame_is_decoded_and_encoded_as_before(name: str) -> None:
    one = read_frame(name)

    written = encode(one)

    assert describe_value(one) == read_meaning(name)
    assert msgspec.json.decode(written) == read_wire(name)


@pytest.mark.parametrize("name", FRAMES)
def test_a_field_that_a_frame_does_not_know_is_no_error(name: str) -> None:
    tomorrow = encode({**read_wire(name), "of_tomorrow": [1, 2]})

    read = reader_of(name)

    assert read(tomorrow) == read_frame(name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ids": []},
        {"up_to": "0123abcd-42"},
        {"ids": [], "up_to": "42"},
        {"ids": ["not an id"]},
        {"ids": [ID.upper()]},
        {"ids": [ID] * (MARK_LIMIT_IDS + 1)},
        {"state": "snoozed"},
        {"state": "snoozed", "until": "2026-01-03T08:00:00"},
        {"state": "snoozed", "until": "tomorrow"},
        {"until": "2026-01-03T08:00:00Z"},
        {"filter": {"category": "task"}},
        {"ids": [], "filter": {}},
        {"ids": [], "filter": {"category": ""}},
        {"ids": [], "filter": {"category": "a\0b"}},
        {"ids": [], "filter": {"category": "task", "grop": "a"}},
        {"ids": [], "filter": {"entity": "task"}},
        {"ids": [], "filter": {"category": "task"}, "up_to": "0123abcd-42"},
        {"op": ""},
        {"op": "x" * 129},
        {"op": "a\0b"},
    ],
    ids=str,
)
def test_an_invalid_mark_is_refused(wrong: dict[str, Any]) -> None:
    body = encode({**GOOD_MARK, **wrong})

    with pytest.raises(msgspec.ValidationError):
        client_frame(body)

    assert isinstance(client_frame(encode(GOOD_MARK)), MarkOperation)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "watch", "op": "1"},
        {"type": "watch", "op": "1", "relation": "project:1#member", "users": ["u-8"]},
        {"type": "watch", "op": "1", "relation": "project:1"},
        {"type": "watch", "op": "1", "users": ["u"] * (WATCH_LIMIT_USERS + 1)},
        {"type": "watch", "relation": "project:1#member"},
        {"type": "signal", "to": "project:1", "name": "typing"},
        {"type": "signal", "to": "project:1#member", "name": "Typing!"},
        {"type": "signal", "to": "project:1#member", "name": "t" * 33},
        {
            "type": "signal",
            "to": "project:1#member",
            "name": "typing",
            "data": {"long": "x" * SIGNAL_LIMIT_BYTES},
        },
        {"type": "signal", "to": "project:1#member", "name": "typing", "data": [1]},
        {"type": "signal", "to": "u" * 400 + "#member", "name": "typing"},
    ],
    ids=lambda frame: str(frame)[:60],
)
def test_an_invalid_watch_or_signal_is_refused(wrong: dict[str, Any]) -> None:
    body = encode(wrong)

    with pytest.raises(msgspec.ValidationError):
        client_frame(body)


def test_a_client_cannot_send_frames_of_the_server() -> None:
    body = read_bytes("frames/snapshot")

    with pytest.raises(msgspec.ValidationError, match="Invalid value 'snapshot'"):
        client_frame(body)
