"""Shared frames: each reader of a topic gets the bytes that a frame of their own would have."""

from __future__ import annotations

import pytest
from msgspec import Raw
from tidings.contracts.codec import encode
from tidings.contracts.notifications import SharedNotification
from tidings.contracts.subjects import Person, topic_inbox_subject
from tidings.edge.delivery import frames
from tidings.edge.delivery.routed_entry import RoutedEntry
from tidings.edge.delivery.shared_frames import SharedFrame

from tests.services.edge.fake_log import (
    ANN,
    EPOCH,
    ROOM,
    cursor_at,
    make_message,
    make_notification,
    notify,
)

MESSAGES = ("-", "100 % \\ “done”", "x" * 200, "y" * 70_000)
USERS = ("ann", 'a"b\\c', "żółw", "\u2028", "100%d")


def route(message: str, sequence: int) -> RoutedEntry:
    """Return a topic's notification with this message."""
    notification = Raw(encode(make_notification(sequence, "", message=message)))
    body = SharedNotification(left_out=None, notification=notification)
    return RoutedEntry(EPOCH, make_message(topic_inbox_subject(ROOM), sequence, body))


@pytest.mark.parametrize("message", MESSAGES, ids=["short", "escaped", "long", "longest"])
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(("after", "sequence"), [(0, 1), (9, 10), (99_999, 10**11)])
def test_a_shared_frame_equals_the_frame_of_one_reader(
    message: str, user: str, after: int, sequence: int
) -> None:
    person, name = Person("acme", user), encode(user)
    routed = route(message, sequence)
    before, cursor = cursor_at(after, person), cursor_at(sequence, person)
    alone = frames.new_entries(before, cursor, [routed.encode_for(name)])
    parts = routed.shared_parts
    assert parts

    def share() -> SharedFrame:
        return SharedFrame(parts, before, cursor, name)

    assert share().body == alone.body
    assert share().websocket_frame == alone.websocket_frame
    assert share().http_chunk == alone.http_chunk
    assert share().websocket_message == alone.websocket_message
    assert share().event_stream_chunk == alone.event_stream_chunk
    assert (share().type, share().cursor, share().more) == (alone.type, alone.cursor, False)


def test_all_readers_share_the_parts_of_an_entry() -> None:
    routed = route("-", 7)

    assert routed.shared_parts is routed.shared_parts is not None


def test_a_users_own_entry_has_no_shared_parts() -> None:
    assert RoutedEntry(EPOCH, notify(ANN, 7)).shared_parts is None
