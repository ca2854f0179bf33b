"""Lost clients: connections of a phone that is gone do not keep its user out."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from tidings.runtime.settings import Settings
from websockets.exceptions import ConnectionClosed

from tests.acceptance.attacker import request, upgrade
from tests.acceptance.rooms import make_driver_at
from tests.driver import Tidings
from tests.metrics_page import read_metrics
from tests.waiting import wait_until
from tests.web_processes import run_web

LIMIT = 2
SO_ATTACH_FILTER = 26
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A filter of the kernel that lets no packet in: BPF_RET | BPF_K with 0."""


def open_raw(tidings: Tidings, head: bytes) -> socket.socket:
    """Send a request, and return the socket after the beginning of the answer."""
    address = urlsplit(tidings.url)
    client = socket.create_connection((address.hostname, address.port))
    client.sendall(head)
    assert client.recv(4096)
    return client


def vanish(client: socket.socket) -> None:
    """Have the kernel drop what arrives, so that it acknowledges nothing, as a lost phone does."""
    program = ctypes.create_string_buffer(DROP_ALL, len(DROP_ALL))
    filters = struct.pack("@HP", 1, ctypes.addressof(program))
    client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filters)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux tells what is lost")
@pytest.mark.parametrize("way", ["stream", "socket"])
async def test_lost_clients_of_a_user_make_room_for_the_newest(
    tidings: Tidings, chosen: Settings, way: str
) -> None:
    async with (
        run_web(chosen, connections_per_user=LIMIT, heartbeat_seconds=60) as edge,
        make_driver_at(tidings, edge.url) as driver,
    ):
        field = f"Authorization: Bearer {driver.token('alice')}"
        head = request("/v1/stream", field) if way == "stream" else upgrade(field)
        with ExitStack() as stack:
            for _ in range(LIMIT):
                vanish(stack.enter_context(open_raw(driver, head)))

            await wait_until(lambda: is_admitted(driver))

        page = await read_metrics(edge.url)
        assert page.value("tidings_connections_aborted_total", reason="lost") >= 1


async def is_admitted(driver: Tidings) -> bool:
    """Return whether another connection of alice is admitted."""
    async with driver.socket("alice") as client:
        try:
            await client.live()
        except ConnectionClosed:
            return False
        return True
