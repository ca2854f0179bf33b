"""Endpoints: each event of a type is posted in order, at least once, whoever fails or dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook
from tidings.channels.endpoints.state import after_attempt, suppression_after
from tidings.channels.results import Deferred, Failed, Sent
from tidings.channels.webhook.sign import WebhookSecrets, shown_secret
from tidings.contracts.endpoint_attempts import EndpointAttempt
from tidings.processes.up import child_environment
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels
from tests.services.channels.receiver import Receiver, Trust, serve_receiver, with_webhooks
from tests.services.channels.test_mails import own_events
from tests.waiting import wait_until

TYPE = "announcement.published"
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
async def receiver(chosen: Settings, url: str) -> AsyncIterator[Receiver]:
    """Run a receiver, and the channels that post to it."""
    trust = Trust()
    async with (
        serve_receiver(trust) as receiver,
        running_channels(with_webhooks(chosen, receiver.port), trust.client),
    ):
        yield receiver


async def register(
    tidings: Tidings, url: str, endpoint: str = "e-1", types: tuple[str, ...] = (TYPE,)
) -> None:
    """Register an endpoint of the tenant."""
    await tidings.emit(
        make_event("endpoint.registered", endpoint_id=endpoint, url=url, types=list(types))
    )


async def announce(tidings: Tidings, *titles: str) -> list[str]:
    """Emit events, and return their ids."""
    events = [make_announcement("alice", title=title) for title in titles]
    await tidings.emit(*events)
    return [event["id"] for event in events]


async def request(tidings: Tidings, method: str, path: str, body: Any = None) -> Any:
    """Send a request as an administrator, and return the answer's JSON."""
    response = await tidings.http.request(
        method, path, json=body, headers=tidings.headers(scope=ADMIN)
    )
    assert response.status_code == 200, response.text
    return response.json()


async def state_of(tidings: Tidings, endpoint: str = "e-1") -> Any:
    """Return an endpoint as its administrator sees it."""
    found = (await request(tidings, "GET", "/v1/endpoints"))["endpoints"]
    return next((each for each in found if each["id"] == endpoint), None)


async def test_events_of_its_types_are_posted_in_order_and_signed(
    tidings: Tidings, receiver: Receiver
) -> None:
    await announce(tidings, "Before it was registered")
    await register(tidings, receiver.url("/all"))
    await register(tidings, receiver.url("/joined"), "e-2", ("user.joined",))

    ids = await announce(tidings, *map(str, range(20)))
    await tidings.emit(make_event("user.joined", user_id="alice"))
    requests = await receiver.wait_for("/all", 20)
    (joined,) = await receiver.wait_for("/joined")

    assert [each.id for each in requests] == ids
    assert [each.json["data"]["title"] for each in requests] == list(map(str, range(20)))
    assert set(requests[0].json) == {"type", "timestamp", "data"}
    assert joined.json["type"] == "user.joined"
    secrets = WebhookSecrets(tidings.runtime.settings.channel_key)
    secret = shown_secret(secrets.secret_of(tidings.tenant, "e-1", 1))
    Webhook(secret).verify(requests[0].body, dict(requests[0].headers))


async def test_one_that_fails_holds_up_no_other_and_loses_nothing(
    tidings: Tidings, receiver: Receiver
) -> None:
    receiver.answers["/bad"] = "500 Broken"
    await register(tidings, receiver.url("/bad"), "bad")
    await register(tidings, receiver.url("/good"), "good")

    ids = await announce(tidings, "1", "2", "3")
    good = await receiver.wait_for("/good", 3)
    await receiver.wait_for("/bad")
    bad = await wait_until(lambda: state_after(tidings, "bad", "deferred"))
    receiver.answers.clear()
    repeated = await receiver.wait_for("/bad", 4)

    assert [each.id for each in good] == ids
    assert [each.id for each in repeated] == [ids[0], *ids]
    assert (bad["last"]["code"], bad["last"]["attempts"]) == ("500", 1)
    assert bad["last"]["event"] == ids[0] and bad["failing_since"] and bad["last"]["until"]


