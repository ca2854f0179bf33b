"""Lists of a dialect: by how many are left out, and how many are wanted, as the originals had them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import msgspec
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import MarkOperation
from tidings.contracts.http import Listing
from tidings.contracts.notifications import Counts, Notification, Wish
from tidings.contracts.subjects import Person
from tidings.edge.edge import Edge
from tidings.edge.rows import Wanted
from tidings.runtime.problem import Problem

_listing = msgspec.json.Decoder(Listing).decode
_notification = msgspec.json.Decoder(Notification).decode


class Slice(NamedTuple):
    """Some of a list, newest first, and how many the whole list has."""

    notifications: tuple[Notification, ...]
    total: int
    counts: Counts


async def slice_of(edge: Edge, person: Person, *, unread: bool, limit: int, offset: int) -> Slice:
    """Up to `limit` of a person's notifications behind the newest `offset`; raises Unavailable."""
    inbox, now = await edge.log.inbox(person), time.time()
    listed = [each for each in reversed(inbox.listed(now)) if not (unread and each.read)]
    if offset >= len(listed):
        return Slice((), len(listed), inbox.counts(now))
    asked = {"before": listed[offset - 1].sequence} if offset else {}
    page = _listing(
        await edge.log.listing(person, Wanted("unread" if unread else "all", limit, asked))
    )
    return Slice(page.notifications, len(listed), inbox.counts(now))


async def counts(edge: Edge, person: Person) -> Counts:
    """How many there are; raises Unavailable."""
    return (await edge.log.inbox(person)).counts(time.time())


async def mark(edge: Edge, person: Person, identifier: str, state: Wish) -> Notification:
    """Mark one of a person's notifications, unless it stands so already, and how it then stands; raises Problem or Unavailable."""
    body = await edge.log.single(person, identifier)
    if body is None:
        raise Problem(404, "not found", "Notification not found")
    found, now = _notification(body), datetime.now(UTC)
    if state == "read" and found.read:
        return found
    await edge.mark(person, MarkOperation(op=uuid4().hex, state=state, ids=(identifier,)), now)
    return msgspec.structs.replace(found, read=now) if state == "read" else found


async def mark_all(edge: Edge, person: Person, state: Wish) -> int:
    """Mark all that are in a person's list, and how many that were; raises Unavailable."""
    inbox, now = await edge.log.inbox(person), time.time()
    listed = inbox.listed(now)
    touched = sum(each.read is None for each in listed) if state == "read" else len(listed)
    if touched:
        up_to = str(Cursor(edge.log.epoch, inbox.told))
        await edge.mark(
            person, MarkOperation(op=uuid4().hex, state=state, up_to=up_to), datetime.now(UTC)
        )
    return touched
