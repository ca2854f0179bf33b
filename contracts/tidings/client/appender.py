"""Append messages durably, with acknowledgement; many concurrent ones become atomic batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from tidings.client.direct_client import encode_publication
from tidings.client.errors import (
    DuplicateMessage,
    QueueFull,
    RequestRefused,
    TidingsError,
)
from tidings.client.jetstream import JetStream
from tidings.client.retries import retry, within_deadline
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import BATCH_LIMIT_BYTES, BATCH_LIMIT_MESSAGES, NewMessage

PLAIN_LIMIT_MESSAGES = 16
REPLICATED_PLAIN_LIMIT_MESSAGES = 128
"""A replicated stream syncs many messages at once; one without replicas syncs each alone."""
BATCHES_IN_FLIGHT_LIMIT = 4
WAITING_LIMIT_MESSAGES = 20_000
ATTEMPT_SECONDS = 2.0
"""A request that a leader has received when it dies is never answered; an election takes 4 to 9
seconds.
"""
COMMIT_SECONDS = 3.0


class ExpectedSequence(NamedTuple):
    """Append only if this subject's last message has this sequence (0: the subject has none)."""

    subject: str
    sequence: int


def plain_limit_messages(replicas: int) -> int:
    """Return up to how many messages cost less alone than in an atomic batch."""
    return REPLICATED_PLAIN_LIMIT_MESSAGES if replicas > 1 else PLAIN_LIMIT_MESSAGES


class Appender:
    """Appends to one stream; concurrent appends are batched (group commit), a single one never
    waits.
    """

    def __init__(self, jetstream: JetStream, replicas: int = 1) -> None:
        """`replicas` of the stream decide what is appended alone."""
        self._jetstream = jetstream
        self._replicas = replicas
        self._waiting: deque[tuple[NewMessage, asyncio.Future[AppendResult]]] = deque()
        self._plain_in_flight = 0
        self._batches: set[asyncio.Task[None]] = set()

    async def append(self, draft: NewMessage) -> AppendResult:
        """Append one message, retrying for `APPEND_SECONDS`.

        Raises Unavailable, WrongSequence or RequestRefused.
        """
        return await within_deadline(self._append(draft))

    async def append_batch(self, drafts: Sequence[NewMessage]) -> list[AppendResult]:
        """Append up to 1000 messages, all or none, retrying for `APPEND_SECONDS`.

        Messages that the stream has already are reported as duplicates and not stored again. The
        server refuses a batch with one of them as a whole; its messages are then appended one by
        one, in order: if that fails half-way, the first ones are stored, and the same batch sent
        again completes it.

        Raises Unavailable or RequestRefused.
        """
        if len(drafts) > BATCH_LIMIT_MESSAGES:
            raise RequestRefused(
                f"{len(drafts)} messages in one atomic batch; at most {BATCH_LIMIT_MESSAGES}"
            )
        return await within_deadline(self._append_batch(drafts))

    async def _append(self, draft: NewMessage) -> AppendResult:
        if self._plain_in_flight < self._plain_limit() and not self._waiting:
            return await self._append_alone(draft)
        if len(self._waiting) >= WAITING_LIMIT_MESSAGES:
            raise QueueFull(f"{WAITING_LIMIT_MESSAGES} messages wait to be appended already")
        future: asyncio.Future[AppendResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, future))
        self._start_batch()
        return await future

    async def _append_batch(self, drafts: Sequence[NewMessage]) -> list[AppendResult]:
        try:
            return await self._commit_unique(drafts)
        except DuplicateMessage:
            # Never probe for known ids with `Nats-Expected-Last-Msg-Id`: such an append passes the
            # leader and fails when the replicas apply it, which ends their stream for good.
            return [await self._append_plainly(draft) for draft in drafts]

    async def append_expecting(self, draft: NewMessage, expected: ExpectedSequence) -> int:
        """Append one message once if the expectation is true, and return its sequence.

        Raises WrongSequence, or Unavailable if the outcome is unknown.
        """
        answer = await self._jetstream.request_reply(
            draft.subject,
            draft.data,
            {**_headers(draft), **_expectation(draft, expected)},
            timeout=COMMIT_SECONDS,
        )
        return answer.seq

    async def _commit_unique(self, drafts: Sequence[NewMessage]) -> list[AppendResult]:
        """Commit the messages in one batch, retrying; raises DuplicateMessage."""
        # An id that occurs twice in the batch is sent once, at its first place.
        first = {draft.id: place for place, draft in reversed([*enumerate(drafts)]) if draft.id}
        sent = [
            place for place, draft in enumerate(drafts) if not draft.id or first[draft.id] == place
        ]
        unique = [drafts[place] for place in sent]
        last = await retry(lambda: commit_batch(self._jetstream, unique)) if unique else 0
        return _appended_in_order(drafts, sent, first, last)

    async def _append_alone(self, draft: NewMessage) -> AppendResult:
        self._plain_in_flight += 1
        try:
            return await self._append_plainly(draft)
        finally:
            self._plain_in_flight -= 1
            if self._waiting:
                self._start_batch()

    async def _append_plainly(self, draft: NewMessage) -> AppendResult:
        headers = _headers(draft) or None
        answer = await retry(
            lambda: self._jetstream.request_reply(
                draft.subject, draft.data, headers, timeout=ATTEMPT_SECONDS
            )
        )
        return AppendResult(answer.seq, answer.duplicate)

    def _plain_limit(self) -> int:
        return plain_limit_messages(self._replicas)

    def _start_batch(self) -> None:
        if len(self._batches) < BATCHES_IN_FLIGHT_LIMIT:
            self._batches.add(asyncio.create_task(self._append_waiting()))

    async def _append_waiting(self) -> None:
        try:
            while self._waiting:
                group = self._take_group()
                # The callers of the others have given up.
                await self._append_group([each for each in group if not each[1].done()])
        finally:
            # At once: a message that comes before a callback of this task ran would start no task.
            self._batches.discard(asyncio.current_task())  # type: ignore[arg-type]

    def _take_group(self) -> list[tuple[NewMessage, asyncio.Future[AppendResult]]]:
        """Remove the next waiting messages, bounded in number and in bytes."""
        waiting = self._waiting
        group = [waiting.popleft()]
        size = len(group[0][0].data)
        while waiting and len(group) < BATCH_LIMIT_MESSAGES and size < BATCH_LIMIT_BYTES:
            group.append(waiting.popleft())
            size += len(group[-1][0].data)
        return group

    async def _append_group(
        self, group: list[tuple[NewMessage, asyncio.Future[AppendResult]]]
    ) -> None:
        outcomes = await self._outcomes([draft for draft, _ in group])
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():  # the caller was cancelled
                continue
            if isinstance(outcome, AppendResult):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

    async def _outcomes(self, drafts: list[NewMessage]) -> Sequence[AppendResult | BaseException]:
        if len(drafts) <= self._plain_limit():
            return await self._append_each(drafts)
        try:
            return await within_deadline(self._commit_unique(drafts))
        except RequestRefused:
            # One message is at fault or a duplicate; the others are appended without it.
            return await self._append_each(drafts)
        except TidingsError as error:
            return [type(error)(str(error)) for _ in drafts]

    async def _append_each(
        self, drafts: list[NewMessage]
    ) -> Sequence[AppendResult | BaseException]:
        return await asyncio.gather(
            *(within_deadline(self._append_plainly(draft)) for draft in drafts),
            return_exceptions=True,
        )


