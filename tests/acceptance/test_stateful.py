"""Devices, edges that die, tokens that expire, a log with a limit: all end at the read model."""

from __future__ import annotations

import asyncio
import itertools
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
from websockets.exceptions import WebSocketException

from tests.acceptance.faults import SERVERS, Installation, Tenant
from tests.builders import make_announcement
from tests.driver import Client, Tidings
from tests.ports import find_free_port

KEPT = 60
"""Few notifications are kept for each user, so that a slow reader is soon reset."""
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
    """A phone or a tab that keeps its cursor and its notifications across connections."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._staying: asyncio.Task[None] | None = None
        self.cursor: str | None = None
        self.notifications: dict[str, dict[str, Any]] = {}

    async def read_some(
        self, edge: Tidings, transport: str, frames: int, token_seconds: float = 3600
    ) -> None:
        """Connect, read at most `frames` frames or up to `live`, and disconnect."""
        await self.disconnect()
        edge.token_seconds = token_seconds
        await self._read(edge, transport, frames, "live")

    async def keep_reading(
        self, edge: Tidings, transport: str, token_seconds: float = 3600
    ) -> None:
        """Connect, and read in the background."""
        await self.disconnect()
        edge.token_seconds = token_seconds
        self._staying = asyncio.create_task(self._read(edge, transport, FRAMES_LIMIT, "never"))

    async def disconnect(self) -> None:
        """End the connection."""
        staying, self._staying = self._staying, None
        if staying:
            staying.cancel()
            with suppress(asyncio.CancelledError):
                await staying

    async def _read(self, edge: Tidings, transport: str, frames: int, last_type: str) -> None:
        with suppress(*GONE):
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(FRAME_SECONDS):
                    client = await stack.enter_async_context(
                        getattr(edge, transport)("alice", self.cursor)
                    )
                client.cursor, client.notifications = self.cursor, self.notifications
                for _ in range(frames):
                    async with asyncio.timeout(FRAME_SECONDS):
                        frame = await client.next()
                    self._apply_frame(client, frame)
                    if frame["type"] == last_type:
                        return

    def _apply_frame(self, client: Client, frame: dict[str, Any]) -> None:
        """Keep the state of the client; fail if an entry is of another user or tenant."""
        self.cursor, self.notifications = client.cursor, client.notifications
        for entry in (*frame.get("entries", ()), *frame.get("notifications", ())):
            assert entry["entry"] == "mark" or (entry["tenant"], entry["user"]) == (
                self._tenant.tenant,
                "alice",
            )


class TwoEdges(Installation):
    """An installation with a second edge, with a tiny ring and a clock two minutes fast."""

    def __init__(self, directory: Path) -> None:
        settings = {
            "notifications_per_user": KEPT,
            "snapshot_limit": KEPT,
            "heartbeat_seconds": 0.4,
            "connections_per_user": 50,
        }
        super().__init__(directory, settings)
        self._second = find_free_port()
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
    """A tenant under test, another tenant with users of the same names, and their devices."""

    def __init__(self, installation: TwoEdges) -> None:
        self._installation = installation
        self.tenant, self.other_tenant = Tenant(installation), Tenant(installation)
        self.devices = [Device(self.tenant) for _ in DEVICES]
        self.kills = 0

    async def open(self) -> World:
        """Start both tenants with a driver for each edge; return self."""
        for tenant in (self.tenant, self.other_tenant):
            await tenant.__aenter__()
        forgetful = Tidings(self._installation.second_url, None, self.tenant.tenant)
        self.drivers = {"edge": self.tenant, "forgetful": await forgetful.__aenter__()}
        return self

    async def close(self) -> None:
        """Close all drivers."""
        for driver in (*self.drivers.values(), self.other_tenant):
            await driver.__aexit__()

    async def emit(self, count: int, skew_hours: int) -> None:
        """Emit announcements with a wrong time, each also to another user, and one elsewhere."""
        time = (datetime.now(UTC) + timedelta(hours=skew_hours)).isoformat()
        events = [
            {**make_announcement("alice", "bob", title=f"№ {uuid4().hex[:6]}"), "time": time}
            for _ in range(count)
        ]
        await self.tenant.emit(*events)
        await self.other_tenant.emit(make_announcement("alice", title="of another tenant"))

    async def mark(self, device: Device, state: str, index: int, up_to: bool) -> None:
        """Mark over HTTP one notification of a device, or all up to its cursor."""
        if not device.notifications or not device.cursor:
            return
        selection = (
            {"up_to": device.cursor}
            if up_to and state != "deleted"
            else {"ids": [list(device.notifications)[index % len(device.notifications)]]}
        )
        body = {"op": uuid4().hex, "state": state, **selection}
        await self.request_until_answered(
            lambda: self.tenant.http.post(
                "/v1/notifications/mark", json=body, headers=self.tenant.headers("alice")
            )
        )

    async def request_until_answered(self, request: Any) -> httpx.Response:
        """Repeat a request until it is answered, as any client does."""
        async with asyncio.timeout(30):
            while True:
                with suppress(httpx.TransportError):
                    response = await request()
                    if response.status_code != 503:
                        assert response.status_code in (200, 409), response.text
                        return response
                await asyncio.sleep(0.1)

    async def kill(self, *names: str) -> None:
        """Kill processes with SIGKILL, and start them again."""
        self.kills += 1
        await self._installation.kill(*names)
        await self._installation.start(*names)

    async def check_agreement(self) -> None:
        """Reconnect every device at any edge, and check that it holds what the lists show."""
        await self.tenant.emit(make_announcement("alice", title="the end"))
        await self._wait_until_listed("the end")
        listed = {
            notification["id"]: state_of(notification)
            for notification in await self.tenant.list_all("alice")
        }
        archived = {
            notification["id"]: state_of(notification)
            for notification in await self.tenant.list_all("alice", "archived")
        }
        oldest = min(sequence for sequence, *_ in (listed | archived).values())
        for device in self.devices:
            await self._read_until_title(device, "the end")
            states = {
                name: state_of(notification)
                for name, notification in device.notifications.items()
                if state_of(notification)[0] >= oldest
            }
            assert {name: states.pop(name, None) for name in listed} == listed
            assert states.items() <= archived.items()

    async def _read_until_title(self, device: Device, title: str) -> None:
        """Reconnect a device over each edge and transport until it has a title."""
        turn = itertools.cycle((edge, transport) for edge in EDGES for transport in TRANSPORTS)
        async with asyncio.timeout(40):
            while title not in [
                notification["title"] for notification in device.notifications.values()
            ]:
                edge, transport = next(turn)
                await device.read_some(self.drivers[edge], transport, FRAMES_LIMIT)
        await device.disconnect()

    async def _wait_until_listed(self, title: str) -> None:
        """Wait until the list contains a title."""
        async with asyncio.timeout(40):
            while True:
                with suppress(httpx.TransportError, AssertionError):
                    if title in [
                        notification["title"]
                        for notification in await self.tenant.list_all("alice")
                    ]:
                        return
                await asyncio.sleep(0.1)


def state_of(notification: dict[str, Any]) -> tuple[int, bool, bool, bool]:
    """Return the place of a notification in the log, and its states."""
    return (
        int(notification["cursor"].split("-")[1]),
        "seen" in notification,
        "read" in notification,
        "archived" in notification,
    )


class Machine(RuleBasedStateMachine):
    """The steps that may happen, in any order."""

    loop: asyncio.AbstractEventLoop
    installation: TwoEdges

    def __init__(self) -> None:
        super().__init__()
        self.world = self.run_coroutine(World(self.installation).open())

    def run_coroutine(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @rule(count=st.sampled_from((1, 1, 3, 8, 90)), skew_hours=st.sampled_from((0, -48, 48)))
    def events_are_emitted(self, count: int, skew_hours: int) -> None:
        self.run_coroutine(self.world.emit(count, skew_hours))

    @rule(device=devices, edge=edges, transport=transports, frames=st.integers(0, 8))
    def a_device_connects_and_disconnects_after_some_frames(
        self, device: int, edge: str, transport: str, frames: int
    ) -> None:
        self.run_coroutine(
            self.world.devices[device].read_some(self.world.drivers[edge], transport, frames)
        )

    @rule(
        device=devices,
        edge=edges,
        transport=transports,
        token_seconds=st.sampled_from((1, 2, 3600)),
    )
    def a_device_reads_until_its_token_expires(
        self, device: int, edge: str, transport: str, token_seconds: float
    ) -> None:
        self.run_coroutine(
            self.world.devices[device].keep_reading(
                self.world.drivers[edge], transport, token_seconds
            )
        )

    @rule(device=devices, edge=edges, transport=transports)
    def a_token_expires_during_a_replay(self, device: int, edge: str, transport: str) -> None:
        self.run_coroutine(
            self.world.devices[device].read_some(
                self.world.drivers[edge], transport, FRAMES_LIMIT, token_seconds=1
            )
        )

    @rule(device=devices)
    def a_device_is_offline(self, device: int) -> None:
        self.run_coroutine(self.world.devices[device].disconnect())

    @rule(
        device=devices,
        state=st.sampled_from(STATES),
        index=st.integers(0, 100),
        up_to=st.booleans(),
    )
    def a_device_marks(self, device: int, state: str, index: int, up_to: bool) -> None:
        self.run_coroutine(self.world.mark(self.world.devices[device], state, index, up_to))

    @rule(fresh=devices)
    def a_device_forgets_everything(self, fresh: int) -> None:
        self.run_coroutine(self.world.devices[fresh].disconnect())
        self.world.devices[fresh] = Device(self.world.tenant)

    @precondition(lambda self: self.world.kills < KILLS_LIMIT)
    @rule(victim=st.sampled_from(("edge", "forgetful", "projector", "notifier", *SERVERS)))
    def a_process_is_killed(self, victim: str) -> None:
        self.run_coroutine(self.world.kill(victim))

    def teardown(self) -> None:
        try:
            self.run_coroutine(self.world.check_agreement())
        finally:
            self.run_coroutine(self.world.close())


@pytest.mark.timeout(480)
def test_after_any_sequence_of_steps_each_device_equals_the_read_model(
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
                suppress_health_check=(
                    HealthCheck.too_slow,
                    HealthCheck.data_too_large,
                    HealthCheck.filter_too_much,
                    HealthCheck.large_base_example,
                ),
            ),
        )
    finally:
        Machine.loop.run_until_complete(Machine.installation.__aexit__())
        Machine.loop.close()
