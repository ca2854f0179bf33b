"""Any process is killed at any time: each acknowledged event still arrives once, in order."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

import pytest

from tests.acceptance.faults import SERVERS, SERVICES, Installation, Tenant
from tests.builders import make_announcement, make_event

USERS = ("ann", "ben", "cas")
SEED = 1
pytestmark = pytest.mark.parametrize(
    "installation",
    [{"topic_threshold_members": 1000}, {"topic_threshold_members": 0}],
    ids=["alone", "shared"],
    indirect=True,
    scope="module",
)
"""An announcement to all is written once per user, or once for all users."""


async def test_each_event_arrives_once_while_every_part_is_killed(
    installation: Installation,
) -> None:
    dice = random.Random(SEED)
    async with AsyncExitStack() as stack:
        tenants = [await stack.enter_async_context(Tenant(installation)) for _ in range(2)]
        for tenant in tenants:
            await tenant.emit(*(make_event("user.joined", user_id=user) for user in USERS))
        terminals = [await stack.enter_async_context(tenant.listen("ann")) for tenant in tenants]
        stop = asyncio.Event()
        flow = [
            asyncio.create_task(emit_at_random(tenant, random.Random(dice.random()), stop))
            for tenant in tenants
        ]

        for victim in dice.sample(SERVICES + SERVERS, 6):
            await asyncio.sleep(dice.uniform(0.1, 0.8))
            await installation.kill(victim)
            await asyncio.sleep(dice.uniform(0, 0.5))
            await installation.start(victim)
        await kill_everything(installation, dice)
        stop.set()
        await asyncio.gather(*flow)

        for tenant, terminal in zip(tenants, terminals, strict=True):
            await tenant.emit(make_announcement(*USERS, title="the end"))
            await terminal.wait_for_title("the end")
            events = [
                event for event in await tenant.events_once() if event["type"] != "user.joined"
            ]
            for user in USERS:
                titles = [event["data"]["title"] for event in events if is_recipient(user, event)]
                await tenant.check_agreement(user, titles, terminal if user == "ann" else None)
    assert installation.list_stopped_parts() == []


async def emit_at_random(tenant: Tenant, dice: random.Random, stop: asyncio.Event) -> None:
    """Emit events singly and in batches, to some users and to all, with and without retries."""
    number = 0
    while not stop.is_set():
        events = [
            make_random_announcement(dice, number + place)
            for place in range(dice.choice((1, 1, 1, 7, 20)))
        ]
        await (tenant.try_to_emit(*events) if dice.random() < 0.2 else tenant.emit(*events))
        number += len(events)
        await asyncio.sleep(dice.uniform(0, 0.2))


def make_random_announcement(dice: random.Random, number: int) -> dict:
    to = (
        {"everyone": True}
        if dice.random() < 0.3
        else {"users": dice.sample(USERS, dice.choice((1, 2)))}
    )
    return make_event("announcement.published", title=f"number {number}", message="hello", to=to)


def is_recipient(user: str, event: dict) -> bool:
    to = event["data"]["to"]
    return to.get("everyone", False) or user in to["users"]


async def kill_everything(installation: Installation, dice: random.Random) -> None:
    """Kill all processes at once, as a power failure does."""
    await asyncio.sleep(dice.uniform(0.1, 0.8))
    await installation.kill(*SERVICES, *SERVERS)
    await installation.start(*SERVERS)
    await installation.start(*SERVICES)
