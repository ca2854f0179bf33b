"""A log of notifications without servers: its messages, and fakes of what a `LogReader` reads."""

from __future__ import annotations

import asyncio
import copy
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import msgspec
from tidings.client.direct_client import ReceivedMessage
from tidings.client.errors import MessageNotFound
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor, epoch_of, personal_epoch
from tidings.contracts.frames import Entries, ServerFrame
from tidings.contracts.ids import OwnEventIds
from tidings.contracts.notifications import (
    Mark,
    Notification,
    SharedNotification,
    TopicJoined,
    TopicLeft,
)
from tidings.contracts.subjects import (
    NOTIFICATIONS,
    Member,
    Person,
    Subjects,
    Topic,
    topic_inbox_subject,
)
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.inbox_queries import InboxPage, InboxQuery, ListFilter, NotificationRow
from tidings.edge.delivery.log_reader import HEAD, LogReader
from tidings.edge.delivery.ring import Ring
from tidings.projections.inbox.inbox_state import Facets, NotificationState
from tidings.projections.inbox.topic_memberships import Interval, TopicMemberships
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings

CREATED = "2026-01-02T03:04:05Z"
EPOCH = epoch_of(CREATED)
ANN, BOB = Person("acme", "ann"), Person("acme", "bob")
ROOM = Topic("acme", "room:9#member")
SUBJECTS = Subjects(16)
LIMIT_NOTIFICATIONS = 5
RING_BYTES = 1_000_000


def cursor_at(sequence: int, person: Person = ANN) -> Cursor:
    return Cursor(personal_epoch(EPOCH, person), sequence)


def notification_id(sequence: int) -> str:
    """Return the id of the notification that was appended with a sequence."""
    return f"00000000-0000-4000-8000-{sequence:012}"


def make_notification(sequence: int, user: str, **fields: Any) -> Notification:
    return Notification(
        **{
            "id": notification_id(sequence),
            "type": "task.assigned",
            "category": "task",
            "title": f"number {sequence}",
            "message": "-",
            "tenant": "acme",
            "user": user,
            "created": datetime(2026, 1, 2, tzinfo=UTC),
            **fields,
        }
    )


def make_message(subject: str, sequence: int, entry: Any) -> StreamMessage:
    return StreamMessage(subject, encode(entry), b"", sequence, time.time_ns())


def notify(person: Person, sequence: int, **fields: Any) -> StreamMessage:
    """Return a notification in a user's own log."""
    notification = make_notification(sequence, person.user, **fields)
    return make_message(SUBJECTS.inbox_subject(person), sequence, notification)


def mark(person: Person, sequence: int, state: Any, *sequences: int) -> StreamMessage:
    """Return a mark of the notifications with these sequences."""
    ids = tuple(map(notification_id, sequences))
    body = Mark(state=state, at=datetime.now(UTC), ids=ids)
    return make_message(SUBJECTS.inbox_subject(person), sequence, body)


def notify_topic(sequence: int, excluded: str | None = None, topic: Topic = ROOM) -> StreamMessage:
    """Return a notification in a topic's log."""
    notification = msgspec.Raw(encode(make_notification(sequence, "")))
    body = SharedNotification(left_out=excluded, notification=notification)
    return make_message(topic_inbox_subject(topic), sequence, body)


def join(person: Person, sequence: int, topic: Topic = ROOM) -> StreamMessage:
    return make_message(SUBJECTS.member_subject(Member(person, topic)), sequence, TopicJoined())


def leave(person: Person, sequence: int, topic: Topic = ROOM) -> StreamMessage:
    return make_message(SUBJECTS.member_subject(Member(person, topic)), sequence, TopicLeft())


def decode_frame(frame: EncodedFrame) -> Any:
    """Return a frame as a client decodes it."""
    return msgspec.json.decode(frame.body, type=ServerFrame)


def sequences_of(entries: Iterable[Any]) -> list[int]:
    """Return the sequences of entries as a client sees them."""
    return [Cursor.parse(entry.cursor).sequence for entry in entries]


def sequences_in(frame: EncodedFrame | None) -> list[int]:
    """Return the sequences of the entries in a frame."""
    assert frame
    decoded = decode_frame(frame)
    assert isinstance(decoded, Entries)
    return sequences_of(decoded.entries)


def make_row(sequence: int, *, changed: int = 0, deleted: bool = False) -> NotificationRow:
    """Return the row of one of Ann's notifications."""
    return NotificationRow(
        id=notification_id(sequence),
        sequence=sequence,
        changed=changed or sequence,
        seen=None,
        read=None,
        archived=None,
        snoozed=None,
        deleted=deleted,
        acted=None,
        visible=not deleted,
        body=encode(make_notification(sequence, "ann")).decode(),
    )


def make_page(
    checkpoint: int,
    *rows: NotificationRow,
    horizon: int = 0,
    members_since: int | None = None,
    more: bool = False,
) -> InboxPage:
    """Return what Postgres answers: these rows, and the states of the same notifications."""
    facets = Facets("task", "task.assigned", "normal", None, None)
    states = [
        NotificationState(row.id, row.sequence, None, facets, deleted=row.deleted) for row in rows
    ]
    intervals = [] if members_since is None else [Interval(ROOM, members_since)]
    return InboxPage(checkpoint, horizon, states, TopicMemberships(intervals), list(rows), more)


