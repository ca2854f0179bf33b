"""Read: a page of a stream, or the newest message of a subject, without a consumer."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from tidings.client.direct_client import ReceivedMessage
from tidings.client.errors import MessageNotFound
from tidings.client.jetstream import JetStream
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage

PAGE_MESSAGES = 500
PAGE_BYTES = 1024 * 1024
"""With `PAGES_IN_FLIGHT_LIMIT`, it bounds what a connection is sent at once; see `pull.py`."""
READ_ATTEMPTS_SECONDS = (1.0, 2.0, 7.0)
"""A replica that is suspended still gets its share of the requests; the next one may answer."""
READ_SECONDS = 10.0
"""The limit of all attempts together, and of the wait for a slot before them."""
LEADER_ATTEMPTS_SECONDS = (1.0, 1.0, 3.0)
"""Nothing answers a request that meets no leader; the next one may."""

log = logging.getLogger("tidings.read")
T = TypeVar("T")


async def last_message(jetstream: JetStream, stream: str, subject: str) -> StreamMessage | None:
    """Return the newest message of a subject, from the stream's leader; raises Unavailable."""
    return await _leader_message(jetstream, stream, {"last_by_subj": subject})


async def stream_subjects(
    jetstream: JetStream, stream: str, under: str, *, at_least: int
) -> list[str]:
    """Return the subjects with messages under a wildcard, from the leader.

    Raises Unavailable, also if the leader does not know the message `at_least` yet: one that was
    suspended answers for a moment as if nothing had been stored since.
    """
    names: list[str] = []
    while True:
        answer = await _ask_leader(
            jetstream,
            f"STREAM.INFO.{stream}",
            {"subjects_filter": under, "offset": len(names)},
        )
        state = answer["state"]
        if state["last_seq"] < at_least:
            raise Unavailable(f"{stream} ends before the acknowledged sequence {at_least}")
        page: dict[str, int] = state.get("subjects") or {}
        names += page
        if not page or len(names) >= answer.get("total", 0):
            return names


async def first_sequence_since(
    jetstream: JetStream, stream: str, subject: str, moment: datetime
) -> int | None:
    """Return the sequence of a subject's first message since a moment; raises Unavailable.

    Any replica answers, so a message that was appended just now may be missing.
    """
    request = {"start_time": moment, "next_by_subj": subject, "batch": 1}
    page = await _read_page(jetstream, stream, request)
    return page[0].sequence if page else None


async def read(
    jetstream: JetStream,
    stream: str,
    subject: str,
    *,
    after: int,
    limit: int = PAGE_MESSAGES,
    leader_ends: bool = False,
) -> list[StreamMessage]:
    """Return up to `limit` messages of a subject after a sequence; raises Unavailable.

    Uses batch direct get (ADR-31). A page may be shorter than `limit` without being the last; only
    an empty one marks the end.

    Any replica answers, and it may lack the newest messages. With `leader_ends`, an empty page
    means that the leader has none either: what decides is read so.
    """
    page = await _read_page(
        jetstream,
        stream,
        {"seq": after + 1, "next_by_subj": subject, "batch": limit, "max_bytes": PAGE_BYTES},
    )
    if page or not leader_ends:
        return page
    # A replica has all messages up to some sequence, so only its end can be wrong.
    message = await next_message(jetstream, stream, subject, after=after)
    return [message] if message else []


async def next_message(
    jetstream: JetStream, stream: str, subject: str, *, after: int
) -> StreamMessage | None:
    """Return a subject's first message after a sequence, from the leader; raises Unavailable."""
    async with _slot(jetstream.leader_slots, stream):
        return await _leader_message(jetstream, stream, {"seq": after + 1, "next_by_subj": subject})


async def _leader_message(
    jetstream: JetStream, stream: str, query: dict[str, Any]
) -> StreamMessage | None:
    try:
        answer = await _ask_leader(jetstream, f"STREAM.MSG.GET.{stream}", query)
    except MessageNotFound:
        return None
    message = answer["message"]
    return StreamMessage(
        message["subject"],
        b64decode(message.get("data", "")),
        b64decode(message.get("hdrs", "")),
        message["seq"],
        _nanoseconds(message["time"]),
    )


async def _read_page(
    jetstream: JetStream, stream: str, request: dict[str, Any]
) -> list[StreamMessage]:
    async def attempt(seconds: float) -> list[StreamMessage]:
        page = _Page()
        async with jetstream.open_inbox(page.receive) as inbox:
            await jetstream.publish(
                f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request), f"{inbox}.page"
            )
            try:
                async with asyncio.timeout(seconds):
                    await page.done
            except TimeoutError:
                raise Unavailable(
                    f"{stream} did not send a page within {seconds:.0f} seconds"
                ) from None
        return page.messages

    async with _slot(jetstream.page_slots, stream):
        return await _first_answer(READ_ATTEMPTS_SECONDS, attempt)


@asynccontextmanager
async def _slot(slots: asyncio.Semaphore, stream: str) -> AsyncGenerator[None]:
    """Wait for a slot and hold it; raises Unavailable if wait and block take too long."""
    try:
        async with asyncio.timeout(READ_SECONDS), slots:
            yield
    except TimeoutError:
        raise Unavailable(f"{stream} was not read within {READ_SECONDS:.0f} seconds") from None


async def _ask_leader(jetstream: JetStream, api: str, query: dict[str, Any]) -> dict[str, Any]:
    return await _first_answer(
        LEADER_ATTEMPTS_SECONDS, lambda seconds: jetstream.call_api(api, query, timeout=seconds)
    )


async def _first_answer(
    attempts_seconds: Sequence[float], attempt: Callable[[float], Awaitable[T]]
) -> T:
    """Repeat an attempt, which is given its timeout, while it fails; raises its last error."""
    *first_ones, last = attempts_seconds
    for seconds in first_ones:
        try:
            return await attempt(seconds)
        except Unavailable as error:
            log.debug("reading again: %s", error)
    return await attempt(last)


class _Page:
    """Collects the answers to one batch direct get."""

    def __init__(self) -> None:
        self.messages: list[StreamMessage] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(self, delivery: ReceivedMessage) -> None:
        if self.done.done():
            return
        if not delivery.status:
            self.messages.append(_message_of(delivery))
        elif delivery.status in (204, 404):
            self.done.set_result(None)
        else:
            self.done.set_exception(Unavailable(f"direct get answered {delivery.status}"))


def _message_of(delivery: ReceivedMessage) -> StreamMessage:
    headers = delivery.headers
    sequence, nanoseconds = int(headers["Nats-Sequence"]), _nanoseconds(headers["Nats-Time-Stamp"])
    return StreamMessage(
        headers["Nats-Subject"], delivery.data, delivery.raw_headers, sequence, nanoseconds
    )


def _nanoseconds(text: str) -> int:
    """Parse RFC 3339 with up to nine decimals, as NATS writes it, into nanoseconds since 1970."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 1_000_000_000 + int(
        fraction.ljust(9, "0") or 0
    )
