"""Whatever dies, whenever: every acknowledged event reaches each person once and in order, and everybody agrees on it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.acceptance.faults import SERVERS, SERVICES, Installation, Tenant
from tests.driver import event, hello_to

USERS = ("ann", "ben", "cas")
SEED = 1


@pytest.fixture(scope="module", params=[1000, 0], ids=["alone", "shared"])
async def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """One where everybody is told alone, and one where all that is for everybody is shared."""
    async with Installation(
        tmp_path_factory.mktemp("kills"), {"topic_recipients": request.param}
    ) as running:
        yield running


async def test_each_part_is_killed_while_events_flow(installation: Installation) -> None:
    dice = random.Random(SEED)
    async with AsyncExitStack() as stack:
        tenants = [await stack.enter_async_context(Tenant(installation)) for _ in range(2)]
        for tenant in tenants:
            await tenant.emit(*(event("user.joined", user_id=user) for user in USERS))
        terminals = [await stack.enter_async_context(tenant.listen("ann")) for tenant in tenants]
        over = asyncio.Event()
        flow = [
            asyncio.create_task(events_flow(tenant, random.Random(dice.random()), over))
            for tenant in tenants
        ]

        for victim in dice.sample(SERVICES + SERVERS, 6):
            await asyncio.sleep(dice.uniform(0.1, 0.8))
            await installation.kill(victim)
            await asyncio.sleep(dice.uniform(0, 0.5))
            await installation.start(victim)
        await black_out(installation, dice)
        over.set()
        await asyncio.gather(*flow)

        for tenant, terminal in zip(tenants, terminals, strict=True):
            await tenant.emit(hello_to(*USERS, title="the end"))
            await terminal.hears("the end")
            events = [each for each in await tenant.events_once() if each["type"] != "user.joined"]
            for user in USERS:
                told = [each["data"]["title"] for each in events if is_told(user, each)]
                await tenant.agree(user, told, terminal if user == "ann" else None)
    assert installation.ended() == []


async def events_flow(tenant: Tenant, dice: random.Random, over: asyncio.Event) -> None:
    """Emit alone and in crowds, to some and to all, patiently and not."""
    number = 0
    while not over.is_set():
        crowd = [
            announcement(dice, number + place) for place in range(dice.choice((1, 1, 1, 7, 20)))
        ]
        await (tenant.try_to_emit(*crowd) if dice.random() < 0.2 else tenant.emit(*crowd))
        number += len(crowd)
        await asyncio.sleep(dice.uniform(0, 0.2))


def announcement(dice: random.Random, number: int) -> dict:
    to = (
        {"everyone": True}
        if dice.random() < 0.3
        else {"users": dice.sample(USERS, dice.choice((1, 2)))}
    )
    return event("announcement.published", title=f"number {number}", message="hello", to=to)


def is_told(user: str, announced: dict) -> bool:
    to = announced["data"]["to"]
    return to.get("everyone", False) or user in to["users"]


async def black_out(installation: Installation, dice: random.Random) -> None:
    """Everything at once, as when the power fails."""
    await asyncio.sleep(dice.uniform(0.1, 0.8))
    await installation.kill(*SERVICES, *SERVERS)
    await installation.start(*SERVERS)
    await installation.start(*SERVICES)