class FakeStream:
    """The stream `NOTIFICATIONS`, with the requests that a `LogReader` makes of it.

    A replica has the messages up to `replica_head`, the leader those up to `leader_head`; a page
    has at most `page_limit` messages.
    """

    def __init__(self, messages: Iterable[StreamMessage] = ()) -> None:
        self.messages = list(messages)
        self.page_limit = 500
        self.replica_head = HEAD
        self.leader_head = HEAD
        self.is_away = False
        self.read_count = 0
        self.page_slots = asyncio.Semaphore(1)
        self.leader_slots = asyncio.Semaphore(1)
        self._callbacks: dict[str, Callable[[ReceivedMessage], None]] = {}

    async def call_api(
        self, subject: str, request: Any = None, *, timeout: float = 0.0
    ) -> dict[str, Any]:
        """Answer as the stream's leader."""
        if self.is_away:
            raise Unavailable("NATS is away")
        if subject == f"STREAM.INFO.{NOTIFICATIONS}":
            last_sequence = self.messages[-1].sequence if self.messages else 0
            state = {"last_seq": min(last_sequence, self.leader_head)}
            return {"created": CREATED, "state": state}
        assert subject == f"STREAM.MSG.GET.{NOTIFICATIONS}"
        found = self._messages_after(request["seq"], request["next_by_subj"])
        if not found or found[0].sequence > self.leader_head:
            raise MessageNotFound("no message found")
        message = found[0]
        data = b64encode(message.data).decode()
        return {
            "message": {
                "subject": message.subject,
                "data": data,
                "seq": message.sequence,
                "time": CREATED,
            }
        }

    @asynccontextmanager
    async def open_inbox(self, callback: Callable[[ReceivedMessage], None]) -> AsyncGenerator[str]:
        inbox = uuid4().hex
        self._callbacks[inbox] = callback
        yield inbox
        del self._callbacks[inbox]

    async def publish(self, subject: str, body: bytes, reply: str) -> None:
        """Answer a batch direct get (ADR-31) as a replica."""
        assert subject == f"$JS.API.DIRECT.GET.{NOTIFICATIONS}"
        if self.is_away:
            raise Unavailable("NATS is away")
        self.read_count += 1
        request = msgspec.json.decode(body)
        answer = self._callbacks[reply.partition(".")[0]]
        found = [
            message
            for message in self._messages_after(request["seq"], request["next_by_subj"])
            if message.sequence <= self.replica_head
        ]
        for place, message in enumerate(found[: min(request["batch"], self.page_limit)]):
            headers = (
                f"NATS/1.0\r\nNats-Subject: {message.subject}\r\nNats-Sequence: {message.sequence}"
                f"\r\nNats-Time-Stamp: {datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z"
                f"\r\nNats-Num-Pending: {len(found) - place - 1}\r\n\r\n"
            )
            answer(ReceivedMessage(reply, message.data, headers.encode(), ""))
        answer(ReceivedMessage(reply, b"", b"NATS/1.0 204 EOB\r\n\r\n", ""))

    def _messages_after(self, first: int, pattern: str) -> list[StreamMessage]:
        return [
            message
            for message in self.messages
            if message.sequence >= first and _matches(message.subject, pattern)
        ]


def _matches(subject: str, pattern: str) -> bool:
    if pattern.endswith(".>"):
        return subject.startswith(pattern[:-1])
    if pattern.endswith(".*"):
        return subject.rpartition(".")[0] == pattern[:-2]
    return subject == pattern


class FakeQueries:
    """The read model of inboxes with one page for all users; without a page it is away."""

    def __init__(self) -> None:
        self.page: InboxPage | None = None
        self.queries: list[InboxQuery] = []
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def read_inbox(self, query: InboxQuery) -> InboxPage:
        self.queries.append(query)
        await self.is_open.wait()
        if self.page is None:
            raise Unavailable("Postgres is away")
        return copy.deepcopy(self.page)  # a reader goes on with the states as its own

    async def read_list(
        self,
        person: Person,
        list_filter: ListFilter,
        newest: Callable[[TopicMemberships], int],
    ) -> InboxPage:
        page = await self.read_inbox(InboxQuery(person, None, list_filter.limit))
        assert page.checkpoint >= newest(page.memberships)
        return page


class FakeLog:
    """A `LogReader` over a ring, a fake stream and a fake read model."""

    def __init__(self, floor: int = 0, *, ring_bytes: int = RING_BYTES) -> None:
        self.stream = FakeStream()
        self.queries = FakeQueries()
        self.ring = Ring(ring_bytes, floor)
        settings = Settings(notifications_per_user=LIMIT_NOTIFICATIONS, snapshot_limit=3)
        self.reader = LogReader(
            Runtime(
                settings,
                cast(Any, self.stream),
                cast(Any, None),
                {NOTIFICATIONS: EPOCH},
                OwnEventIds(b""),
            ),
            self.ring,
        )
        self.reader._queries = cast(Any, self.queries)

    def append(self, *messages: StreamMessage) -> list[StreamMessage]:
        """Append messages to the stream, and to the ring those that it follows; return them."""
        self.stream.messages += messages
        for message in messages:
            if message.sequence > self.ring.floor:
                self.ring.append_message(message)
        return [*messages]
