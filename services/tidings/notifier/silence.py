"""Silence: which of the newest events told nobody though there are rules for them, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tidings.contracts.codec import InvalidEvent, recorded
from tidings.contracts.events import AnyRecorded, Opaque
from tidings.contracts.subjects import EVENTS
from tidings.notifier.audience import Asked, Folded, ask
from tidings.notifier.route import Said, Told, asks, check, left_out, react, told_of
from tidings.notifier.rule import Relation
from tidings.notifier.rules import RULES
from tidings.notifier.topics import Topics
from tidings.projections.audience import AUDIENCE
from tidings.runtime.errors import Unavailable
from tidings.runtime.follow import Message, state
from tidings.runtime.process import Runtime
from tidings.runtime.read import read
from tidings.runtime.readmodel import ReadModel

NEWEST_EVENTS = 500
SHOWN_EVENTS = 3
CHECKPOINTS = "SELECT partition::text, sequence FROM audience.checkpoint"


class Silent(NamedTuple):
    """An event that told nobody, and why."""

    sequence: int
    type: str
    why: str


async def silence(runtime: Runtime) -> tuple[str, bool, str]:
    """What the doctor says of it; an event may well tell nobody, so this is never an illness."""
    head = (await state(runtime.jetstream, EVENTS)).last
    try:
        routed = await _routed(runtime)
        messages = await _newest(runtime, head)
        found = await silent(
            runtime,
            [
                message
                for message in messages
                if message.sequence <= routed.get(_partition(message), 0)
            ],
        )
    except Unavailable as error:
        return "untold events", True, f"not known yet: {error}"
    return "untold events", True, _words(found, len(messages))


async def silent(runtime: Runtime, messages: Iterable[Message]) -> list[Silent]:
    """Those that told nobody, in their order; raises Unavailable."""
    events = [event for message in messages if (event := _event(message))]
    asked, nothing_shared = Asked(), Topics(0, 0, {})
    found = [(event, _said(event)) for event in events]
    for event, said in found:
        asks(event, said, nothing_shared, asked)
    if not events:
        return []
    model = ReadModel(AUDIENCE, AUDIENCE.name)
    folded = await ask(runtime.postgres, model, asked, events[0].sequence, events[-1].sequence)
    return [
        Silent(event.sequence, event.attributes.type, why)
        for event, said in found
        if (why := reason(event, told_of(said), folded))
    ]


def reason(event: AnyRecorded, told: list[Told], folded: Folded) -> str:
    """Why an event told nobody; empty if it told somebody, or is not there to tell anybody."""
    if isinstance(event.event, Opaque):
        return "nobody knows this type here"
    everybody = {
        user
        for _, tell in told
        for user in folded.recipients(event, tell.to, None, before=tell.before)
    }
    if not told or any(
        folded.recipients(event, tell.to, left_out(event, tell), before=tell.before)
        for _, tell in told
    ):
        return ""
    if everybody:
        return "only whoever did it would have been told"
    return f"nobody stands in {', '.join(dict.fromkeys(str(to) for _, tell in told for to in tell.to if isinstance(to, Relation)))}"


def _said(event: AnyRecorded) -> list[Said]:
    try:
        said = react(event, RULES)
        check(said)
        return said
    except Exception:  # whatever it is: that one is among the dead letters, with the reason
        return []


def _event(message: Message) -> AnyRecorded | None:
    try:
        return recorded(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent:  # that one too
        return None


async def _newest(runtime: Runtime, head: int) -> list[Message]:
    """The newest events, up to the head."""
    found: list[Message] = []
    after = max(0, head - NEWEST_EVENTS)
    while after < head and (page := await read(runtime.jetstream, EVENTS, "events.>", after=after)):
        found += page
        after = page[-1].sequence
    return found


async def _routed(runtime: Runtime) -> dict[str, int]:
    """How far each partition is folded."""
    async with runtime.postgres.connection() as connection:
        return dict(await (await connection.execute(CHECKPOINTS)).fetchall())


def _partition(message: Message) -> str:
    return message.subject.split(".")[1]


def _words(found: list[Silent], looked_at: int) -> str:
    if not found:
        return f"none among the newest {looked_at}"
    newest = "; ".join(
        f"{each.sequence} ({each.type}): {each.why}" for each in found[: -SHOWN_EVENTS - 1 : -1]
    )
    return f"{len(found)} of the newest {looked_at} told nobody: {newest}" + (
        "; …" if len(found) > SHOWN_EVENTS else ""
    )
