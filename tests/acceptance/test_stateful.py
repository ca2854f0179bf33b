"""Many devices at edges that die, with tokens that end and a log that forgets: what they hold is always what the read model says."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from tidings.runtime.data_directory import PORTS, free
from websockets.exceptions import WebSocketException

from tests.acceptance.faults import SERVERS, Installation, Tenant
from tests.driver import Client, Tidings, hello_to

KEPT = 60
"""So few notifications are kept for each person that a reader is soon overtaken."""
KILLS_LIMIT = 4
EDGES = ("edge", "forgetful")
DEVICES = range(3)
TRANSPORTS = ("socket", "events")
STATES = ("read", "unread", "seen", "archived", "deleted")
FRAMES_LIMIT = 300
FRAME_SECONDS = 3.0
SKEWED = Path(__file__).parent / "skewed"
GONE = (
    WebSocketException,
    httpx.HTTPError,
    httpx.StreamError,
    StopAsyncIteration,
    TimeoutError,
    OSError,
)

devices = st.sampled_from(DEVICES)
edges = st.sampled_from(EDGES)
transports = st.sampled_from(TRANSPORTS)


class Device:
    """A phone or a tab: it keeps its cursor and what it holds, whatever becomes of its connections."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._staying: asyncio.Task[None] | None = None
        self.cursor: str | None = None
        self.held: dict[str, dict[str, Any]] = {}

    async def visit(
        self, edge: Tidings, transport: str, frames: int, token_seconds: float = 3600
    ) -> None:
        """Connect, read so many frames at most, up to `live`, and break off without a word."""
        await self.leave()
        edge.token_seconds = token_seconds
        await self._read(edge, transport, frames, "live")

    async def stay(self, edge: Tidings, transport: str, token_seconds: float = 3600) -> None:
        """Connect, and read on beside whatever happens."""
        await self.leave()
        edge.token_seconds = token_seconds
        self._staying = asyncio.create_task(self._read(edge, transport, FRAMES_LIMIT, "never"))

    async def leave(self) -> None:
        """Break off."""
        staying, self._staying = self._staying, None
        if staying:
            staying.cancel()
            with suppress(asyncio.CancelledError):
                await staying

    async def _read(self, edge: Tidings, transport: str, frames: int, until: str) -> None:
        with suppress(*GONE):
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(FRAME_SECONDS):
                    client = await stack.enter_async_context(
                        getattr(edge, transport)("alice", self.cursor)
                    )
                client.cursor, client.notifications = self.cursor, self.held
                for _ in range(frames):
                    async with asyncio.timeout(FRAME_SECONDS):
                        frame = await client.next()
                    self._take(client, frame)
                    if frame["type"] == until:
                        return

    def _take(self, client: Client, frame: dict[str, Any]) -> None:
        """What is held after a frame; none of it of other users or tenants."""
        self.cursor, self.held = client.cursor, client.notifications
        for entry in (*frame.get("entries", ()), *frame.get("notifications", ())):
            assert entry["entry"] == "mark" or (entry["tenant"], entry["user"]) == (
                self._tenant.tenant,
                "alice",
            )


class TwoEdges(Installation):
    """An installation with a second edge, whose ring holds next to nothing and whose clock is two minutes fast."""

    def __init__(self, directory: Path) -> None:
        more = {
            "notifications_per_user": KEPT,
            "snapshot_limit": KEPT,
            "heartbeat_seconds": 0.4,
            "connections_per_user": 50,
        }
        super().__init__(directory, more)
        self._second = next(port for port in random.sample(PORTS, 100) if free(port))
        self.second_url = f"http://127.0.0.1:{self._second}"

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        clock = {"PYTHONPATH": str(SKEWED), "TESTS_SKEW_SECONDS": "120"}
        self.parts["forgetful"] = self.process(
            "edge", log="forgetful", variables=clock, port=self._second, ring_bytes=3000
        )
        await self.start("forgetful")
        return self


