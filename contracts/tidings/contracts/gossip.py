"""Gossip: what edges tell each other of who is connected to them, published and never stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

People = dict[str, list[str]]
"""Users by tenant."""


class Gossip(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="gossip"):
    """One message between edges; `edge` is the process that sends it, from its start to its end."""

    edge: str


class Changed(Gossip, frozen=True, kw_only=True, tag="changed"):
    """What changed from one revision of an edge's people to another; both the same: it still lives."""

    after: int
    revision: int
    joined: People = {}
    left: People = {}


class Whole(Gossip, frozen=True, kw_only=True, tag="whole"):
    """All people of an edge at a revision, in so many parts, which are numbered from 0."""

    revision: int
    part: int
    parts: int
    people: People


class Asked(Gossip, frozen=True, kw_only=True, tag="asked"):
    """The sender wants to know the whole: of everybody, or of one edge."""

    of: str | None = None


class Ended(Gossip, frozen=True, kw_only=True, tag="ended"):
    """The edge stops; nobody is connected to it any more."""


AnyGossip = Changed | Whole | Asked | Ended


class Uttered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signal on its way from one edge to all; not for the connection that sent it."""

    user: str
    connection: str | None = None
    to: str
    name: str
    data: dict[str, Any] | None = None
    at: datetime
