"""The renderer: from a canonical frame to a dialect's messages; pure, except for the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tidings.contracts.cursor import Cursor
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.dialects.engine import messages, translation
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.edge.dialects.engine.messages import Message
from tidings.projections.inbox.inbox_state import InboxState

FrameFilter = Callable[[DialectFrame], bool]


class ClientState(NamedTuple):
    """What the frames for one client depend on, besides the canonical frame.

    `known_sequence` is the position up to which the client has every notification;
    `pending_only`: omit notifications that were read or removed in the meantime;
    `frame_filter`: selects the frames to send, None for all.
    """

    user: str
    inbox: InboxState
    known_sequence: int
    pending_only: bool
    frame_filter: FrameFilter | None


class DialectRenderer:
    """One dialect on one transport; `includes_cursors`: the last frame up to each cursor has it.

    Renderers with the same `cache_key` render a live frame to the same messages.
    """

    __slots__ = ("_dialect", "_encode_messages", "cache_key", "includes_cursors")

    def __init__(
        self,
        dialect: Dialect,
        encode_messages: Callable[[Iterable[DialectFrame], Cursor | None], list[Message]],
        *,
        includes_cursors: bool,
    ) -> None:
        self._dialect = dialect
        self._encode_messages = encode_messages
        self.includes_cursors = includes_cursors
        self.cache_key = f"{dialect.name} {encode_messages.__name__} {includes_cursors}"

    def render_hello(self, user: str, connection: str, cursor: Cursor | None) -> list[Message]:
        """Render the first frame of a connection."""
        return self._messages(self._dialect.hello_frames(user, connection), cursor)

    def render_heartbeat(self, cursor: Cursor | None) -> list[Message]:
        """Render a heartbeat."""
        return self._messages(self._dialect.heartbeat_frames(), cursor)

    def render_entries(self, frame: EncodedFrame, client: ClientState) -> list[Message]:
        """Render entries for one client."""
        entries = translation.decode_entries(frame.body)
        if client.pending_only:
            entries = translation.pending_entries(entries, client.inbox)
        rendered = translation.entries_frames(
            self._dialect, entries, client.inbox, client.known_sequence
        )
        return self._messages(filter(client.frame_filter, rendered), frame.cursor)

    def render_shared_entries(self, frame: EncodedFrame, client: ClientState) -> list[Message]:
        """Render entries for every client of a user that has all entries before them."""
        if frame.content is None:
            return self.render_entries(frame, client)
        rendered = translation.live_frames(self._dialect, frame.content, client.inbox, client.user)
        return self._messages(rendered, frame.cursor)

    def _messages(self, frames: Iterable[DialectFrame], cursor: Cursor | None) -> list[Message]:
        # A cursor with `until` lies in the middle of a replay: a client must not resume there.
        resumable = cursor if cursor and not cursor.until and self.includes_cursors else None
        return self._encode_messages(frames, resumable)


def websocket_renderer(dialect: Dialect, *, includes_cursors: bool) -> DialectRenderer:
    """Return the renderer of a dialect on WebSockets."""
    return DialectRenderer(dialect, messages.websocket_messages, includes_cursors=includes_cursors)


def stream_renderer(dialect: Dialect) -> DialectRenderer:
    """Return the renderer of a dialect on event streams, whose ids are cursors."""
    return DialectRenderer(dialect, messages.stream_messages, includes_cursors=True)
