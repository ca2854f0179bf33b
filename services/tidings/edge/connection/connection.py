"""A connection: a cursor that moves through one user's log, and the frames sent along the way.

It has a writer task only while it is behind. At the head, its user's stream writes to it directly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

from tidings.contracts.close_codes import CloseCode
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import CountsMode
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.eager_send import run_until_blocked
from tidings.edge.connection.lifetime import ConnectionLifetime, randomise_lifetime
from tidings.edge.connection.limits import ConnectionLimits, ConnectionSlot
from tidings.edge.connection.replay import ReplayPolicy
from tidings.edge.delivery import frames
from tidings.edge.delivery.ack_writer import AckWriter
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.log_reader import LogReader
from tidings.edge.monitoring.connection_meter import ConnectionMeter, MeteredSession, Transport
from tidings.edge.monitoring.connection_metrics import ConnectionMetrics
from tidings.edge.presence.hub import PresenceHub
from tidings.runtime.auth.identity import Identity
from tidings.runtime.errors import Unavailable
from tidings.runtime.settings import Settings

OUT_OF_BAND_LIMIT_FRAMES = 200
LAG_LIMIT_FRAMES = 20
LATE_MESSAGE = "new notifications are late: the log cannot be reached; nothing is lost"

log = logging.getLogger("tidings.edge")


class ConnectionContext(NamedTuple):
    """The parts of an edge that its connections use."""

    settings: Settings
    log: LogReader
    hub: Hub
    acks: AckWriter
    presence: PresenceHub
    limits: ConnectionLimits
    metrics: ConnectionMetrics
    meter: ConnectionMeter

    def metered(self, transport: Transport, dialect: str) -> ConnectionContext:
        """Return the context of the connections of one transport and dialect."""
        return self._replace(meter=self.metrics.meter_of(transport, dialect))


class UserConnection:
    """One connection of a user; a subscriber of their stream.

    `_writer` is the task that sends while the connection is behind; None at the head.
    `_unsent_after`: the cursor before a frame whose send waits; None without one. `dialect`:
    the name of the dialect that the client speaks, None for the canonical protocol. `write`:
    writes a prepared frame at once, or returns False if it must be sent. `counts`: "delta" if the
    client adds differences to the counts that it has. `slot`: the one that was
    taken for it before; `run` releases it.
    """

    __slots__ = (
        *(
            "_adds_counts",
            "_out_of_band",
            "_counts_delivered",
            "_context",
            "_close_reason",
            "_deadline",
            "_expiry_timer",
            "_ping_pending",
            "_replay",
            "_send",
            "_slot",
            "_lifetime",
            "_late_warning_sent",
            "_unsent_after",
            "_write_prepared",
            "_writer",
        ),
        *("cursor", "device", "dialect", "id", "identity", "is_live", "stream"),
    )

    def __init__(
        self,
        context: ConnectionContext,
        identity: Identity,
        send: Callable[[EncodedFrame], Coroutine[Any, Any, None]],
        replay: ReplayPolicy,
        device: str | None = None,
        dialect: str | None = None,
        *,
        write: Callable[[EncodedFrame], bool] | None = None,
        counts: CountsMode | None = None,
        slot: ConnectionSlot,
    ) -> None:
        self._context = context
        self._send = send
        self._write_prepared = write
        self._adds_counts = counts == "delta"
        self._replay = replay
        self._slot = slot
        self._out_of_band: list[EncodedFrame] = []
        self._writer: asyncio.Task[None] | None = None
        self._close_reason: ConnectionClosed | None = None
        self._expiry_timer: asyncio.TimerHandle | None = None
        self.is_live = False
        self._counts_delivered = False
        self._late_warning_sent = False
        self._ping_pending = False
        self._unsent_after: Cursor | None = None
        self.identity = identity
        self.id = uuid4().hex
        self.device = device or self.id
        self.dialect = dialect
        self.cursor = Cursor(context.log.epoch_of(identity.person), 0)

    async def run(
        self, cursor: str | None, listen: Callable[[UserConnection], Awaitable[None]]
    ) -> None:
        """Send frames from a cursor on, and listen.

        Raises ConnectionClosed, or what `listen` raises.
        """
        meter, person = self._context.meter, self.identity.person
        try:
            with MeteredSession(meter, self.id, person, has_cursor=bool(cursor)):
                await self._serve(cursor, listen)
        finally:
            self._slot.release()

    async def _serve(
        self, cursor: str | None, listen: Callable[[UserConnection], Awaitable[None]]
    ) -> None:
        context, person = self._context, self.identity.person
        self._lifetime = ConnectionLifetime(
            randomise_lifetime(context.settings.connection_lifetime_seconds), self.identity
        )
        # A slot may have been taken a while ago; from here on, revocations and the drain find it.
        context.limits.check_admission(self.identity)
        self.stream = context.hub.subscribe(person, self)
        context.presence.add_connection(person, self)
        try:
            async with asyncio.timeout_at(self._lifetime.ends_at) as self._deadline:
                self._schedule_expiry_warning()
                self._writer = asyncio.create_task(
                    self._run_writer(partial(self._send_stream, cursor))
                )
                self._slot.probe = partial(self.send_heartbeat, False)
                await listen(self)
        except TimeoutError:
            over = self._lifetime.close_code
            raise self._close_reason or ConnectionClosed(
                over, "the token has expired" if over == CloseCode.TOKEN_OVER else "reconnect"
            ) from None
        finally:
            self.record_sent(self.sent_cursor)
            context.hub.unsubscribe(self.stream, self)
            context.presence.remove_connection(person, self)
            if self._writer:
                self._writer.cancel()
            if self._expiry_timer:
                self._expiry_timer.cancel()

    @property
    def sent_cursor(self) -> Cursor:
        """The cursor up to which everything has been sent; behind `cursor` while a send waits.

        `cursor` moves at once: the client may acknowledge a frame before its send returns.
        """
        return self._unsent_after or self.cursor

    @property
    def counts_due(self) -> bool:
        """Whether the client is at the head and no frame has carried the counts there.

        A replay may end beyond the stream's cursor, which moves with the user's own entries only.
        """
        return not self._counts_delivered and self.stream.is_complete_at(self.cursor)

    @property
    def takes_counts_delta(self) -> bool:
        """Whether it has the counts at its cursor, and its client adds a difference to them."""
        return self._adds_counts and self._counts_delivered

    def renew_token(self, identity: Identity) -> None:
        """Continue with a newer token; raises ConnectionClosed if it is another user's."""
        if identity.person != self.identity.person:
            raise ConnectionClosed(
                CloseCode.BAD_FRAME, "the token is for another user; open a new connection with it"
            )
        self.identity = identity
        self._lifetime.renew_token(identity)
        if self._close_reason is None:
            self._deadline.reschedule(self._lifetime.ends_at)
        self._schedule_expiry_warning()

    def end_if_revoked(self) -> None:
        """End the connection if its session has been revoked."""
        try:
            self._context.limits.check_revocation(self.identity)
        except ConnectionClosed as reason:
            self.close(reason)

    def try_deliver(self, frame: EncodedFrame, after: Cursor) -> bool:
        """Send the stream's next frame if the connection is at `after`; return whether it was.

        A connection that is behind reads on from the log instead.
        """
        if self._writer is None and self.cursor == after:
            self._write(frame)
            return True
        self.resume()
        return False

    async def send_frame(self, frame: EncodedFrame) -> None:
        """Send a frame of the log and advance the cursor; raises TimeoutError or OSError."""
        async with asyncio.timeout(self._context.settings.send_timeout_seconds):
            await self._send(frame)
        self._mark_delivered(frame)

    async def send_hello(self) -> None:
        """Send the first frame."""
        await self.send_frame(
            frames.hello(
                self.cursor,
                self.identity.person,
                self.id,
                self._context.settings.heartbeat_seconds,
                self._lifetime.remaining_seconds,
            )
        )

    def send_now(self, frame: EncodedFrame) -> None:
        """Send a frame outside the chain, between two frames of the log.

        If `OUT_OF_BAND_LIMIT_FRAMES` frames wait already, the connection is closed as too slow.
        """
        if self._writer is None:
            self._write(frame)
        elif len(self._out_of_band) < OUT_OF_BAND_LIMIT_FRAMES:
            self._out_of_band.append(frame)
        else:
            self.close(ConnectionClosed(CloseCode.TOO_SLOW, "reconnect when you can read again"))

    def send_droppable(self, frame: EncodedFrame) -> bool:
        """Send a frame outside the chain; return False if the client lags and does not get it."""
        if self._writer and len(self._out_of_band) >= LAG_LIMIT_FRAMES:
            return False
        self.send_now(frame)
        return True

    def resume(self) -> None:
        """Read on from the log, unless it does already."""
        if self._writer is None:
            self._writer = asyncio.create_task(self._run_writer(self._catch_up))

    def send_heartbeat(self, log_unreachable: bool) -> None:
        """Send the cursor; first warn, once, if the log is unreachable and entries may be late."""
        if log_unreachable and not self._late_warning_sent:
            self.send_now(frames.error("late", LATE_MESSAGE, retry=False))
        self._late_warning_sent = log_unreachable
        if self._writer is None:
            self._write(self._heartbeat_frame())

    def answer_ping(self) -> None:
        """Answer a ping with a heartbeat after everything else has been sent."""
        self._ping_pending = True
        self.resume()

    def record_ack(self, text: str) -> None:
        """Record that the client has everything up to a cursor.

        A cursor in the middle of a replay is ignored: the client may not have all entries yet.
        """
        cursor = Cursor.parse(text)
        if (
            not cursor.is_of(self._context.log.epoch_of(self.identity.person))
            or cursor.highest_sequence > self.cursor.highest_sequence
        ):
            self.send_now(
                frames.error(
                    "ack",
                    "a cursor that was not sent on this connection cannot be acknowledged",
                    retry=False,
                )
            )
        elif not cursor.until:
            self._context.acks.record_ack(self.identity.person, self.device, cursor)

    def ask_to_move(self, after_seconds: float) -> None:
        """Ask the client to reconnect after a while, and close the connection then."""
        self.send_now(frames.move(int(after_seconds * 1000)))
        self.close(ConnectionClosed(CloseCode.DRAINING, "reconnect"), after_seconds)

    def record_sent(self, cursor: Cursor) -> None:
        """Record that this user has been sent everything up to a cursor.

        A dialect's next connection begins there, on this edge or another one.
        """
        if not cursor.until:
            sequence = min(cursor.sequence, self.stream.newest_notification)
            self._context.acks.record_sent(self.identity.person, sequence)

    def close(self, reason: ConnectionClosed, after_seconds: float = 0) -> None:
        """Close the connection, now or after a while; a close at once overrides a planned one."""
        if self._close_reason is None or after_seconds == 0:
            self._close_reason = reason
            until = asyncio.get_running_loop().time() + after_seconds
            if not self._deadline.expired():
                self._deadline.reschedule(min(until, self._deadline.when() or until))

    def _write(self, frame: EncodedFrame) -> None:
        """Write a frame without a task; if the send blocks, a task finishes it and catches up."""
        if self._write_prepared and self._write_prepared(frame):
            self._mark_delivered(frame)
            return
        try:
            remainder = run_until_blocked(self._send(frame))
        except Exception as error:
            self._handle_failure(error)
            return
        before = self.cursor
        self._mark_delivered(frame)
        if remainder:
            self._unsent_after = before
            self._writer = asyncio.create_task(
                self._run_writer(partial(self._finish_send, remainder))
            )

    async def _run_writer(self, write_all: Callable[[], Awaitable[None]]) -> None:
        """Run the writer task; a failure closes the connection."""
        try:
            await write_all()
            self._writer = None
        except Exception as error:
            self._handle_failure(error)

    def _handle_failure(self, error: Exception) -> None:
        if not isinstance(error, Unavailable):
            self._context.meter.failed += 1
        match error:
            case TimeoutError():
                self.close(
                    ConnectionClosed(CloseCode.TOO_SLOW, "reconnect when you can read again")
                )
            case OSError():
                pass  # the client has disconnected; `listen` raises for that
            case Unavailable():
                self._writer = None
                self.send_now(frames.error("unavailable", "the log cannot be read now", retry=True))
                self.close(ConnectionClosed(CloseCode.UNAVAILABLE, "reconnect"))
            case _:
                log.error("a connection failed", exc_info=error)
                self.close(ConnectionClosed(CloseCode.UNAVAILABLE, "reconnect"))

    async def _finish_send(self, send: Awaitable[None]) -> None:
        async with asyncio.timeout(self._context.settings.send_timeout_seconds):
            await send
        self._unsent_after = None
        await self._catch_up()

    async def _send_stream(self, cursor: str | None) -> None:
        self._gather_writes()
        if cursor:
            self.stream.open_if_known()
        await self._replay.begin(self, cursor)
        # Not before: a snapshot may end beyond the head at which the stream would have opened.
        self.stream.open_if_known()
        await self.stream.wait_until_open(self.cursor)
        self._gather_writes()
        await self._catch_up()

    def _gather_writes(self) -> None:
        """Send all frames that are known without waiting in one write."""
        if self._slot.peer:
            self._slot.peer.gather_writes()

    async def _catch_up(self) -> None:
        """Send frames until the head; from then on the user's stream writes."""
        while frame := await self._next_frame():
            await self.send_frame(frame)

    async def _next_frame(self) -> EncodedFrame | None:
        if self._out_of_band:
            return self._out_of_band.pop(0)
        return await self._replay.next_frame(self) or self._frame_at_head()

    def _frame_at_head(self) -> EncodedFrame | None:
        """Return the next frame at the head, None if nothing is left to send.

        Counts are due here when a replay was cut short or a snooze ended.
        """
        if not self.is_live:
            return self._replay.frame_on_arrival(self)
        if self.counts_due:
            return self.stream.counts_frame(self.cursor)
        if self._ping_pending:
            self._ping_pending = False
            return self._heartbeat_frame()
        return None

    def _heartbeat_frame(self) -> EncodedFrame:
        return self.stream.heartbeat_frame(self.cursor, with_counts=self.takes_counts_delta)

    def _mark_delivered(self, frame: EncodedFrame) -> None:
        """Advance the cursor past a frame, and note whether the client has the counts there."""
        self.cursor = frame.cursor or self.cursor
        if frame.type in ("entries", "snapshot"):
            self._counts_delivered = not frame.more
        if frame.logged_nanoseconds and self.is_live:
            self._context.meter.record_delivery(frame.logged_nanoseconds)

    def _schedule_expiry_warning(self) -> None:
        """Schedule the warning that the token expires, if it ends before the lifetime does."""
        if self._expiry_timer:
            self._expiry_timer.cancel()
        ends_first = self._lifetime.close_code == CloseCode.TOKEN_OVER
        self._expiry_timer = (
            asyncio.get_running_loop().call_at(
                self._lifetime.expiry_warning_at, self._send_expiry_warning
            )
            if ends_first
            else None
        )

    def _send_expiry_warning(self) -> None:
        self.send_now(frames.token_expiring(self._lifetime.token_remaining_seconds))
