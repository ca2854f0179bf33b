"""A dialect's connection: a user's connection with a renderer and a replay policy of its own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from tidings.contracts.notifications import Counts
from tidings.edge.connection.connection import ConnectionContext, UserConnection
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.dialects.engine.dialect import DialectFrame
from tidings.edge.dialects.engine.messages import Message, frame_json
from tidings.edge.dialects.engine.renderer import ClientState, DialectRenderer, FrameFilter
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
        "_connection",
        "_known_sequence",
        "_renderer",
        "_replay",
        "_send_message",
        "frame_filter",
    )

    def __init__(
        self,
        connections: ConnectionContext,
        identity: Identity,
        renderer: DialectRenderer,
        replay: DialectReplay,
        send_message: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._acks = connections.acks
        self._connection = UserConnection(connections, identity, self._send, replay)
        self._renderer = renderer
        self._replay = replay
        self._send_message = send_message
        self._known_sequence = 0
        self.frame_filter: FrameFilter | None = None

    @property
    def identity(self) -> Identity:
        """Return the identity of the client."""
        return self._connection.identity

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
        is_first = self._renderer.cache_key not in frame.renderings
        await self._send_messages(self._render_entries(frame))
        if is_first and frame.cursor:
            self._connection.cursor = frame.cursor
            self._connection.record_sent()

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
        is_replaying = self._connection.cursor.until
        if not is_replaying:
            self._known_sequence = self._connection.cursor.sequence
        client = self._client_state()
        if client.pending_only or client.frame_filter or is_replaying:
            return self._renderer.render_entries(frame, client)
        key = self._renderer.cache_key
        if key not in frame.renderings:
            frame.renderings[key] = self._renderer.render_shared_entries(frame, client)
        return frame.renderings[key]

    def _client_state(self) -> ClientState:
        return ClientState(
            self.identity.person.user,
            self._connection.stream.inbox,
            self._known_sequence,
            self._replay.pending_only,
            self.frame_filter,
        )
