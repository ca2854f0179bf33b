"""What an edge really sends fits the schemas that it serves, on a socket and on a stream."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema_rs

from tests.builders import make_announcement
from tests.driver import Tidings

FRAMES = {"hello", "snapshot", "live", "entries", "heartbeat", "result", "presence", "error"}


async def read_frames(tidings: Tidings) -> list[dict[str, Any]]:
    """Make an edge send a user frames of all kinds that need no second edge, and return them."""
    frames: list[dict[str, Any]] = []
    await tidings.emit(make_announcement("alice"))
    async with asyncio.timeout(30), tidings.socket("alice") as client:
        frames.append(await client.next("hello"))
        frames.append(await client.next("snapshot"))
        frames.append(await client.next("live"))
        await client.send({"type": "watch", "op": "w", "users": ["alice"]})
        frames += [await client.next("presence"), await client.next("result")]
        await tidings.emit(make_announcement("alice"))
        frames.append(await client.next("entries"))
        await client.send({"type": "mark", "op": "m", "state": "read", "up_to": client.cursor})
        frames.append(await client.next("result"))
        await client.send({"type": "ping"})
        frames.append(await client.next("heartbeat"))
        assert client.cursor
        epoch = client.cursor.partition("-")[0]
        await client.send({"type": "ack", "cursor": f"{epoch}-999999999"})
        frames.append(await client.next("error"))
    return frames


async def test_frames_that_an_edge_sends_fit_the_schemas_that_it_serves(tidings: Tidings) -> None:
    document = (await tidings.http.get("/asyncapi.json")).json()
    schemas = {
        message["name"]: {**message["payload"], "components": document["components"]}
        for message in (
            document["components"]["messages"][reference["$ref"].rpartition("/")[2]]
            for reference in document["channels"]["stream"]["messages"].values()
        )
    }

    frames = await read_frames(tidings)

    assert {frame["type"] for frame in frames} >= FRAMES
    for frame in frames:
        errors = list(jsonschema_rs.validator_for(schemas[frame["type"]]).iter_errors(frame))
        assert errors == [], (frame["type"], errors)
