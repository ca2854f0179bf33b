"""What a connection waits with: in order, one taker, nothing lost when the taker is cancelled."""

from __future__ import annotations

import asyncio

import pytest
from tidings.runtime.http.connections.bounds import ConnectionBounds
from tidings.runtime.http.connections.http_protocol import HttpProtocol
from tidings.runtime.http.connections.peers import PeerLimits, PeerMetrics, Peers
from tidings.runtime.http.connections.waiting import ListEvent, MessageQueue, WaitingList
from tidings.runtime.http.connections.websocket_protocol import WebSocketProtocol
from tidings.runtime.http.server import server_config
from uvicorn.server import ServerState

SHARED_KEYS = 30
"""Python shares the keys of instances up to so many attributes; beyond it each has its own."""


async def test_messages_are_taken_in_order_and_waited_for() -> None:
    queue = MessageQueue()
    taking = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not taking.done()

    for message in (1, 2, 3):
        queue.put_nowait(message)

    assert [await taking, await queue.get(), await queue.get()] == [1, 2, 3]
    assert queue.empty()


async def test_a_message_whose_taker_is_cancelled_is_there_for_the_next_one() -> None:
    queue = MessageQueue()
    taking = asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    queue.put_nowait(1)
    taking.cancel()
    await asyncio.wait([taking])

    assert await queue.get() == 1


async def test_an_event_wakes_all_that_wait() -> None:
    event = ListEvent()
    waiting = [asyncio.create_task(event.wait()) for _ in range(2)]
    await asyncio.sleep(0)

    event.set()

    assert await asyncio.gather(*waiting) == [True, True]
    assert ListEvent(is_set=True).is_set()


def test_requests_that_wait_are_started_in_their_order() -> None:
    waiting = WaitingList()
    for request in (1, 2, 3):
        waiting.appendleft(request)

    assert [waiting.pop() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("protocol_class", [HttpProtocol, WebSocketProtocol])
async def test_the_attributes_of_a_connection_need_no_keys_of_their_own(
    protocol_class: type[HttpProtocol] | type[WebSocketProtocol],
) -> None:
    config = server_config(
        _no_app, Peers(PeerMetrics(), PeerLimits(), ConnectionBounds()), interface="asgi3"
    )
    config.load()

    protocol = protocol_class(config, ServerState(), {})

    assert len(vars(protocol)) <= SHARED_KEYS - 3  # a request adds its own


async def _no_app(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nothing is served")
