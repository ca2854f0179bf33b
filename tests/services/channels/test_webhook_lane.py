"""From an event to a signed request at a person's own address: sent, put off, or turned off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from standardwebhooks.webhooks import Webhook
from tidings.channels.webhook.sign import WebhookSecrets, shown_secret
from tidings.contracts.subjects import Person
from tidings.processes.up import services_of
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels
from tests.services.channels.receiver import (
    HANGS,
    Receiver,
    Trust,
    serve_receiver,
    with_webhooks,
)
from tests.services.channels.test_mails import own_events
from tests.waiting import wait_until


class World(NamedTuple):
    """Two receivers that channels send to, on different ports, and one of another name."""

    first: Receiver
    second: Receiver
    misnamed: Receiver


@pytest.fixture
async def world(chosen: Settings, url: str) -> AsyncIterator[World]:
    """Run receivers, and the channels that send to them."""
    trust = Trust()
    async with (
        serve_receiver(trust) as first,
        serve_receiver(trust) as second,
        serve_receiver(trust, "other.test") as misnamed,
    ):
        settings = with_webhooks(chosen, first.port, second.port, misnamed.port)
        async with running_channels(settings, trust.client):
            yield World(first, second, misnamed)


async def join(tidings: Tidings, url: str, user: str = "alice", **more: Any) -> None:
    """Let a user have a webhook for all that they are told."""
    await tidings.emit(
        make_event("user.joined", user_id=user),
        make_event(
            "address.given",
            user_id=user,
            address_id="hook",
            channel="webhook",
            address=url,
            confirmed=True,
            **more,
        ),
        make_event("preference.set", user_id=user, of="all", channel="webhook", how="now"),
    )


async def announce(tidings: Tidings, title: str, user: str = "alice") -> None:
    """Tell a user something."""
    await tidings.emit(make_announcement(user, title=title))


async def deliveries(tidings: Tidings) -> list[tuple[str, str | None, str | None, int]]:
    """Return state, reason, code and attempt of the tenant's deliveries."""
    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute(
            "SELECT state, why, code, attempt FROM deliveries.delivery"
            " WHERE tenant = %s ORDER BY planned, id",
            (tidings.tenant,),
        )
        found: Any = await rows.fetchall()
    return found


async def suppressions(tidings: Tidings) -> list[Any]:
    """Return the data of the tenant's suppressions."""
    events = await own_events(tidings)
    return [each["data"] for each in events if each["type"] == "channel.suppressed"]


def secret_of(tidings: Tidings, generation: int) -> str:
    """Return the secret of Alice's webhook as she enters it."""
    secrets = WebhookSecrets(tidings.runtime.settings.channel_key)
    return shown_secret(secrets.address_secret(Person(tidings.tenant, "alice"), "hook", generation))


async def test_an_event_becomes_a_signed_request(tidings: Tidings, world: World) -> None:
    await join(tidings, world.first.url("/hook"))

    await announce(tidings, "Water the seedlings")
    (request,) = await world.first.wait_for("/hook")

    Webhook(secret_of(tidings, 1)).verify(request.body, dict(request.headers))
    assert request.json["data"]["notification"]["title"] == "Water the seedlings"
    assert request.json["data"]["user_id"] == "alice"
    assert set(request.json) == {"type", "timestamp", "data"}
    assert await sent(tidings, 1)


@pytest.mark.parametrize("hours", [1, -1])
async def test_after_a_rotation_both_secrets_sign_for_a_day(
    tidings: Tidings, world: World, hours: int
) -> None:
    until = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    await join(tidings, world.first.url("/hook"), generation=2, previous_until=until)

    await announce(tidings, "Rotated")
    (request,) = await world.first.wait_for("/hook")

    Webhook(secret_of(tidings, 2)).verify(request.body, dict(request.headers))
    assert len(request.headers["webhook-signature"].split(" ")) == (2 if hours > 0 else 1)
    if hours > 0:
        Webhook(secret_of(tidings, 1)).verify(request.body, dict(request.headers))


async def test_a_person_reads_and_rotates_the_secret(tidings: Tidings, world: World) -> None:
    await join(tidings, world.first.url("/hook"))
    await announce(tidings, "Before")
    (before,) = await world.first.wait_for("/hook")
    path, headers = "/v1/addresses/hook", tidings.headers("alice")
    first = (await tidings.http.get(f"{path}/secret", headers=headers)).json()
    rotated = (await tidings.http.post(f"{path}/rotate", headers=headers)).json()
    foreign = await tidings.http.get(f"{path}/secret", headers=tidings.headers("bob"))
    await announce(tidings, "After")
    (_, after) = await world.first.wait_for("/hook", 2)

    Webhook(first["secret"]).verify(before.body, dict(before.headers))
    Webhook(rotated["secret"]).verify(after.body, dict(after.headers))
    assert first["secret"] != rotated["secret"] and foreign.status_code == 404


