"""Peers: how many connections of one address, and of all, a server admits."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import AsyncExitStack, suppress
from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tidings.contracts.subjects import Person
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import InvalidToken, issue_token
from tidings.runtime.http.connections.bounds import ConnectionBounds
from tidings.runtime.http.connections.client_connection import CONNECTION
from tidings.runtime.http.connections.peers import (
    PeerLimits,
    PeerMetrics,
    Peers,
    PeerSlot,
    raise_descriptor_limit,
    reserved_descriptors,
)
from tidings.runtime.http.connections.strangers import Strangers
from tidings.runtime.process import Runtime

from tests.acceptance.attacker import open_websocket, request
from tests.driver import SECRET
from tests.services.runtime.connection_server import ConnectionServer, serve_connections
from tests.waiting import wait_until

ADDRESS = "192.0.2.1"


def make_peers(limits: PeerLimits, strangers: Strangers | None = None) -> Peers:
    return Peers(PeerMetrics(), limits, ConnectionBounds(), strangers)


def test_an_address_has_a_few_unauthenticated_connections_and_any_number_of_others() -> None:
    peers = make_peers(PeerLimits(unauthenticated_per_address=2))
    slots = [peers.admit(ADDRESS) for _ in range(2)]

    assert all(slots) and peers.admit(ADDRESS) is None
    assert peers.admit("192.0.2.2")

    assert slots[0] and slots[1]
    slots[0].set_authenticated()
    third = peers.admit(ADDRESS)
    assert third and peers.admit(ADDRESS) is None
    slots[1].release()
    slots[1].release()
    assert peers.admit(ADDRESS) and peers.admit(ADDRESS) is None


def test_the_addresses_of_one_ipv6_network_count_together_and_proxies_are_not_counted() -> None:
    proxies = (ip_network("10.0.0.0/8"),)
    peers = make_peers(PeerLimits(unauthenticated_per_address=1, proxies=proxies))

    assert peers.admit("2001:db8::1") and peers.admit("2001:db8::2") is None
    assert all(peers.admit("10.1.1.1") for _ in range(5))


def test_faults_of_one_client_refuse_no_other_connection_of_its_address() -> None:
    strangers = Strangers((100, 60))
    peers = make_peers(PeerLimits(), strangers)

    for _ in range(20):
        assert peers.admit(ADDRESS)
        peers.record_abort("frames", ADDRESS)

    assert strangers.fault_status(ADDRESS)
    assert peers.admit(ADDRESS)


def test_authenticated_connections_beyond_those_of_an_address_count_as_unauthenticated() -> None:
    proxies = (ip_network("10.0.0.0/8"),)
    peers = make_peers(PeerLimits(1, authenticated_per_address=2, proxies=proxies))
    slots: list[PeerSlot] = []

    for _ in range(3):
        slot = peers.admit(ADDRESS)
        assert slot
        slot.set_authenticated()
        slots.append(slot)
    assert peers.admit(ADDRESS) is None
    assert peers.admit("192.0.2.2")

    slots[0].release()
    slots[2].set_authenticated()
    last = peers.admit(ADDRESS)
    assert last and peers.admit(ADDRESS) is None
    for slot in (*slots, last):
        slot.release()
    for _ in range(3):
        slot = peers.admit(ADDRESS)
        assert slot
        slot.set_authenticated()
    for _ in range(5):
        slot = peers.admit("10.1.1.1")
        assert slot
        slot.set_authenticated()


@pytest.mark.parametrize(
    ("hard", "wanted", "is_permitted"),
    [
        (4_096, 4_096, True),
        (4_096, 4_096, False),
        (resource.RLIM_INFINITY, 2**20, True),
        (resource.RLIM_INFINITY, 2**20, False),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_the_system_permits(
    monkeypatch: pytest.MonkeyPatch, hard: int, wanted: int, *, is_permitted: bool
) -> None:
    limits = [1_024]

    def setrlimit(_: int, values: tuple[int, int]) -> None:
        assert values == (wanted, hard)
        if not is_permitted:
            raise ValueError("not permitted")
        limits[0] = values[0]

    monkeypatch.setattr(resource, "getrlimit", lambda _: (limits[0], hard))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)

    assert raise_descriptor_limit() == (wanted if is_permitted else 1_024)


def test_a_share_of_the_descriptors_is_reserved() -> None:
    assert reserved_descriptors(20_000) == 128
    assert reserved_descriptors(100) == 25


def test_connections_beyond_the_descriptors_are_refused_and_counted() -> None:
    registry = CollectorRegistry()
    metrics = PeerMetrics(registry)
    metrics.descriptor_limit = 8
    peers = Peers(metrics, PeerLimits(), ConnectionBounds())

    slots = [peers.admit(ADDRESS) for _ in range(7)]

    assert [bool(slot) for slot in slots] == [True] * 6 + [False]
    page = generate_latest(registry).decode()
    assert 'tidings_connections_refused_total{reason="descriptors"} 1.0' in page
    assert "tidings_transports 6.0" in page and "tidings_descriptor_limit 8.0" in page


async def test_silent_connections_of_one_address_leave_room_for_others_and_end_in_time() -> None:
    async with (
        serve_connections(PeerLimits(unauthenticated_per_address=5), head_seconds=0.5) as server,
        AsyncExitStack() as stack,
    ):
        held = [await stack.enter_async_context(server.target.connection()) for _ in range(5)]
        await wait_for_open(server, 5)
        reader, writer = await stack.enter_async_context(server.target.connection())
        with pytest.raises(ConnectionError):
            writer.write(request("/"))
            await reader.readexactly(1)

        for reader, _ in held:
            async with asyncio.timeout(20):
                assert await reader.read() == b""
        await wait_for_open(server, 0)
        assert server.metrics.refused == {"address": 1, "silent": 5}


async def test_a_known_client_frees_its_place_among_the_unknown_ones() -> None:
    async with (
        serve_connections(PeerLimits(unauthenticated_per_address=1)) as server,
        AsyncExitStack() as stack,
    ):
        for _ in range(3):
            reader, writer = await stack.enter_async_context(server.target.connection())
            await open_websocket(reader, writer, path="/known")
            await asyncio.sleep(0.05)
        assert server.metrics.open_connections == 3


async def test_a_request_with_a_token_makes_its_connection_that_of_a_known_client(
    runtime: Runtime,
) -> None:
    known: list[bool] = []
    connection = SimpleNamespace(set_authenticated=lambda: known.append(True))
    access = Access(runtime)
    token = issue_token(Person("acme", "alice"), "inbox", SECRET, time.time(), 60)

    for sent in ("forged", token):
        scope = {
            "headers": [(b"authorization", f"Bearer {sent}".encode())],
            "query_string": b"",
            "client": (ADDRESS, 1),
            "extensions": {CONNECTION: connection},
        }
        with suppress(InvalidToken):
            await access.identify_sender(scope)
        assert known == ([True] if sent == token else [])


async def wait_for_open(server: ConnectionServer, count: int) -> None:
    async def is_reached() -> bool:
        return server.metrics.open_connections == count

    await wait_until(is_reached)
