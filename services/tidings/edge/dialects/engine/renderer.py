"""The renderer: from a canonical frame to a dialect's messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts, Entry
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.dialects.engine import messages, translation
from tidings.edge.dialects.engine.client_state import ClientState
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.edge.dialects.engine.messages import Message


class DialectRenderer:
    """One dialect on one transport; `includes_cursors`: the last frame up to each cursor has it.

    `greets_with_cursor`: so has the first frame. Renderers with the same `cache_key` render a live
    frame to the same messages.
    """

    __slots__ = (
        "_dialect",
        "_encode_messages",
        "_greets_with_cursor",
        "cache_key",
        "includes_cursors",
    )

    def __init__(
        self,
        dialect: Dialect,
        encode_messages: Callable[[Iterable[DialectFrame], Cursor | None], list[Message]],
        *,
        includes_cursors: bool,
        greets_with_cursor: bool,
    ) -> None:
        self._dialect = dialect
        self._encode_messages = encode_messages
        self._greets_with_cursor = greets_with_cursor
        self.includes_cursors = includes_cursors
        self.cache_key = f"{dialect.name} {encode_messages.__name__} {includes_cursors}"

    @property
    def dialect_name(self) -> str:
        """Return the name of the dialect."""
        return self._dialect.name

    def render_hello(self, user: str, connection: str, cursor: Cursor | None) -> list[Message]:
        """Render the first frame of a connection."""
        frames = self._dialect.hello_frames(user, connection)
        return self._messages(frames, cursor if self._greets_with_cursor else None)

    def render_heartbeat(self, cursor: Cursor | None) -> list[Message]:
        """Render a heartbeat."""
        return self._messages(self._dialect.heartbeat_frames(), cursor)

    def render_entries(self, frame: EncodedFrame, client: ClientState) -> list[Message]:
        """Render entries for one client."""
        entries = translation.decode_entries(frame.body)
        rendered = translation.entries_frames(self._dialect, entries, client)
        return self._messages(rendered, frame.cursor)

    def render_live_entries(
        self, content: tuple[list[Entry], Counts], cursor: Cursor | None, client: ClientState
    ) -> list[Message]:
        """Render entries for every client of a user that has all entries before them."""
        return self._messages(translation.live_frames(self._dialect, content, client), cursor)

    def render_unread_count(self, counts: Counts) -> list[Message]:
        """Render the response to a request for the unread count."""
        return self._messages(self._dialect.unread_count_frames(counts), None)

    def _messages(self, frames: Iterable[DialectFrame], cursor: Cursor | None) -> list[Message]:
        # A cursor with `until` lies in the middle of a replay: a client must not resume there.
        resumable = cursor if cursor and not cursor.until and self.includes_cursors else None
        return self._encode_messages(frames, resumable)


def websocket_renderer(dialect: Dialect, *, includes_cursors: bool) -> DialectRenderer:
    """Return the renderer of a dialect on WebSockets."""
    return DialectRenderer(
        dialect,
        messages.websocket_messages,
        includes_cursors=includes_cursors,
        greets_with_cursor=includes_cursors,
    )


def stream_renderer(dialect: Dialect) -> DialectRenderer:
    """Return the renderer of a dialect on event streams, whose ids are cursors.

    The first event has no id, so a stream that is lost right after it resumes after the last event
    sent to the client, or to its user.
    """
    return DialectRenderer(
        dialect, messages.stream_messages, includes_cursors=True, greets_with_cursor=False
    )
