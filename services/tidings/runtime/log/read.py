"""Read: a page of a stream, or the newest message of a subject, without a consumer."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from datetime import datetime
from typing import Any

import msgspec
from tidings.client.direct_client import ReceivedMessage
from tidings.client.errors import MessageNotFound
from tidings.client.jetstream import JetStream
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage

PAGE_MESSAGES = 500
PAGE_BYTES = 4 * 1024 * 1024
READ_TIMEOUT_SECONDS = 10.0


async def last_message(jetstream: JetStream, stream: str, subject: str) -> StreamMessage | None:
    """Return the newest message of a subject, from the stream's leader; raises Unavailable."""
    return await _leader_message(jetstream, stream, {"last_by_subj": subject})


async def stream_subjects(jetstream: JetStream, stream: str, under: str) -> list[str]:
    """Return the subjects with messages under a wildcard, from the leader; raises Unavailable."""
    names: list[str] = []
    while True:
        answer = await jetstream.call_api(
            f"STREAM.INFO.{stream}", {"subjects_filter": under, "offset": len(names)}
        )
        page: dict[str, int] = answer["state"].get("subjects") or {}
        names += page
        if not page or len(names) >= answer.get("total", 0):
            return names


async def first_sequence_since(
    jetstream: JetStream, stream: str, subject: str, moment: datetime
) -> int | None:
    """Return the sequence of a subject's first message since a moment; raises Unavailable.

    Any replica answers, so a message that was appended just now may be missing.
    """
    page = _Page()
    request = {"start_time": moment, "next_by_subj": subject, "batch": 1}
    await _read_page(page, jetstream, stream, request)
    return page.messages[0].sequence if page.messages else None


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
    page = _Page()
    await _read_page(
        page,
        jetstream,
        stream,
        {"seq": after + 1, "next_by_subj": subject, "batch": limit, "max_bytes": PAGE_BYTES},
    )
    if page.messages or not leader_ends:
        return page.messages
    # A replica has all messages up to some sequence, so only its end can be wrong.
    message = await next_message(jetstream, stream, subject, after=after)
    return [message] if message else []


async def next_message(
    jetstream: JetStream, stream: str, subject: str, *, after: int
) -> StreamMessage | None:
    """Return a subject's first message after a sequence, from the leader; raises Unavailable."""
    return await _leader_message(jetstream, stream, {"seq": after + 1, "next_by_subj": subject})


async def _leader_message(
    jetstream: JetStream, stream: str, query: dict[str, Any]
) -> StreamMessage | None:
    try:
        answer = await jetstream.call_api(f"STREAM.MSG.GET.{stream}", query)
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
    page: _Page, jetstream: JetStream, stream: str, request: dict[str, Any]
) -> None:
    async with jetstream.open_inbox(page.receive) as inbox:
        await jetstream.publish(
            f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request), f"{inbox}.page"
        )
        try:
            async with asyncio.timeout(READ_TIMEOUT_SECONDS):
                await page.done
        except TimeoutError:
            raise Unavailable(
                f"{stream} did not send a page within {READ_TIMEOUT_SECONDS:.0f} seconds"
            ) from None


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
