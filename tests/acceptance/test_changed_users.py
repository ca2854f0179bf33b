"""A client whose user changed: it never takes its position for that of the new user's log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.problems import check_problem
from tests.builders import make_announcement
from tests.driver import Client, Tidings


async def connect_as(tidings: Tidings, transport: str, user: str, cursor: str) -> Client:
    method: Any = tidings.connect if transport == "socket" else tidings.stream
    return await method(user, cursor)


async def cursor_of(tidings: Tidings, user: str) -> str:
    """Return the cursor of a user who has one notification."""
    await tidings.emit(make_announcement(user))
    await tidings.wait_for_counts(user, total=1)
    return str((await (await tidings.connect(user)).live()).cursor)


@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_another_users_cursor_is_answered_by_a_reset_and_the_own_state(
    tidings: Tidings, transport: str
) -> None:
    await cursor_of(tidings, "bob")
    cursor = await cursor_of(tidings, "alice")

    bob = await (await connect_as(tidings, transport, "bob", cursor)).live()

    assert [frame["type"] for frame in bob.frames][:3] == ["hello", "reset", "snapshot"]
    assert {each["user"] for each in bob.notifications.values()} == {"bob"}
    alice = await (await connect_as(tidings, transport, "alice", cursor)).live()
    assert not {"reset", "snapshot"} & {frame["type"] for frame in alice.frames}


async def test_the_cursor_of_the_same_name_in_another_tenant_is_answered_by_a_reset(
    tidings: Tidings,
) -> None:
    cursor = await cursor_of(tidings, "alice")
    async with Tidings(tidings.url, tidings.runtime) as rival:
        theirs = await (await rival.connect("alice", cursor)).live()

        assert theirs.frames[1]["type"] == "reset"
        assert theirs.notifications == {}


@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_hello_states_tenant_and_user(tidings: Tidings, transport: str) -> None:
    method: Any = tidings.connect if transport == "socket" else tidings.stream

    hello = await (await method("zoë")).next("hello")

    assert (hello["tenant"], hello["user"]) == (tidings.tenant, "zoë")


@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_a_cursor_of_a_former_version_which_names_no_owner_still_works(
    tidings: Tidings, transport: str
) -> None:
    cursor = await cursor_of(tidings, "alice")
    epoch, _, sequence = cursor.partition("-")
    former = f"{epoch[:8]}-{sequence}"
    assert former != cursor

    client = await connect_as(tidings, transport, "alice", former)
    client.cursor = former  # as a former client: it keeps its own cursor whatever hello says
    await client.live()
    await tidings.emit(make_announcement("alice", title="new"))
    while not client.entries:
        await client.next("entries")

    assert not {"reset", "snapshot"} & {frame["type"] for frame in client.frames}
    assert [each["title"] for each in client.entries] == ["new"]
    assert len(await read_log(tidings, former)) == 1


async def read_log(tidings: Tidings, after: str) -> list[dict[str, Any]]:
    return (await tidings.replay("alice", after)).entries


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/log?after={}", None),
        ("GET", "/v1/notifications?before={}", None),
        ("POST", "/v1/acks", {"device": "d", "cursor": "{}"}),
        ("POST", "/v1/notifications/mark", {"op": "1", "state": "read", "up_to": "{}"}),
    ],
)
async def test_requests_refuse_another_users_cursor(
    tidings: Tidings, method: str, path: str, body: dict[str, str] | None
) -> None:
    cursor = await cursor_of(tidings, "alice")
    sent = body and {name: value.format(cursor) for name, value in body.items()}

    for user, accepted in (("alice", True), ("bob", False)):
        answer = await tidings.http.request(
            method, path.format(cursor), json=sent, headers=tidings.headers(user)
        )
        assert answer.is_success == accepted, answer.text
    check_problem(answer, 409, 410)


async def test_a_cursor_names_its_owner_without_personal_data(tidings: Tidings) -> None:
    cursor = await cursor_of(tidings, "a-long-name@example.org")

    epoch, _, _ = cursor.partition("-")
    assert (len(epoch), int(epoch, 16) > 0) == (16, True)