async def commit_batch(
    jetstream: JetStream, drafts: Sequence[NewMessage], expected: ExpectedSequence | None = None
) -> int:
    """Append an atomic batch (ADR-50) once and return its last sequence.

    The expectation is on the last message. Raises WrongSequence, DuplicateMessage, RequestRefused,
    or Unavailable if the outcome is unknown.
    """
    if len(drafts) == 1 and expected is None:
        return await _commit_one(jetstream, drafts[0])
    batch = uuid4().hex
    *body, last = drafts
    await stage_messages(jetstream, batch, body)
    return await commit_staged(jetstream, batch, len(drafts), last, expected)


async def stage_messages(
    jetstream: JetStream, batch: str, drafts: Sequence[NewMessage], first: int = 1
) -> None:
    """Send all messages of a batch but the last; `first` is the number of the first one, from 1."""
    await jetstream.write_protocol(
        b"".join(
            [
                _encode_publication(draft, batch, number)
                for number, draft in enumerate(drafts, first)
            ]
        )
    )


async def commit_staged(
    jetstream: JetStream,
    batch: str,
    count: int,
    last: NewMessage,
    expected: ExpectedSequence | None = None,
) -> int:
    """Send the last message of a batch of `count`, which commits it; return its sequence."""
    headers = {
        **_headers(last),
        **(_expectation(last, expected) if expected else {}),
        "Nats-Batch-Id": batch,
        "Nats-Batch-Sequence": str(count),
        "Nats-Batch-Commit": "1",
    }
    answer = await jetstream.request_reply(last.subject, last.data, headers, timeout=COMMIT_SECONDS)
    return answer.seq


async def _commit_one(jetstream: JetStream, draft: NewMessage) -> int:
    answer = await jetstream.request_reply(
        draft.subject, draft.data, _headers(draft) or None, timeout=COMMIT_SECONDS
    )
    # The server acknowledges a plain duplicate, but refuses one in a batch: raise for both.
    if answer.duplicate:
        raise DuplicateMessage(f"duplicate message id `{draft.id}`")
    return answer.seq


def _appended_in_order(
    drafts: Sequence[NewMessage], sent: Sequence[int], first: Mapping[str, int], last: int
) -> list[AppendResult]:
    # An atomic batch has consecutive sequences, and the server returns the last one.
    sequences = dict(zip(sent, range(last - len(sent) + 1, last + 1), strict=True))

    def result_of(place: int, draft: NewMessage) -> AppendResult:
        at = first[draft.id] if draft.id else place
        return AppendResult(sequences[at], at != place)

    return [result_of(place, draft) for place, draft in enumerate(drafts)]


def with_expectation(draft: NewMessage, expected: ExpectedSequence) -> NewMessage:
    """Return a message that the stream refuses, or its whole batch, unless this is true."""
    return draft._replace(headers={**draft.headers, **_expectation(draft, expected)})


def _headers(draft: NewMessage) -> dict[str, str]:
    return {"Nats-Msg-Id": draft.id, **draft.headers} if draft.id else dict(draft.headers)


def _expectation(draft: NewMessage, expected: ExpectedSequence) -> dict[str, str]:
    headers = {"Nats-Expected-Last-Subject-Sequence": str(expected.sequence)}
    if draft.subject != expected.subject:
        headers["Nats-Expected-Last-Subject-Sequence-Subject"] = expected.subject
    return headers


def _encode_publication(draft: NewMessage, batch: str, number: int) -> bytes:
    """Return a message of a batch as a command of the NATS client protocol.

    Subjects and header values come from this code and never contain line breaks.
    """
    extra = (
        "".join([f"\r\n{name}: {value}" for name, value in draft.headers.items()])
        if draft.headers
        else ""
    )
    identity = f"\r\nNats-Msg-Id: {draft.id}" if draft.id else ""
    batch_headers = f"Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {number}"
    head = f"NATS/1.0\r\n{batch_headers}{identity}{extra}\r\n\r\n".encode()
    return encode_publication(draft.subject, "", draft.data, head)