class World:
    """A tenant with its people, another one whose people have the same names, and what happens to them."""

    def __init__(self, installation: TwoEdges) -> None:
        self._installation = installation
        self.tenant, self.other = Tenant(installation), Tenant(installation)
        self.devices = [Device(self.tenant) for _ in DEVICES]
        self.kills = 0

    async def open(self) -> World:
        """With an edge of each kind to connect to."""
        for tenant in (self.tenant, self.other):
            await tenant.__aenter__()
        forgetful = Tidings(self._installation.second_url, self.tenant.runtime, self.tenant.tenant)
        self.at = {"edge": self.tenant, "forgetful": await forgetful.__aenter__()}
        return self

    async def close(self) -> None:
        """Everybody leaves."""
        for each in (*self.at.values(), self.other):
            await each.__aexit__()

    async def emit(self, count: int, skew_hours: int) -> None:
        """So many announcements, by a sender whose clock is wrong, each also told to others."""
        time = (datetime.now(UTC) + timedelta(hours=skew_hours)).isoformat()
        told = [
            {**hello_to("alice", "bob", title=f"№ {uuid4().hex[:6]}"), "time": time}
            for _ in range(count)
        ]
        await self.tenant.emit(*told)
        await self.other.emit(hello_to("alice", title="of another tenant"))

    async def mark(self, device: Device, state: str, which: int, up_to: bool) -> None:
        """Mark by HTTP: one of those that a device holds, or all up to where it stands."""
        if not device.held or not device.cursor:
            return
        chosen = (
            {"up_to": device.cursor}
            if up_to and state != "deleted"
            else {"ids": [list(device.held)[which % len(device.held)]]}
        )
        body = {"op": uuid4().hex, "state": state, **chosen}
        await self.patiently(
            lambda: self.tenant.http.post(
                "/v1/notifications/mark", json=body, headers=self.tenant.headers("alice")
            )
        )

    async def patiently(self, request: Any) -> httpx.Response:
        """Ask again until there is an answer, as any client does."""
        async with asyncio.timeout(30):
            while True:
                with suppress(httpx.TransportError):
                    response = await request()
                    if response.status_code != 503:
                        assert response.status_code in (200, 409), response.text
                        return response
                await asyncio.sleep(0.1)

    async def kill(self, *names: str) -> None:
        """`kill -9`, and up again."""
        self.kills += 1
        await self._installation.kill(*names)
        await self._installation.start(*names)

    async def agree(self) -> None:
        """Every device comes back, through whichever edge, and holds what the lists show."""
        await self.tenant.emit(hello_to("alice", title="the end"))
        await self._listed("the end")
        shown = {each["id"]: state(each) for each in await self.tenant.listing("alice")}
        archived = {
            each["id"]: state(each) for each in await self.tenant.listing("alice", "archived")
        }
        oldest = min(sequence for sequence, *_ in (shown | archived).values())
        for device in self.devices:
            await self._returned(device, "the end")
            held = {
                name: state(each) for name, each in device.held.items() if state(each)[0] >= oldest
            }
            assert {name: held.pop(name, None) for name in shown} == shown
            assert held.items() <= archived.items()

    async def _returned(self, device: Device, title: str) -> None:
        """Wait until a device has caught up."""
        turn = itertools.cycle((edge, transport) for edge in EDGES for transport in TRANSPORTS)
        async with asyncio.timeout(40):
            while title not in [each["title"] for each in device.held.values()]:
                edge, transport = next(turn)
                await device.visit(self.at[edge], transport, FRAMES_LIMIT)
        await device.leave()

    async def _listed(self, title: str) -> None:
        """Wait until the read model has caught up."""
        async with asyncio.timeout(40):
            while True:
                with suppress(httpx.TransportError, AssertionError):
                    if title in [each["title"] for each in await self.tenant.listing("alice")]:
                        return
                await asyncio.sleep(0.1)


def state(notification: dict[str, Any]) -> tuple[int, bool, bool, bool]:
    """Where a notification stands in the log, and how."""
    return (
        int(notification["cursor"].split("-")[1]),
        "seen" in notification,
        "read" in notification,
        "archived" in notification,
    )


class Machine(RuleBasedStateMachine):
    """What may happen, in any order."""

    loop: asyncio.AbstractEventLoop
    installation: TwoEdges

    def __init__(self) -> None:
        super().__init__()
        self.world = self.run(World(self.installation).open())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @rule(count=st.sampled_from((1, 1, 3, 8, 90)), skew_hours=st.sampled_from((0, -48, 48)))
    def something_happens(self, count: int, skew_hours: int) -> None:
        self.run(self.world.emit(count, skew_hours))

    @rule(device=devices, edge=edges, transport=transports, frames=st.integers(0, 8))
    def a_device_comes_and_drops_at_some_frame(
        self, device: int, edge: str, transport: str, frames: int
    ) -> None:
        self.run(self.world.devices[device].visit(self.world.at[edge], transport, frames))

    @rule(
        device=devices,
        edge=edges,
        transport=transports,
        token_seconds=st.sampled_from((1, 2, 3600)),
    )
    def a_device_stays_as_long_as_its_token(
        self, device: int, edge: str, transport: str, token_seconds: float
    ) -> None:
        self.run(self.world.devices[device].stay(self.world.at[edge], transport, token_seconds))

    @rule(device=devices, edge=edges, transport=transports)
    def a_token_ends_in_the_middle(self, device: int, edge: str, transport: str) -> None:
        self.run(
            self.world.devices[device].visit(
                self.world.at[edge], transport, FRAMES_LIMIT, token_seconds=1
            )
        )

    @rule(device=devices)
    def a_device_is_offline(self, device: int) -> None:
        self.run(self.world.devices[device].leave())

    @rule(
        device=devices,
        state=st.sampled_from(STATES),
        which=st.integers(0, 100),
        up_to=st.booleans(),
    )
    def somebody_marks(self, device: int, state: str, which: int, up_to: bool) -> None:
        self.run(self.world.mark(self.world.devices[device], state, which, up_to))

    @rule(fresh=devices)
    def a_device_forgets_everything(self, fresh: int) -> None:
        self.run(self.world.devices[fresh].leave())
        self.world.devices[fresh] = Device(self.world.tenant)

    @precondition(lambda self: self.world.kills < KILLS_LIMIT)
    @rule(victim=st.sampled_from(("edge", "forgetful", "projector", "notifier", *SERVERS)))
    def something_is_killed(self, victim: str) -> None:
        self.run(self.world.kill(victim))

    def teardown(self) -> None:
        try:
            self.run(self.world.agree())
        finally:
            self.run(self.world.close())


@pytest.mark.timeout(240)
def test_whatever_happens_in_whatever_order_each_device_ends_with_what_the_read_model_says(
    tmp_path: Path,
) -> None:
    Machine.loop = asyncio.new_event_loop()
    Machine.installation = Machine.loop.run_until_complete(TwoEdges(tmp_path).__aenter__())
    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=3,
                stateful_step_count=20,
                phases=[Phase.generate],
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Machine.loop.run_until_complete(Machine.installation.__aexit__())
        Machine.loop.close()
