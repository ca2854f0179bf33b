"""Generate AsyncAPI 3.0 of the WebSocket, the event stream and NATS from the contracts; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import msgspec
from tidings.contracts.close_codes import CloseCode
from tidings.contracts.deliveries import DeliveryEntry
from tidings.contracts.documents.schema import Schema, Schemas, any_event_schema, schema_name
from tidings.contracts.event import Event
from tidings.contracts.frames import ClientFrame, CountsMode, ServerFrame
from tidings.contracts.notifications import (
    CursorText,
    DeliveryReceipt,
    Entry,
    SharedNotification,
    TopicMembership,
)
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import (
    DEAD_LETTER_ADDRESS,
    DELIVERY_ADDRESS,
    EVENT_ADDRESS,
    INBOX_ADDRESS,
    MEMBER_ADDRESS,
    POSITION_ADDRESS,
    RECEIPT_ADDRESS,
    TOPIC_INBOX_ADDRESS,
)
from tidings.domains import EVENTS

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
DESCRIPTION = """Events in, a durable log for each user out; HTTP: `/schema/openapi.json`.

Frames form a chain: accept `entries` only if `after` equals your cursor, else reconnect with your
cursor."""
PARAMETERS = {
    "partition": "CRC-32 of the tenant (events) or `tenant/user`, modulo the number of partitions.",
    "tenant": "The tenant, escaped: any byte but A-Z, a-z, 0-9 and - is `_` and two hex digits.",
    "user": "The owner of the log, escaped.",
    "relation": "`@` and a relation, escaped; its users share this log.",
    "domain": "The first word of the event's type, escaped.",
    "entity": "The entity of the event, escaped, or `_`.",
    "action": "The rest of the event's type, escaped, or `_`.",
    "service": "The service, such as `notifier`.",
    "sequence": "The sequence of the event in `EVENTS`.",
}
DEFAULT_EDGE = "127.0.0.1:8000"


def servers(edge: str) -> Schema:
    """Return the servers of the document: an edge at a host and port, and NATS."""
    return {
        "socket": {
            "host": edge,
            "protocol": "ws",
            "description": "An edge; wss behind a proxy that terminates TLS.",
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
    """An address, its messages, and whether Tidings sends or receives them."""

    name: str
    address: str
    server: str
    summary: str
    sent_shapes: Sequence[Any] = ()
    received_shapes: Sequence[Any] = ()
    bindings: Mapping[str, Any] = MappingProxyType({})


def socket_channel() -> Channel:
    """Return the channel of the WebSocket, with its close codes."""
    codes = "\n".join(f"- {code.value}: {code.advice}" for code in CloseCode)
    query = {
        "type": "object",
        "properties": {
            "cursor": Schemas().schema_of(CursorText),
            "counts": Schemas().schema_of(CountsMode),
            "ticket": {"type": "string"},
        },
    }
    bindings = {"ws": {"method": "GET", "query": query}}
    summary = f"A person's log, live, and the client's frames. Its close codes:\n\n{codes}"
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
    socket_channel(),
    Channel(
        "stream",
        "/v1/stream",
        "stream",
        "The same frames as server-sent events: `id:` the cursor, `event:` the type.",
        get_args(ServerFrame),
    ),
    Channel("events", EVENT_ADDRESS, "nats", "Events, as CloudEvents.", (), EVENTS),
    Channel("inbox", INBOX_ADDRESS, "nats", "A person's log.", get_args(Entry)),
    Channel(
        "shared",
        TOPIC_INBOX_ADDRESS,
        "nats",
        "The log that the users of a relation share.",
        (SharedNotification,),
    ),
    Channel(
        "member",
        MEMBER_ADDRESS,
        "nats",
        "The times when a person joined or left a shared log.",
        get_args(TopicMembership),
    ),
    Channel(
        "receipt",
        RECEIPT_ADDRESS,
        "nats",
        "The cursor up to which each device of a person has everything.",
        (DeliveryReceipt,),
    ),
    Channel(
        "outbound",
        DELIVERY_ADDRESS,
        "nats",
        "What is planned, decided and done about a person's deliveries beyond the page.",
        get_args(DeliveryEntry),
    ),
    Channel(
        "position",
        POSITION_ADDRESS,
        "nats",
        "The position of a service in a partition's events.",
        (PositionMessage,),
    ),
    Channel(
        "dead",
        DEAD_LETTER_ADDRESS,
        "nats",
        "Events that could not be routed, unchanged; `Tidings-Reason` is a header.",
        EVENTS,
    ),
)


def asyncapi_document(edge: str = DEFAULT_EDGE) -> Schema:
    """Return the document for an edge at a host and port."""
    schemas = Schemas(discriminators=False)
    any_event_schema(schemas)
    shapes = {
        shape for channel in CHANNELS for shape in (*channel.sent_shapes, *channel.received_shapes)
    }
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
                schema_name(shape): _message(shape, schemas)
                for shape in sorted(shapes, key=schema_name)
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
            schema_name(shape): {"$ref": f"#/components/messages/{schema_name(shape)}"}
            for shape in (*channel.sent_shapes, *channel.received_shapes)
        },
        **({"parameters": parameters} if parameters else {}),
        **({"bindings": dict(channel.bindings)} if channel.bindings else {}),
    }


def _operations(channel: Channel) -> Iterable[tuple[str, Schema]]:
    for action, shapes in (("send", channel.sent_shapes), ("receive", channel.received_shapes)):
        if shapes:
            messages = [
                {"$ref": f"#/channels/{channel.name}/messages/{schema_name(shape)}"}
                for shape in shapes
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
        else shape.__struct_config__.tag or schema_name(shape),
        "title": schema_name(shape),
        "summary": (shape.__doc__ or "").partition("\n")[0],
        "contentType": CLOUD_EVENT if cloud else JSON,
        "payload": schemas.reference_to(f"{schema_name(shape)}Event")
        if cloud
        else schemas.schema_of(shape),
    }
