"""AsyncAPI 3.0 of what goes over the WebSocket, the event stream and NATS, written from the contracts; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import msgspec
from tidings.contracts.closing import Code
from tidings.contracts.events import EVENTS
from tidings.contracts.events.base import Event
from tidings.contracts.frames import ClientFrame, ServerFrame
from tidings.contracts.notifications import CursorText, Delivered, Entry, Membership, Shared
from tidings.contracts.positions import PositionMessage
from tidings.contracts.schema import Schema, Schemas, any_event
from tidings.contracts.subjects import (
    DEAD_ADDRESS,
    EVENT_ADDRESS,
    INBOX_ADDRESS,
    MEMBER_ADDRESS,
    POSITION_ADDRESS,
    RECEIPT_ADDRESS,
    SHARED_ADDRESS,
)

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
DESCRIPTION = """Facts in, each person's durable log out. The HTTP requests are described in `/schema/openapi.json`.

Frames form a chain: take `entries` only if `after` equals your cursor, else come back with your cursor."""
PARAMETERS = {
    "partition": "CRC-32 of the tenant (events) or of `tenant/user` modulo the number of partitions.",
    "tenant": "Whose it is; escaped: any byte but A-Z, a-z, 0-9 and - is `_` and two hex digits.",
    "user": "Whose log it is, escaped.",
    "relation": "`@` and a relation, escaped: all who stand in it share this log.",
    "domain": "The first word of the event's type, escaped.",
    "entity": "What the event is about, escaped, or `_`.",
    "action": "The rest of the event's type, escaped, or `_`.",
    "service": "The service that says so, such as `notifier`.",
    "sequence": "Where the event stands in `EVENTS`.",
}
EDGE = "127.0.0.1:8000"


def servers(edge: str) -> Schema:
    """Where an edge answers, by its host and port, and NATS beside it."""
    return {
        "socket": {
            "host": edge,
            "protocol": "ws",
            "description": "An edge; wss behind a proxy that ends TLS.",
        },
        "stream": {
            "host": edge,
            "protocol": "http",
            "description": "The same edge, with server-sent events.",
        },
        "nats": {
            "host": "127.0.0.1:4222",
            "protocol": "nats",
            "description": "JetStream, for services of the installation only.",
        },
    }


class Channel(NamedTuple):
    """An address, the messages there, and whether Tidings sends or receives them."""

    name: str
    address: str
    server: str
    summary: str
    sent: Sequence[Any] = ()
    received: Sequence[Any] = ()
    bindings: Mapping[str, Any] = MappingProxyType({})


def socket() -> Channel:
    """The WebSocket, with the codes that close it."""
    codes = "\n".join(f"- {code.value}: {code.advice}" for code in Code)
    query = {
        "type": "object",
        "properties": {"cursor": Schemas().of(CursorText), "ticket": {"type": "string"}},
    }
    bindings = {"ws": {"method": "GET", "query": query}}
    summary = f"A person's log, live, and what they say to it. It is closed with\n\n{codes}"
    return Channel(
        "socket",
        "/v1/socket",
        "socket",
        summary,
        get_args(ServerFrame),
        get_args(ClientFrame),
        bindings,
    )


CHANNELS = (
    socket(),
    Channel(
        "stream",
        "/v1/stream",
        "stream",
        "The same frames as server-sent events: `id:` the cursor, `event:` the type.",
        get_args(ServerFrame),
    ),
    Channel("events", EVENT_ADDRESS, "nats", "Facts, as CloudEvents.", (), EVENTS),
    Channel("inbox", INBOX_ADDRESS, "nats", "A person's log.", get_args(Entry)),
    Channel("shared", SHARED_ADDRESS, "nats", "The log of all who stand in a relation.", (Shared,)),
    Channel(
        "member",
        MEMBER_ADDRESS,
        "nats",
        "When a person came to share such a log, and when no longer.",
        get_args(Membership),
    ),
    Channel(
        "receipt",
        RECEIPT_ADDRESS,
        "nats",
        "Up to where each of a person's devices has everything.",
        (Delivered,),
    ),
    Channel(
        "position",
        POSITION_ADDRESS,
        "nats",
        "How far a service has routed a partition's events.",
        (PositionMessage,),
    ),
    Channel(
        "dead",
        DEAD_ADDRESS,
        "nats",
        "Events that could not be routed, as they were; the header `Tidings-Reason` says why.",
        EVENTS,
    ),
)


def document(edge: str = EDGE) -> Schema:
    """The whole document as JSON, of an edge that answers at this host and port."""
    schemas = Schemas(discriminators=False)
    any_event(schemas)
    shapes = {shape for channel in CHANNELS for shape in (*channel.sent, *channel.received)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tidings", "version": "1", "description": DESCRIPTION},
        "defaultContentType": JSON,
        "servers": servers(edge),
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {
            name: operation for channel in CHANNELS for name, operation in _operations(channel)
        },
        "components": {
            "messages": {
                shape.__name__: _message(shape, schemas)
                for shape in sorted(shapes, key=lambda shape: shape.__name__)
            },
            "schemas": dict(sorted(schemas.components.items())),
        },
    }


def _channel(channel: Channel) -> Schema:
    parameters = {
        name: {"description": PARAMETERS[name]} for name in re.findall(r"{(\w+)}", channel.address)
    }
    return {
        "address": channel.address,
        "summary": channel.summary.partition("\n")[0],
        "description": channel.summary,
        "servers": [{"$ref": f"#/servers/{channel.server}"}],
        "messages": {
            shape.__name__: {"$ref": f"#/components/messages/{shape.__name__}"}
            for shape in (*channel.sent, *channel.received)
        },
        **({"parameters": parameters} if parameters else {}),
        **({"bindings": dict(channel.bindings)} if channel.bindings else {}),
    }


def _operations(channel: Channel) -> Iterable[tuple[str, Schema]]:
    for action, shapes in (("send", channel.sent), ("receive", channel.received)):
        if shapes:
            messages = [
                {"$ref": f"#/channels/{channel.name}/messages/{shape.__name__}"} for shape in shapes
            ]
            yield (
                f"{action}_{channel.name}",
                {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{channel.name}"},
                    "messages": messages,
                },
            )


def _message(shape: type[msgspec.Struct], schemas: Schemas) -> Schema:
    cloud = issubclass(shape, Event)
    return {
        "name": shape.type
        if issubclass(shape, Event)
        else shape.__struct_config__.tag or shape.__name__,
        "title": shape.__name__,
        "summary": (shape.__doc__ or "").partition("\n")[0],
        "contentType": CLOUD_EVENT if cloud else JSON,
        "payload": schemas.reference(f"{shape.__name__}Event") if cloud else schemas.of(shape),
    }
