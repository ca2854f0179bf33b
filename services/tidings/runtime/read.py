"""Read: one page of a stream, or the newest message of a subject, without a consumer."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from datetime import datetime
from typing import Any

import msgspec
from tidings.runtime.errors import Refused, Unavailable
from tidings.runtime.follow import Message
from tidings.runtime.jetstream import Delivery, JetStream

PAGE_MESSAGES = 500
PAGE_BYTES = 4 * 1024 * 1024
READ_SECONDS = 10.0
NO_MESSAGE = "(10037)"


async def last(jetstream: JetStream, stream: str, subject: str) -> Message | None:
    """The newest message of a subject, from the stream's leader; raises Unavailable."""
    try:
        answer = await jetstream.call(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})
    except Refused as refusal:
        if NO_MESSAGE in str(refusal):
            return None
        raise
    found = answer["message"]
    return Message(
        found["subject"],
        b64decode(found.get("data", "")),
        b64decode(found.get("hdrs", "")),
        found["seq"],
        _nanoseconds(found["time"]),
    )


async def subjects(jetstream: JetStream, stream: str, under: str) -> list[str]:
    """The subjects of a stream that have messages and match a wildcard, from the stream's leader; raises Unavailable."""
    found: list[str] = []
    while True:
        answer = await jetstream.call(
            f"STREAM.INFO.{stream}", {"subjects_filter": under, "offset": len(found)}
        )
        page: dict[str, int] = answer["state"].get("subjects") or {}
        found += page
        if not page or len(found) >= answer.get("total", 0):
            return found


async def first_since(
    jetstream: JetStream, stream: str, subject: str, moment: datetime
) -> int | None:
    """The sequence of the first message of a subject at or after a moment, None if there is none; raises Unavailable."""
    page = _Page()
    request = {"start_time": moment, "next_by_subj": subject, "batch": 1}
    await _fill(page, jetstream, stream, request)
    return page.messages[0].sequence if page.messages else None


async def read(
    jetstream: JetStream, stream: str, subject: str, *, after: int, limit: int = PAGE_MESSAGES
) -> list[Message]:
    """Up to `limit` messages of a subject after a sequence, by batch direct get (ADR-31); empty at the end. Raises Unavailable.

    A page may be shorter than `limit` without being the last; only an empty one says that there are no more.
    """
    page = _Page()
    await _fill(
        page,
        jetstream,
        stream,
        {"seq": after + 1, "next_by_subj": subject, "batch": limit, "max_bytes": PAGE_BYTES},
    )
    return page.messages


async def _fill(page: _Page, jetstream: JetStream, stream: str, request: dict[str, Any]) -> None:
    async with jetstream.inbox(page.receive) as inbox:
        await jetstream.publish(
            f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request), f"{inbox}.page"
        )
        try:
            async with asyncio.timeout(READ_SECONDS):
                await page.done
        except TimeoutError:
            raise Unavailable(
                f"{stream} did not send a page within {READ_SECONDS:.0f} seconds"
            ) from None


class _Page:
    """The answers to one batch direct get, until the one that ends it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(self, delivery: Delivery) -> None:
        if self.done.done():
            return
        if not delivery.status:
            self.messages.append(_message(delivery))
        elif delivery.status in (204, 404):
            self.done.set_result(None)
        else:
            self.done.set_exception(Unavailable(f"direct get answered {delivery.status}"))


def _message(delivery: Delivery) -> Message:
    told = delivery.headers
    sequence, nanoseconds = int(told["Nats-Sequence"]), _nanoseconds(told["Nats-Time-Stamp"])
    return Message(told["Nats-Subject"], delivery.data, delivery.head, sequence, nanoseconds)


def _nanoseconds(text: str) -> int:
    """RFC 3339 with up to nine decimals, as NATS writes it, in nanoseconds since 1970."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 1_000_000_000 + int(
        fraction.ljust(9, "0") or 0
    )
