"""Messages between edges about their connected users; published, never stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

UsersByTenant = dict[str, list[str]]
"""Users by tenant."""
CountsByTenant = dict[str, dict[str, int]]
"""Numbers by tenant and user."""


class Gossip(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="gossip"):
    """A message from one edge; `edge` identifies the sending process."""

    edge: str


class Delta(Gossip, frozen=True, kw_only=True, tag="changed"):
    """The changes of an edge's users between two revisions; equal revisions are a heartbeat.

    A user whose number of connections changed is in `joined` again; `several` has those of them
    who have more than one connection.
    """

    after: int
    revision: int
    joined: UsersByTenant = {}
    left: UsersByTenant = {}
    several: CountsByTenant = {}


class PresenceSnapshot(Gossip, frozen=True, kw_only=True, tag="whole"):
    """All users of an edge at a revision, in `parts` parts numbered from 0.

    `several`: the number of connections of those who have more than one.
    """

    revision: int
    part: int
    parts: int
    people: UsersByTenant
    several: CountsByTenant = {}


class SnapshotRequest(Gossip, frozen=True, kw_only=True, tag="asked"):
    """A request for the snapshots of all edges, or of the edge `of`."""

    of: str | None = None


class Goodbye(Gossip, frozen=True, kw_only=True, tag="ended"):
    """The edge stops; it has no connected users any more."""


AnyGossip = Delta | PresenceSnapshot | SnapshotRequest | Goodbye


class SignalMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signal from one edge to all; the connection that sent it does not receive it."""

    user: str
    connection: str | None = None
    to: str
    name: str
    data: dict[str, Any] | None = None
    at: datetime
