"""A server is away for a while: what can go on goes on, who must wait is told, and afterwards nothing is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.entrances import at, ended, ticket, until
from tests.acceptance.faults import Installation, Tenant, eventually, titles
from tests.acceptance.refused import refused
from tests.driver import Tidings, hello_to

RING_BYTES = 8000
"""Room for a few entries only, so that whoever was away longer is not served from memory."""


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with Installation(
        tmp_path_factory.mktemp("outages"), {"ring_bytes": RING_BYTES}
    ) as running:
        yield running


@pytest.fixture
async def tenant(installation: Installation) -> AsyncIterator[Tenant]:
    async with Tenant(installation) as tenant:
        yield tenant


async def test_without_postgres_the_log_goes_on(installation: Installation, tenant: Tenant) -> None:
    desk, phone = (
        await (await tenant.connect("ann")).live(),
        await (await tenant.stream("ann")).live(),
    )
    await tenant.emit(*(hello_to("ann", title=f"before {n}") for n in range(20)))
    notes = await desk.until(20)
    await phone.until(20)
    await tenant.eventually("ann", total=20)
    before, start = titles(notes), notes[0]["cursor"]
    await installation.kill("postgres")

    await tenant.emit(hello_to("ann", title="meanwhile"))
    marked = await desk.mark("read", notes[0]["id"])
    newcomer, comer_back = await tenant.connect("ann"), await tenant.connect("ann", start)
    replayed = await tenant.replay("ann", start)

    assert marked["ok"], marked
    assert (await phone.until(21))[-1]["ids"] == [notes[0]["id"]]
    await newcomer.live()
    assert titles(reversed(newcomer.notifications.values()))[:20] == before[::-1]
    for client in (newcomer, await comer_back.live(), replayed):
        assert client.counts == {"unread": 19, "unseen": 19, "total": 20}
    assert titles(comer_back.entries) == titles(replayed.entries) == before[1:]

    await installation.start("postgres")
    for client in (desk, phone, newcomer, comer_back):
        await client.until_counts(total=21)
    await eventually(lambda: lists(tenant, [*before, "meanwhile"]))
    assert installation.ended() == []


async def test_without_nats_nothing_is_taken_and_everybody_is_told(
    installation: Installation, tenant: Tenant
) -> None:
    desk, phone = (
        await (await tenant.connect("ann")).live(),
        await (await tenant.stream("ann")).live(),
    )
    await tenant.emit(hello_to("ann", title="before"))
    (note,) = await desk.until(1)
    await phone.until(1)
    await installation.kill("nats")

    refused = await tenant.try_to_emit(hello_to("ann", title="refused"))
    late = [await client.next("error") for client in (desk, phone)]
    marked = await desk.mark("read", note["id"], op="the mark")

    assert refused
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert [frame["code"] for frame in late] == ["late", "late"]
    assert not marked["ok"]

    await installation.start("nats")
    assert (await desk.mark("read", note["id"], op="the mark"))["ok"]
    await tenant.emit(*(hello_to("ann", title=f"after {n}") for n in range(20)))
    for client in (desk, phone):
        assert titles(await client.until(22)) == ["before", *(f"after {n}" for n in range(20))]
        assert client.counts == {"unread": 20, "unseen": 20, "total": 21}
    assert installation.ended() == []


async def test_without_nats_no_ticket_is_taken_and_whoever_shows_one_is_told_to_come_back(
    installation: Installation, tenant: Tenant
) -> None:
    tickets = [await ticket(tenant, tenant.token("ann")) for _ in range(3)]
    await installation.kill("nats")

    async with at(tenant, f"?ticket={tickets[0]}") as opened:
        assert (await ended(opened))[0] == 4102
    answer = await tenant.http.get(f"/v1/stream?ticket={tickets[1]}")
    assert (refused(answer, 503)["status"], int(answer.headers["Retry-After"]) > 0) == (503, True)

    await installation.start("nats")
    await eventually(lambda: ready(tenant))
    async with at(tenant, f"?ticket={tickets[2]}") as opened:
        await until(opened, "hello")


async def test_after_nats_was_away_edges_know_again_who_is_connected_to_each(
    installation: Installation, tenant: Tenant
) -> None:
    second = installation.process("edge", log="second", port=0)
    async with Tidings(await second.start(), None, tenant.tenant) as there:
        await (await tenant.connect("ann")).live()
        async with there.socket("bob") as bob:
            await bob.live()
            await eventually(lambda: online(tenant, ["ann", "bob"]))
            await installation.kill("nats")
        await installation.start("nats")
        await eventually(lambda: ready(there))

        await (await there.connect("cho")).live()
        for edge in (tenant, there):
            await eventually(lambda edge=edge: online(edge, ["ann", "cho"]))
        assert second.running and installation.ended() == []
        second.kill()


async def ready(tidings: Tidings) -> bool:
    """Whether requests should be sent there."""
    return (await tidings.http.get("/health/ready")).status_code == 200


async def online(tidings: Tidings, expected: list[str]) -> bool:
    """Whether these are connected, as far as an edge knows."""
    return (await tidings.get("/v1/presence", "ann", user=["ann", "bob", "cho"]))[
        "online"
    ] == expected


async def lists(tenant: Tenant, told: list[str]) -> bool:
    """Whether the list is served again, and complete."""
    answer = await tenant.http.get(
        "/v1/notifications", params={"limit": 100}, headers=tenant.headers("ann")
    )
    return answer.status_code == 200 and titles(reversed(answer.json()["notifications"])) == told
