"""Append: durable and acknowledged; lone messages at once, crowds gathered into atomic batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from tidings.client.errors import Refused, TidingsError, Transient, Unavailable
from tidings.client.jetstream import JetStream
from tidings.contracts.draft import BATCH_LIMIT_MESSAGES, Draft
from tidings.contracts.http import Appended

PLAIN_LIMIT_MESSAGES = 8
BATCHES_IN_FLIGHT_LIMIT = 4
WAITING_LIMIT_MESSAGES = 20_000
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
COMMIT_SECONDS = 8.0
DUPLICATE = "(10201)"
NEVER_LAST = "tidings-probe"


class Expected(NamedTuple):
    """The append holds only if this subject's last message has this sequence (0: there is none)."""

    subject: str
    sequence: int


class Appender:
    """Appends to one stream. Concurrent single appends are gathered (group commit); a lone one never waits."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._waiting: deque[tuple[Draft, asyncio.Future[Appended]]] = deque()
        self._plain = 0
        self._gathering: set[asyncio.Task[None]] = set()

    async def append(self, draft: Draft) -> Appended:
        """Append one message, trying again for 10 seconds; raises Unavailable, WrongSequence or Refused."""
        if self._plain < PLAIN_LIMIT_MESSAGES and not self._waiting:
            return await self._alone(draft)
        if len(self._waiting) >= WAITING_LIMIT_MESSAGES:
            raise Unavailable(
                f"{WAITING_LIMIT_MESSAGES} messages are waiting to be appended already"
            )
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, future))
        self._gather()
        return await future

    async def append_batch(self, drafts: Sequence[Draft]) -> list[Appended]:
        """Append up to 1000 messages, all or none; those that stand in the stream already are named, not stored again."""
        if len(drafts) > BATCH_LIMIT_MESSAGES:
            raise Refused(
                f"{len(drafts)} messages in one atomic batch; at most {BATCH_LIMIT_MESSAGES}"
            )
        known: dict[str, Appended] = {}
        for wait in (*RETRY_SECONDS, None):
            try:
                placed = await self._attempt(drafts, known)
                if placed is not None:
                    return placed
            except Transient:
                if wait is None:
                    raise
                await asyncio.sleep(wait)
        raise Unavailable("the batch met new duplicates again and again; send it once more")

    async def stored(self, drafts: Sequence[Draft]) -> dict[str, Appended]:
        """Which of these ids the stream has within its duplicate window, and where; stores nothing.

        The server looks for a duplicate before it compares the last message's id (nats-server 2.15, measured), so an
        append that expects an impossible last id is refused if it is new and acknowledged with its sequence if it is not.
        """
        answers = await asyncio.gather(*(self._probe(draft) for draft in drafts))
        return {
            draft.id: answer
            for draft, answer in zip(drafts, answers, strict=True)
            if answer and draft.id
        }

    async def append_expecting(self, draft: Draft, expected: Expected) -> int:
        """Append one message if the expectation holds, once; raises WrongSequence, or Unavailable if that is unknown."""
        answer = await self._jetstream.ask(
            draft.subject, draft.data, {**_headers(draft), **_expectation(draft, expected)}
        )
        return answer.seq

    async def _attempt(
        self, drafts: Sequence[Draft], known: dict[str, Appended]
    ) -> list[Appended] | None:
        """Commit those not known yet; None if there are more duplicates among them, which are known from then on."""
        first = {draft.id: place for place, draft in reversed([*enumerate(drafts)]) if draft.id}
        fresh = [
            place
            for place, draft in enumerate(drafts)
            if not draft.id or (draft.id not in known and first[draft.id] == place)
        ]
        try:
            return _placed(
                drafts,
                fresh,
                known,
                first,
                await self._commit([drafts[place] for place in fresh]) if fresh else 0,
            )
        except Refused as refusal:
            if DUPLICATE not in str(refusal):
                raise
        known |= await self.stored([drafts[place] for place in fresh if drafts[place].id])
        return None

    async def _probe(self, draft: Draft) -> Appended | None:
        headers = {**_headers(draft), "Nats-Expected-Last-Msg-Id": NEVER_LAST}
        try:
            return Appended((await self._jetstream.ask(draft.subject, b"", headers)).seq, True)
        except Refused:
            return None

    async def _alone(self, draft: Draft) -> Appended:
        self._plain += 1
        try:
            return await self._plainly(draft)
        finally:
            self._plain -= 1
            if self._waiting:
                self._gather()

    async def _plainly(self, draft: Draft) -> Appended:
        headers = _headers(draft) or None
        for wait in RETRY_SECONDS:
            try:
                answer = await self._jetstream.ask(draft.subject, draft.data, headers)
                return Appended(answer.seq, answer.duplicate)
            except Transient:
                await asyncio.sleep(wait)
        answer = await self._jetstream.ask(draft.subject, draft.data, headers)
        return Appended(answer.seq, answer.duplicate)

    def _gather(self) -> None:
        if len(self._gathering) < BATCHES_IN_FLIGHT_LIMIT:
            task = asyncio.create_task(self._drain())
            self._gathering.add(task)
            task.add_done_callback(self._gathering.discard)

    async def _drain(self) -> None:
        while self._waiting:
            crowd = [
                self._waiting.popleft()
                for _ in range(min(len(self._waiting), BATCH_LIMIT_MESSAGES))
            ]
            await self._settle(crowd)

    async def _settle(self, crowd: list[tuple[Draft, asyncio.Future[Appended]]]) -> None:
        outcomes = await self._outcomes([draft for draft, _ in crowd])
        for (_, future), outcome in zip(crowd, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Appended):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

    async def _outcomes(self, drafts: list[Draft]) -> Sequence[Appended | BaseException]:
        if len(drafts) <= PLAIN_LIMIT_MESSAGES:
            return await self._each(drafts)
        try:
            return await self.append_batch(drafts)
        except Refused:
            return await self._each(drafts)  # one of them is to blame, not all
        except TidingsError as error:
            return [type(error)(str(error)) for _ in drafts]

    async def _each(self, drafts: list[Draft]) -> Sequence[Appended | BaseException]:
        return await asyncio.gather(*map(self._plainly, drafts), return_exceptions=True)

    async def _commit(self, drafts: Sequence[Draft]) -> int:
        return await commit(self._jetstream, drafts)


async def commit(
    jetstream: JetStream, drafts: Sequence[Draft], expected: Expected | None = None
) -> int:
    """Append an atomic batch (ADR-50) once and return its last sequence; the expectation is on the last message.

    Raises WrongSequence, Refused (10201 if one of the ids stands in the stream), or Unavailable if the outcome is unknown.
    """
    if len(drafts) == 1 and expected is None:
        return await _commit_one(jetstream, drafts[0])
    batch = uuid4().hex
    *body, last = drafts
    await stage(jetstream, batch, body)
    return await seal(jetstream, batch, len(drafts), last, expected)


async def stage(jetstream: JetStream, batch: str, drafts: Sequence[Draft], first: int = 1) -> None:
    """Send the messages of a batch but its last; `first` is the place of the first of them, from 1."""
    await jetstream.send(
        b"".join([_wire(draft, batch, number) for number, draft in enumerate(drafts, first)])
    )


async def seal(
    jetstream: JetStream, batch: str, count: int, last: Draft, expected: Expected | None = None
) -> int:
    """Send the last message of a batch of `count`, which commits it; returns its sequence."""
    headers = {
        **_headers(last),
        **(_expectation(last, expected) if expected else {}),
        "Nats-Batch-Id": batch,
        "Nats-Batch-Sequence": str(count),
        "Nats-Batch-Commit": "1",
    }
    answer = await jetstream.ask(last.subject, last.data, headers, timeout=COMMIT_SECONDS)
    return answer.seq


async def _commit_one(jetstream: JetStream, draft: Draft) -> int:
    answer = await jetstream.ask(draft.subject, draft.data, _headers(draft) or None)
    if answer.duplicate:
        raise Refused(f"duplicate message id {DUPLICATE}")
    return answer.seq


def _placed(
    drafts: Sequence[Draft],
    fresh: Sequence[int],
    known: Mapping[str, Appended],
    first: Mapping[str, int],
    last: int,
) -> list[Appended]:
    sequences = dict(zip(fresh, range(last - len(fresh) + 1, last + 1), strict=True))

    def placed(place: int, draft: Draft) -> Appended:
        if not draft.id:
            return Appended(sequences[place])
        return known.get(draft.id) or Appended(sequences[first[draft.id]], first[draft.id] != place)

    return [placed(place, draft) for place, draft in enumerate(drafts)]


def _headers(draft: Draft) -> dict[str, str]:
    return {"Nats-Msg-Id": draft.id, **draft.headers} if draft.id else dict(draft.headers)


def _expectation(draft: Draft, expected: Expected) -> dict[str, str]:
    headers = {"Nats-Expected-Last-Subject-Sequence": str(expected.sequence)}
    if draft.subject != expected.subject:
        headers["Nats-Expected-Last-Subject-Sequence-Subject"] = expected.subject
    return headers


def _wire(draft: Draft, batch: str, number: int) -> bytes:
    """One `HPUB` of the NATS client protocol; subjects and header values are spelled by us and hold no line breaks."""
    extra = (
        "".join([f"\r\n{name}: {value}" for name, value in draft.headers.items()])
        if draft.headers
        else ""
    )
    identity = f"\r\nNats-Msg-Id: {draft.id}" if draft.id else ""
    head = f"NATS/1.0\r\nNats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {number}{identity}{extra}\r\n\r\n".encode()
    size = len(head)
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (
        draft.subject.encode(),
        size,
        size + len(draft.data),
        head,
        draft.data,
    )
