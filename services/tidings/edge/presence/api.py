"""HTTP for presence and signals, for clients that cannot send frames."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct
from tidings.contracts.documents.schema import Schemas
from tidings.contracts.frames import WATCH_LIMIT_USERS, Signal
from tidings.contracts.ids import Id
from tidings.contracts.relations import RelationText
from tidings.contracts.subjects import Topic
from tidings.edge.http.openapi import frame_body, repeated_parameter
from tidings.edge.presence.hub import PresenceHub
from tidings.edge.presence.members import NotAMember, RelationTooLarge
from tidings.edge.presence.session import ADMIN
from tidings.runtime.auth.identity import Identity
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.rate import RateExceeded
from tidings.runtime.http.web import json_response, problem_response

BODY_LIMIT_BYTES = 8 * 1024

AnyRequest = Request[Any, Any, Any]
Users = Annotated[tuple[Id, ...], Meta(max_length=WATCH_LIMIT_USERS)]


class PostedSignal(Signal, frozen=True, kw_only=True, tag=None):
    """A signal as a request body; `connection`, the id of a hello, does not receive it."""

    connection: Id | None = None


class OnlineUsers(Struct, frozen=True, kw_only=True):
    """The connected ones of the requested users."""

    online: tuple[str, ...]


class SignalAccepted(Struct, frozen=True, kw_only=True):
    """A signal was published."""


PRESENCE = Operation(OnlineUsers, scope="inbox", problems=(414, 421))
SIGNALS = Operation(
    SignalAccepted,
    status=202,
    bodies={JSON: frame_body(PostedSignal)},
    scope="inbox",
    problems=(413, 421),
    example={"to": "room:9#member", "name": "typing"},
)


def handlers(hub: PresenceHub, guard: Guard) -> list[Any]:
    """Return the route handlers."""
    return [_presence(hub, guard), _signals(hub, guard)]


def _presence(hub: PresenceHub, guard: Guard) -> Any:
    @get("/v1/presence", guards=[guard], opt=operation_opt(PRESENCE))
    async def presence(
        request: AnyRequest,
        user: Annotated[
            list[str] | None,
            Parameter(max_items=WATCH_LIMIT_USERS, schema_extra=repeated_parameter(Id)),
        ] = None,
        relation: Annotated[
            str | None, Parameter(schema_extra=Schemas().schema_of(RelationText))
        ] = None,
    ) -> Response[bytes]:
        """Return which users of a list, or of a relation of the caller's, are connected."""
        identity = identity_of(request)
        if (user is None) == (relation is None):
            return problem_response(
                400, "bad request", "give either `user`, once for each of them, or `relation`"
            )
        try:
            users = await _candidates(hub, identity, msgspec.convert(user or (), Users), relation)
        except msgspec.ValidationError as error:
            return problem_response(
                400, "bad request", str(error), field="relation" if relation else "user"
            )
        except (NotAMember, RelationTooLarge) as refusal:
            return problem_response(403, "forbidden", str(refusal))
        return json_response(
            {"online": sorted(hub.cluster.online_users(identity.person.tenant, users))}
        )

    return presence


def _signals(hub: PresenceHub, guard: Guard) -> Any:
    @post(
        "/v1/signals",
        status_code=202,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(SIGNALS),
    )
    async def signals(request: AnyRequest) -> Response[bytes]:
        """Send a signal to the connected members of one of the caller's relations."""
        identity = identity_of(request)
        try:
            hub.rates.check_signal(identity.person)
            posted = msgspec.json.decode(await request.body(), type=PostedSignal)
            await hub.signals.send_signal(
                identity.person, posted.connection, posted, datetime.now(UTC)
            )
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return problem_response(400, "bad signal", str(error))
        except (NotAMember, RelationTooLarge) as refusal:
            return problem_response(403, "forbidden", str(refusal))
        except RateExceeded as throttled:
            return problem_response(
                429,
                "too many requests",
                str(throttled),
                retry_after_seconds=throttled.status.retry_after_seconds,
            )
        return json_response({}, 202)

    return signals


async def _candidates(
    hub: PresenceHub, identity: Identity, users: tuple[str, ...], relation: str | None
) -> frozenset[str]:
    if relation is None:
        return frozenset(users)
    members, topic = (
        hub.members,
        Topic(identity.person.tenant, msgspec.convert(relation, RelationText)),
    )
    return await (
        members.users_of(topic)
        if ADMIN in identity.scopes
        else members.require_member(identity.person.user, topic)
    )
