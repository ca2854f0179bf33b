"""A dialect's connection: a user's connection with a renderer and a replay policy of its own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from tidings.contracts.notifications import Counts
from tidings.edge.connection.connection import ConnectionContext, UserConnection
from tidings.edge.connection.limits import ConnectionSlot
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.dialects.engine.client_state import ClientState
from tidings.edge.dialects.engine.dialect import DialectFrame
from tidings.edge.dialects.engine.messages import Message, frame_json
from tidings.edge.dialects.engine.renderer import DialectRenderer
from tidings.edge.dialects.engine.replay import DialectReplay
from tidings.runtime.auth.identity import Identity

RENDERED = "rendered"
"""The type of a frame whose body is JSON of the dialect already; the type is not sent."""


class DialectConnection:
    """One connection of a front end.

    Each canonical frame is rendered once for all of a user's connections with the same dialect.
    """

    __slots__ = (
        "_acks",
        "_client",
        "_connection",
        "_is_count_requested",
        "_renderer",
        "_send_message",
    )

    def __init__(
        self,
        connections: ConnectionContext,
        identity: Identity,
        renderer: DialectRenderer,
        replay: DialectReplay,
        send_message: Callable[[Any], Awaitable[None]],
        *,
        slot: ConnectionSlot,
    ) -> None:
        self._acks = connections.acks
        self._connection = UserConnection(
            connections, identity, self._send, replay, dialect=renderer.dialect_name, slot=slot
        )
        self._client = ClientState(self._connection)
        self._is_count_requested = False
        self._renderer = renderer
        self._send_message = send_message

    @property
    def identity(self) -> Identity:
        """Return the identity of the client."""
        return self._connection.identity

    @property
    def is_live(self) -> bool:
        """Return whether the replay has ended."""
        return self._connection.is_live

    async def run(self, cursor: str | None, listen: Callable[[], Awaitable[None]]) -> None:
        """Send frames from a cursor on, and listen.

        Raises ConnectionClosed or what `listen` raises, after recording in the log what was sent.
        """
        try:
            await self._connection.run(cursor, lambda _: listen())
        finally:
            # Before the client learns of the end: it may reconnect to another edge at once.
            await self._acks.flush_sent(self.identity.person)

    def send_frames(self, *frames: DialectFrame) -> None:
        """Send frames outside the chain, between two frames of the log."""
        for frame in frames:
            self._connection.send_now(EncodedFrame(RENDERED, frame_json(frame, None)))

    def request_count(self) -> None:
        """Send the unread count once the replay has ended, however often it is requested."""
        self._is_count_requested = True

    async def read_counts(self) -> Counts:
        """Return the user's counts; raises Unavailable."""
        await self._connection.stream.wait_until_open()
        return self._connection.stream.inbox.counts(time.time())

    async def has_notification(self, identifier: str) -> bool:
        """Return whether the user has such a notification; raises Unavailable."""
        await self._connection.stream.wait_until_open()
        return self._connection.stream.inbox.is_visible(identifier, time.time())

    async def _send(self, frame: EncodedFrame) -> None:
        if frame.type == "entries":
            await self._send_entries(frame)
        else:
            await self._send_messages(self._render_other(frame))

    async def _send_entries(self, frame: EncodedFrame) -> None:
        await self._send_messages(self._render_entries(frame))
        if frame.cursor:
            self._connection.record_sent(frame.cursor)

    async def _send_messages(self, messages: Iterable[Message]) -> None:
        for message in messages:
            await self._send_message(message)

    def _render_other(self, frame: EncodedFrame) -> list[Message]:
        match frame.type:
            case "hello":
                user, connection = self.identity.person.user, self._connection.id
                return self._renderer.render_hello(user, connection, frame.cursor)
            case "heartbeat":
                return self._renderer.render_heartbeat(frame.cursor)
            case type_ if type_ == RENDERED:
                return [frame.websocket_message]
            case _:
                return []

    def _render_entries(self, frame: EncodedFrame) -> list[Message]:
        self._client.begin_frame()
        if frame.content is None:
            return self._with_requested_count(self._renderer.render_entries(frame, self._client))
        key = self._renderer.cache_key
        if key not in frame.renderings:
            frame.renderings[key] = self._renderer.render_live_entries(
                frame.content, frame.cursor, self._client
            )
        return frame.renderings[key]

    def _with_requested_count(self, messages: list[Message]) -> list[Message]:
        """Return messages with the requested count, if they are the first ones after a replay.

        A dialect that sends its counts then has answered with them.
        """
        if not (self._is_count_requested and self.is_live):
            return messages
        self._is_count_requested = False
        counts = self._connection.stream.inbox.counts(time.time())
        return messages or self._renderer.render_unread_count(counts)
