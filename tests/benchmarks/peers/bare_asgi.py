"""An ASGI application that only writes frames, on the uvicorn configuration of Tidings.

`GET /stream` and `/ws` connect. `POST /write?kind=websocket&count=…&per_second=…&burst=…` writes
the body of the request as a frame to the connections of that kind in turn, in bursts of `burst`
(all of them by default), until `count` frames are written, and then answers. The writer calls the
`send` of each connection directly, without queues or tasks: what remains is the cost of uvicorn,
uvloop and the kernel.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from itertools import cycle, islice
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HELLO = b'{"type":"hello"}'
PACE_SECONDS = 0.001  # the resolution of uvloop's timers
STREAM_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]

sockets: dict[int, Send] = {}
streams: dict[int, Send] = {}


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Route by path."""
    match scope["type"], scope.get("path"):
        case "lifespan", _:
            await lifespan(receive, send)
        case "websocket", _:
            await socket(receive, send)
        case "http", "/stream":
            await stream(receive, send)
        case _:
            await answer(send, await obey_control_call(scope, receive))


async def lifespan(receive: Receive, send: Send) -> None:
    """Nothing to open, nothing to close."""
    while True:
        stage = (await receive())["type"]
        await send({"type": f"{stage}.complete"})
        if stage == "lifespan.shutdown":
            return


def text_frame(body: bytes) -> Message:
    """One WebSocket text frame."""
    return {"type": "websocket.send", "text": body.decode()}


def event_chunk(body: bytes) -> Message:
    """One Server-Sent Event, one HTTP chunk."""
    return {"type": "http.response.body", "body": b"data: %b\n\n" % body, "more_body": True}


async def socket(receive: Receive, send: Send) -> None:
    """Accept, greet, stay among `sockets` until the client leaves."""
    await receive()
    await send({"type": "websocket.accept"})
    await send(text_frame(HELLO))
    sockets[id(send)] = send
    while (await receive())["type"] != "websocket.disconnect":
        pass
    del sockets[id(send)]


async def stream(receive: Receive, send: Send) -> None:
    """Answer, greet, stay among `streams` until the client leaves."""
    await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
    await send(event_chunk(HELLO))
    streams[id(send)] = send
    while (await receive())["type"] != "http.disconnect":
        pass
    del streams[id(send)]


async def obey_control_call(scope: Message, receive: Receive) -> dict[str, float]:
    """Obey one control call: `{frames, seconds, connections}`."""
    asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    body = await whole_body(receive)
    kind_is_websocket = asked["kind"] == "websocket"
    frame = text_frame(body) if kind_is_websocket else event_chunk(body)
    targets = list((sockets if kind_is_websocket else streams).values())
    started = asyncio.get_running_loop().time()
    frames = await write(
        targets,
        frame,
        int(asked["count"]),
        float(asked["per_second"]),
        int(asked.get("burst", len(targets))),
    )
    return {
        "frames": frames,
        "seconds": asyncio.get_running_loop().time() - started,
        "connections": len(targets),
    }


async def whole_body(receive: Receive) -> bytes:
    """The request's body."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def write(
    targets: list[Send], frame: Message, count: int, per_second: float, burst: int
) -> int:
    """Write `count` frames at a steady rate, a burst at a time; return the number written."""
    loop = asyncio.get_running_loop()
    turn, started, frames = cycle(targets), loop.time(), 0
    while targets and frames < count:
        due = (loop.time() - started) * per_second + burst
        while frames < count and frames + burst <= due:
            frames += await write_to(islice(turn, min(burst, count - frames)), frame)
        await asyncio.sleep(PACE_SECONDS)
    return frames


async def write_to(sends: Iterable[Send], frame: Message) -> int:
    """Write one frame to each connection; return the number written."""
    written = 0
    for send in sends:
        with suppress(OSError):
            await send(frame)
        written += 1
    return written


async def answer(send: Send, body: dict[str, float]) -> None:
    """A JSON response."""
    encoded = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(encoded)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": encoded})