async def test_what_fails_is_repeated_with_the_same_id(tidings: Tidings, world: World) -> None:
    world.first.answers["/hook"] = f"301 Moved\nLocation: {world.first.url('/moved')}"
    await join(tidings, world.first.url("/hook"))
    await announce(tidings, "Moved")
    await wait_until(lambda: are(tidings, [("deferred", None, "301", 1)]))

    world.first.answers["/hook"] = "202 Accepted"
    first, again = await world.first.wait_for("/hook", 2)

    assert again.id == first.id and world.first.requests["/moved"] == []
    await wait_until(lambda: are(tidings, [("sent", None, "202", 2)]))


async def test_a_wait_that_was_asked_for_costs_no_attempt(tidings: Tidings, world: World) -> None:
    world.first.answers["/hook"] = "429 Slow down\nRetry-After: 1"
    await join(tidings, world.first.url("/hook"))
    await announce(tidings, "Slowly")
    await wait_until(lambda: are(tidings, [("deferred", None, "429", 0)]))

    world.first.answers["/hook"] = "200 OK"

    await wait_until(lambda: are(tidings, [("sent", None, "200", 1)]))


async def test_an_address_that_is_gone_gets_nothing_more(tidings: Tidings, world: World) -> None:
    world.first.answers["/hook"] = "410 Gone"
    await join(tidings, world.first.url("/hook"))
    await announce(tidings, "Gone")
    await wait_until(lambda: are(tidings, [("failed", None, "410", 1)]))
    world.first.answers.clear()
    await join(tidings, world.first.url("/other"), "bob")
    await announce(tidings, "After it")
    await announce(tidings, "To Bob", "bob")
    await world.first.wait_for("/other")

    (suppressed,) = await suppressions(tidings)
    assert (suppressed["reason"], suppressed["address_id"]) == ("gone", "hook")
    assert len(world.first.requests["/hook"]) == 1


async def test_an_address_that_fails_for_five_days_is_turned_off(
    tidings: Tidings, world: World
) -> None:
    await join(tidings, world.first.url("/hook"))
    world.first.answers["/hook"] = "429 Slow down\nRetry-After: 1"
    await announce(tidings, "In vain")
    await wait_until(lambda: are(tidings, [("deferred", None, "429", 0)]))
    async with tidings.runtime.postgres.connection() as connection:
        await connection.execute(
            "UPDATE deliveries.delivery SET first_ordered = first_ordered - interval '5 days'"
            " WHERE tenant = %s",
            (tidings.tenant,),
        )

    await wait_until(lambda: are(tidings, [("failed", None, "429", 1)]))

    assert [each["reason"] for each in await suppressions(tidings)] == ["failing"]


async def test_a_certificate_of_another_name_is_a_failure(tidings: Tidings, world: World) -> None:
    await join(tidings, world.misnamed.url("/hook"))
    await announce(tidings, "Secret")

    await wait_until(lambda: are(tidings, [("deferred", None, "tls", 1)]))

    assert world.misnamed.requests == {}


async def test_a_slow_host_holds_up_no_other(tidings: Tidings, world: World) -> None:
    world.first.answers["/slow"] = HANGS
    await join(tidings, world.first.url("/slow"))
    for number in range(30):
        await announce(tidings, f"Slow {number}")
    await world.first.wait_for("/slow", 2)

    await join(tidings, world.second.url("/fast"), "bob")
    await announce(tidings, "Fast", "bob")
    await world.second.wait_for("/fast")

    assert world.first.most_open["/slow"] == 2
    world.first.answers["/slow"] = "200 OK"
    assert await sent(tidings, 31)


async def test_a_dead_host_is_paused_and_the_rest_waits_without_an_attempt(
    tidings: Tidings, world: World
) -> None:
    world.first.answers["/hook"] = "503 Away"
    await join(tidings, world.first.url("/hook"))
    for number in range(10):
        await announce(tidings, f"Away {number}")

    await wait_until(lambda: are_put_off(tidings, 10))

    assert len(world.first.requests["/hook"]) <= 6  # five, and one that was under way
    assert ("held", "paced", None, 1) in await deliveries(tidings)


def test_nothing_runs_unless_it_is_chosen(chosen: Settings) -> None:
    assert ("channels",) not in services_of(chosen)
    assert ("channels",) in services_of(with_webhooks(chosen, 443))


async def are(tidings: Tidings, expected: list[tuple[str, str | None, str | None, int]]) -> bool:
    """Return whether the deliveries are as expected."""
    found = await deliveries(tidings)
    return found == expected


async def are_put_off(tidings: Tidings, count: int) -> bool:
    """Return whether all deliveries were tried or held."""
    states = [state for state, *_ in await deliveries(tidings)]
    return len(states) == count and set(states) <= {"deferred", "held"}


async def sent(tidings: Tidings, count: int) -> bool:
    """Wait until all deliveries of a number are sent."""

    async def all_sent() -> bool:
        states = [state for state, *_ in await deliveries(tidings)]
        return states == ["sent"] * count

    await wait_until(all_sent)
    return True