async def test_one_that_is_gone_is_turned_off_until_it_is_registered_again(
    tidings: Tidings, receiver: Receiver
) -> None:
    receiver.answers["/hook"] = "410 Gone"
    await register(tidings, receiver.url("/hook"))
    (first,) = await announce(tidings, "Gone")
    gone = await wait_until(lambda: state_after(tidings, "e-1", "suppressed"))
    await wait_until(lambda: is_turned_off(tidings))
    (second,) = await announce(tidings, "Meanwhile")

    receiver.answers.clear()
    await register(tidings, receiver.url("/hook"))
    requests = await receiver.wait_for("/hook", 3)

    assert gone["last"]["code"] == "410"
    assert [each.id for each in requests] == [first, first, second]
    states = [each["data"] for each in await own_events(tidings)]
    assert [each.get("reason") for each in states if "endpoint_id" in each] == ["gone"]


async def test_a_replay_posts_again_with_the_same_ids(tidings: Tidings, receiver: Receiver) -> None:
    await register(tidings, receiver.url("/hook"))
    ids = await announce(tidings, "1", "2", "3")
    await receiver.wait_for("/hook", 3)

    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await request(tidings, "POST", "/v1/endpoints/e-1/replay", {"since": since})
    requests = await receiver.wait_for("/hook", 6)
    (last,) = await announce(tidings, "4")
    requests = await receiver.wait_for("/hook", 7)

    assert [each.id for each in requests] == [*ids, *ids, last]
    deliveries = await request(tidings, "GET", "/v1/endpoints/e-1/deliveries")
    assert [each["event"] for each in deliveries["deliveries"] if each["state"] == "sent"][:6] == [
        *ids,
        *ids,
    ]


