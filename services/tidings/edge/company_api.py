"""The plain requests about others: who is connected, and a signal for those who cannot send a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct
from tidings.contracts.events.announcements import RelationName
from tidings.contracts.frames import WATCH_LIMIT_USERS, Signal
from tidings.contracts.ids import Id
from tidings.contracts.schema import Schemas
from tidings.contracts.subjects import Person, Topic
from tidings.edge.edge import Edge
from tidings.edge.guest import ADMIN, SIGNAL_RATE
from tidings.edge.members import NoMember, TooLarge
from tidings.edge.operations import several
from tidings.runtime.auth import Identity
from tidings.runtime.openapi import JSON, Operation, says
from tidings.runtime.rate import Buckets, Throttled
from tidings.runtime.web import json, respond

BODY_LIMIT_BYTES = 8 * 1024

AnyRequest = Request[Any, Any, Any]
Who = Callable[[AnyRequest], Identity]
Users = Annotated[tuple[Id, ...], Meta(max_length=WATCH_LIMIT_USERS)]


class PostedSignal(Signal, frozen=True, kw_only=True, tag=None):
    """A signal as the body of a request; the connection that its hello named `connection` is not told."""

    connection: Id | None = None


class Online(Struct, frozen=True, kw_only=True):
    """Who of those asked for is connected."""

    online: tuple[str, ...]


class Sent(Struct, frozen=True, kw_only=True):
    """A signal is on its way."""


PRESENCE = Operation(Online, scope="inbox", problems=(421,))
SIGNALS = Operation(
    Sent,
    status=202,
    bodies={JSON: PostedSignal},
    scope="inbox",
    problems=(413, 421),
    example={"to": "room:9#member", "name": "typing"},
)


def handlers(edge: Edge, who: Who) -> list[Any]:
    """The route handlers."""
    return [_presence(edge, who), _signals(edge, who)]


def _presence(edge: Edge, who: Who) -> Any:
    @get("/v1/presence", opt=says(PRESENCE))
    async def presence(
        request: AnyRequest,
        user: Annotated[
            list[str] | None, Parameter(max_items=WATCH_LIMIT_USERS, schema_extra=several(Id))
        ] = None,
        relation: Annotated[str | None, Parameter(schema_extra=Schemas().of(RelationName))] = None,
    ) -> Response[bytes]:
        """Which of these users, or of those in a relation one stands in, are connected; as far as is known, a moment late."""
        identity = who(request)
        if (user is None) == (relation is None):
            return respond(
                400, "bad request", "give either `user`, once for each of them, or `relation`"
            )
        try:
            users = await _among(edge, identity, msgspec.convert(user or (), Users), relation)
        except msgspec.ValidationError as error:
            return respond(400, "bad request", str(error), field="relation" if relation else "user")
        except (NoMember, TooLarge) as refusal:
            return respond(403, "forbidden", str(refusal))
        return json({"online": sorted(edge.company.presence.online(identity.person.tenant, users))})

    return presence


def _signals(edge: Edge, who: Who) -> Any:
    buckets = Buckets[Person](SIGNAL_RATE)

    @post("/v1/signals", status_code=202, request_max_body_size=BODY_LIMIT_BYTES, opt=says(SIGNALS))
    async def signals(request: AnyRequest) -> Response[bytes]:
        """Say something to those connected who stand in a relation that one stands in; it is never stored."""
        identity = who(request)
        try:
            buckets.take(identity.person, asyncio.get_running_loop().time()).check()
            said = msgspec.json.decode(await request.body(), type=PostedSignal)
            await edge.company.signals.send(
                identity.person, said.connection, said, datetime.now(UTC)
            )
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return respond(400, "bad signal", str(error))
        except (NoMember, TooLarge) as refusal:
            return respond(403, "forbidden", str(refusal))
        except Throttled as throttled:
            return respond(429, "too many requests", str(throttled))
        return json({}, 202)

    return signals


async def _among(
    edge: Edge, identity: Identity, users: tuple[str, ...], relation: str | None
) -> frozenset[str]:
    if relation is None:
        return frozenset(users)
    members, topic = (
        edge.company.members,
        Topic(identity.person.tenant, msgspec.convert(relation, RelationName)),
    )
    return await (
        members.of(topic)
        if ADMIN in identity.scopes
        else members.admit(identity.person.user, topic)
    )
