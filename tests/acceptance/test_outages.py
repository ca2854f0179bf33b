"""A server is unavailable for a while: the rest goes on, and nothing is missing afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.connections import connect_with, fetch_ticket, read_close, read_until
from tests.acceptance.faults import Installation, Tenant, titles_of
from tests.acceptance.problems import check_problem
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.waiting import wait_until

INSTALLATION_SETTINGS = {"ring_bytes": 8000}
"""A ring for a few entries only, so that longer absences are not served from memory."""


@pytest.fixture
async def tenant(installation: Installation) -> AsyncIterator[Tenant]:
    async with Tenant(installation) as tenant:
        yield tenant


async def test_without_postgres_events_marks_and_replays_go_on(
    installation: Installation, tenant: Tenant
) -> None:
    desk, phone = (
        await (await tenant.connect("ann")).live(),
        await (await tenant.stream("ann")).live(),
    )
    await tenant.emit(*(make_announcement("ann", title=f"before {n}") for n in range(20)))
    notes = await desk.until(20)
    await phone.until(20)
    await tenant.wait_for_counts("ann", total=20)
    before, start = titles_of(notes), notes[0]["cursor"]
    await installation.kill("postgres")

    await tenant.emit(make_announcement("ann", title="meanwhile"))
    mark_result = await desk.mark("read", notes[0]["id"])
    newcomer, returning = await tenant.connect("ann"), await tenant.connect("ann", start)
    replay = await tenant.replay("ann", start)

    assert mark_result["ok"], mark_result
    assert (await phone.until(21))[-1]["ids"] == [notes[0]["id"]]
    await newcomer.live()
    assert titles_of(reversed(newcomer.notifications.values()))[:20] == before[::-1]
    for client in (newcomer, await returning.live(), replay):
        assert client.counts == {"unread": 19, "unseen": 19, "total": 20}
    assert titles_of(returning.entries) == titles_of(replay.entries) == before[1:]

    await installation.start("postgres")
    for client in (desk, phone, newcomer, returning):
        await client.until_counts(total=21)
    await wait_until(lambda: is_listed(tenant, [*before, "meanwhile"]))
    assert installation.list_stopped_parts() == []


async def test_without_nats_events_and_marks_are_refused_and_clients_are_told(
    installation: Installation, tenant: Tenant
) -> None:
    desk, phone = (
        await (await tenant.connect("ann")).live(),
        await (await tenant.stream("ann")).live(),
    )
    await tenant.emit(make_announcement("ann", title="before"))
    (note,) = await desk.until(1)
    await phone.until(1)
    await installation.kill("nats")

    refusal = await tenant.try_to_emit(make_announcement("ann", title="refused"))
    errors = [await client.next("error") for client in (desk, phone)]
    mark_result = await desk.mark("read", note["id"], op="the mark")

    assert refusal
    assert refusal.status_code == 503
    assert int(refusal.headers["Retry-After"]) > 0
    assert [frame["code"] for frame in errors] == ["late", "late"]
    assert not mark_result["ok"]

    await installation.start("nats")
    assert (await desk.mark("read", note["id"], op="the mark"))["ok"]
    await tenant.emit(*(make_announcement("ann", title=f"after {n}") for n in range(20)))
    for client in (desk, phone):
        assert titles_of(await client.until(22)) == ["before", *(f"after {n}" for n in range(20))]
        assert client.counts == {"unread": 20, "unseen": 20, "total": 21}
    assert installation.list_stopped_parts() == []


async def test_without_nats_a_ticket_is_answered_with_a_request_to_retry(
    installation: Installation, tenant: Tenant
) -> None:
    tickets = [await fetch_ticket(tenant, tenant.token("ann")) for _ in range(3)]
    await installation.kill("nats")

    async with connect_with(tenant, f"?ticket={tickets[0]}") as connection:
        assert (await read_close(connection))[0] == 4102
    answer = await tenant.http.get(f"/v1/stream?ticket={tickets[1]}")
    assert (check_problem(answer, 503)["status"], int(answer.headers["Retry-After"]) > 0) == (
        503,
        True,
    )

    await installation.start("nats")
    await wait_until(lambda: is_ready(tenant))
    async with connect_with(tenant, f"?ticket={tickets[2]}") as connection:
        await read_until(connection, "hello")


async def test_after_an_outage_of_nats_edges_know_each_others_users_again(
    installation: Installation, tenant: Tenant
) -> None:
    second = installation.process("edge", log="second", port=0)
    async with Tidings(await second.start(), None, tenant.tenant) as there:
        await (await tenant.connect("ann")).live()
        async with there.socket("bob") as bob:
            await bob.live()
            await wait_until(lambda: are_online(tenant, ["ann", "bob"]))
            await installation.kill("nats")
        await installation.start("nats")
        await wait_until(lambda: is_ready(there))

        await (await there.connect("cho")).live()
        for edge in (tenant, there):
            await wait_until(lambda edge=edge: are_online(edge, ["ann", "cho"]))
        assert second.is_running and installation.list_stopped_parts() == []
        second.kill()


async def is_ready(tidings: Tidings) -> bool:
    """Return whether the process reports that it is ready."""
    return (await tidings.http.get("/health/ready")).status_code == 200


async def are_online(tidings: Tidings, users: list[str]) -> bool:
    """Return whether exactly these users are connected, as one edge sees it."""
    return (await tidings.get("/v1/presence", "ann", user=["ann", "bob", "cho"]))["online"] == users


async def is_listed(tenant: Tenant, titles: list[str]) -> bool:
    """Return whether the list is served and complete."""
    answer = await tenant.http.get(
        "/v1/notifications", params={"limit": 100}, headers=tenant.headers("ann")
    )
    return (
        answer.status_code == 200 and titles_of(reversed(answer.json()["notifications"])) == titles
    )