async def test_an_operator_asks_for_a_replay_by_a_command(
    tidings: Tidings, receiver: Receiver, chosen: Settings
) -> None:
    await register(tidings, receiver.url("/hook"))
    ids = await announce(tidings, "1", "2")
    await receiver.wait_for("/hook", 2)
    words = ("endpoints", "replay", "e-1", "--tenant", tidings.tenant, "--since", "2020-01-01")

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tidings.cli", *words),
        env={**os.environ, **child_environment(chosen, 0)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0 and b"asked for by event" in output
    assert [each.id for each in await receiver.wait_for("/hook", 4)] == [*ids, *ids]


async def test_what_came_between_registration_and_a_change_is_posted(
    tidings: Tidings, chosen: Settings, url: str
) -> None:
    trust = Trust()
    async with serve_receiver(trust) as receiver:
        await register(tidings, receiver.url("/hook"))
        ids = await announce(tidings, "Before any process saw it")
        await register(tidings, receiver.url("/hook"))
        async with running_channels(with_webhooks(chosen, receiver.port), trust.client):
            requests = await receiver.wait_for("/hook")

    assert [each.id for each in requests] == ids


async def test_what_came_while_it_was_withdrawn_is_not_posted(
    tidings: Tidings, receiver: Receiver
) -> None:
    await register(tidings, receiver.url("/hook"))
    ids = await announce(tidings, "First")
    await receiver.wait_for("/hook")
    await tidings.emit(make_event("endpoint.withdrawn", endpoint_id="e-1"))
    await announce(tidings, "Meanwhile")
    await register(tidings, receiver.url("/hook"))
    ids += await announce(tidings, "Last")

    assert [each.id for each in await receiver.wait_for("/hook", 2)] == ids


async def test_a_rotation_and_a_withdrawal_over_http(tidings: Tidings, receiver: Receiver) -> None:
    await register(tidings, receiver.url("/hook"))
    rotated = await request(tidings, "POST", "/v1/endpoints/e-1/rotate?op=1")
    await request(tidings, "GET", f"/v1/endpoints?after={rotated['sequence']}")
    await wait_until(lambda: has_generation(tidings, 2))
    await announce(tidings, "Rotated")
    (posted,) = await receiver.wait_for("/hook")

    Webhook(rotated["secret"]).verify(posted.body, dict(posted.headers))
    assert len(posted.headers["webhook-signature"].split(" ")) == 2
    removed = await request(tidings, "DELETE", "/v1/endpoints/e-1")
    path = f"/v1/endpoints?after={removed['sequence']}"
    assert await request(tidings, "GET", path) == {"endpoints": []}


async def test_endpoints_are_for_administrators_of_the_tenant(tidings: Tidings) -> None:
    path, body = "/v1/endpoints", {"url": "https://hooks.example.org/x", "types": [TYPE]}
    refused = await tidings.http.post(path, json=body, headers=tidings.headers())
    inside = await tidings.http.post(
        path,
        json={**body, "url": "https://10.0.0.1/"},
        headers=tidings.headers(scope=ADMIN),
    )
    added = await request(tidings, "POST", path, body)
    foreign = await tidings.http.post(
        f"{path}/{added['id']}/rotate", headers=tidings.headers(scope=ADMIN, tenant="other")
    )
    listed = await request(tidings, "GET", f"{path}?after={added['sequence']}")

    assert (refused.status_code, inside.status_code, foreign.status_code) == (403, 422, 404)
    assert added["secret"].startswith("whsec_") and added["secret"] not in str(listed)
    assert [each["url"] for each in listed["endpoints"]] == [body["url"]]


async def test_kills_lose_nothing_and_double_one_event_at_most(
    tidings: Tidings, chosen: Settings, url: str, tmp_path: Path
) -> None:
    trust = Trust()
    async with serve_receiver(trust) as receiver:
        settings = with_webhooks(chosen, receiver.port)
        authority = {"SSL_CERT_FILE": str(trust.write(tmp_path))}
        paths = {endpoint: f"/{endpoint}" for endpoint in ("a", "b")}
        for endpoint, path in paths.items():
            await register(tidings, receiver.url(path), endpoint)
        ids, kills = list[str](), 3
        for kill in range(kills + 1):
            async with channels_process(settings, authority):
                for number in range(8):
                    ids += await announce(tidings, f"{kill} {number}")
                    await asyncio.sleep(0.02)
                last = ids[-1 if kill == kills else -5]
                await wait_until(lambda last=last: has_posted(receiver, paths["a"], last))
                if kill == kills:
                    await wait_until(lambda last=last: has_posted(receiver, paths["b"], last))

    for path in paths.values():
        posted = [each.id for each in receiver.requests[path]]
        firsts = list(dict.fromkeys(posted))
        assert firsts == ids
        assert len(posted) <= len(ids) + kills


def test_five_days_of_failure_turn_it_off() -> None:
    state, at = EndpointAttempt(position=7, at=NOON), NOON
    for days in (0, 1, 4.9):
        at = NOON + timedelta(days=days)
        state = after_attempt(state, "e-1", 9, "id", TYPE, Deferred(code="500"), at)
        assert suppression_after(state, Deferred(code="500"), at) is None
    at = NOON + timedelta(days=5)
    state = after_attempt(state, "e-1", 9, "id", TYPE, Deferred(code="500"), at)

    assert suppression_after(state, Deferred(code="500"), at) == "failing"
    assert after_attempt(state, "e-1", 9, "id", TYPE, Sent(code="200"), at).failing_since is None


def test_an_event_is_given_up_after_its_last_attempt_and_the_next_one_follows() -> None:
    state = EndpointAttempt(position=7, at=NOON)
    for _ in range(9):
        state = after_attempt(state, "e-1", 9, "id", TYPE, Deferred(code="500"), NOON)
        assert (state.state, state.position) == ("deferred", 7)
    demanded = Deferred(code="429", after_seconds=5)
    waits = after_attempt(state, "e-1", 9, "id", TYPE, demanded, NOON)
    given_up = after_attempt(waits, "e-1", 9, "id", TYPE, Deferred(code="500"), NOON)
    invalid = Failed(reason="invalid", code="url")
    skipped = after_attempt(EndpointAttempt(position=7, at=NOON), "e", 9, "id", TYPE, invalid, NOON)

    assert waits.attempts == 9
    assert (given_up.state, given_up.position, given_up.attempts) == ("failed", 9, 0)
    assert (skipped.state, skipped.position) == ("failed", 9)


@asynccontextmanager
async def channels_process(settings: Settings, more: dict[str, str]) -> AsyncIterator[None]:
    """Run `tidings channels` while the block lasts, and kill it at its end."""
    environment = {
        **child_environment(msgspec.structs.replace(settings, metrics_port=0), 0),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tidings.cli", "channels"),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def has_posted(receiver: Receiver, path: str, event: str) -> bool:
    """Return whether a path got an event."""
    return any(each.id == event for each in receiver.requests[path])


async def state_after(tidings: Tidings, endpoint: str, state: str) -> Any:
    """Return an endpoint whose last attempt came to a state, None if it did not."""
    found = await state_of(tidings, endpoint)
    return found if found and found["last"] and found["last"]["state"] == state else None


async def is_turned_off(tidings: Tidings) -> bool:
    """Return whether the endpoint is suppressed."""
    found = await state_of(tidings)
    return found["suppressed"] is not None


async def has_generation(tidings: Tidings, generation: int) -> bool:
    """Return whether the endpoint has a secret of a generation."""
    found = await state_of(tidings)
    return found is not None and found["generation"] == generation
