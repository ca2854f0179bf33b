"""Sessions: a connection ends with its token or session, unless it gets a newer token."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.connections import (
    connect_with,
    fetch_ticket,
    open_socket,
    open_stream,
    read_close,
    read_frames,
    read_until,
)
from tests.acceptance.problems import ONE, check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.tokens import sign_token
from tests.web_processes import run_web

pytestmark = pytest.mark.usefixtures("calm")

CLOSED_SECONDS = 1.0
EARLIER_SECONDS = 30


def issue_aged_token(
    tidings: Tidings,
    user: str = "alice",
    *,
    age: float = EARLIER_SECONDS,
    seconds: float = 3600,
    **claims: Any,
) -> str:
    """Return a token that was issued `age` seconds ago."""
    now = time.time()
    payload = {
        "sub": user,
        "tenant": tidings.tenant,
        "scope": "inbox emit",
        "iat": int(now - age),
        "exp": now + seconds,
        **claims,
    }
    return sign_token(**payload)


async def revoke_sessions(tidings: Tidings, user: str, session: str | None = None) -> float:
    """Revoke the sessions of a user, and return when."""
    fields = {"session_id": session} if session else {}
    began = time.monotonic()
    await tidings.emit(make_event("session.revoked", user_id=user, **fields))
    return began


async def test_a_newer_token_of_the_same_user_keeps_the_connection_open(tidings: Tidings) -> None:
    async with open_socket(tidings, "header", issue_aged_token(tidings, seconds=6)) as connection:
        assert (await read_until(connection, "hello"))["lifetime_seconds"] <= 6
        began = time.monotonic()
        warning = await read_until(connection, "token_expiring")
        assert 0 < warning["expires_in_seconds"] <= 0.2 * 6

        await connection.send(
            json.dumps({"type": "auth", "token": issue_aged_token(tidings, seconds=9)})
        )

        assert 0 < (await read_until(connection, "token_expiring"))["expires_in_seconds"] <= 0.2 * 9
        assert time.monotonic() - began > 6
        await tidings.emit(make_announcement("alice"))
        assert (await read_until(connection, "entries"))["entries"]
        assert await read_close(connection) == (4002, "the token has expired")


async def test_an_invalid_newer_token_or_that_of_another_user_closes_the_connection(
    tidings: Tidings,
) -> None:
    stranger = Tidings(tidings.url, tidings.runtime)
    for newer, code in (
        (issue_aged_token(tidings, "bob"), 4500),
        (issue_aged_token(stranger, "alice"), 4500),
        ("forged", 4002),
        (issue_aged_token(tidings, seconds=-60), 4002),
        (tidings.token("alice", scope="emit"), 4003),
    ):
        async with open_socket(tidings, "frame", issue_aged_token(tidings)) as connection:
            await read_until(connection, "live")
            await connection.send(json.dumps({"type": "auth", "token": newer}))
            close_code, words = await read_close(connection)
            assert (close_code, newer in words) == (code, False)


async def test_an_event_stream_is_warned_that_its_token_expires_and_then_ends(
    tidings: Tidings,
) -> None:
    async with open_stream(tidings, "header", issue_aged_token(tidings, seconds=2)) as connection:
        frames = [frame async for frame in read_frames(connection)]

    assert "token_expiring" in [frame["type"] for frame in frames]
    assert (frames[-1]["type"], frames[-1]["code"], frames[-1]["retry"]) == ("error", "4002", True)


async def test_a_revoked_user_is_closed_at_once_on_every_edge_and_no_other_user(
    tidings: Tidings, other: Tidings
) -> None:
    old = issue_aged_token(tidings)
    async with (
        open_socket(tidings, "frame", old) as first,
        open_socket(other, "subprotocol", issue_aged_token(tidings, sid="phone")) as second,
        open_stream(tidings, "header", old) as third,
        open_stream(other, "ticket", old) as fourth,
        open_socket(tidings, "frame", issue_aged_token(tidings, "bob")) as bystander,
    ):
        revoked_connections = (first, second, third, fourth)
        for connection in (*revoked_connections, bystander):
            await read_until(connection, "live")

        began = await revoke_sessions(tidings, "alice")
        ends = await asyncio.gather(*map(read_close, revoked_connections))

        assert time.monotonic() - began < CLOSED_SECONDS
        assert set(ends) == {(4002, "the session has been revoked; sign in again")}
        await tidings.emit(make_announcement("bob"))
        await read_until(bystander, "entries")


async def test_revoking_one_session_leaves_the_other_sessions_of_the_user(tidings: Tidings) -> None:
    async with (
        open_socket(tidings, "frame", issue_aged_token(tidings, sid="phone")) as phone,
        open_socket(tidings, "frame", issue_aged_token(tidings, sid="desk")) as desk,
    ):
        for connection in (phone, desk):
            await read_until(connection, "live")

        await revoke_sessions(tidings, "alice", "phone")

        assert (await read_close(phone))[0] == 4002
        await tidings.emit(make_announcement("alice"))
        await read_until(desk, "entries")


async def test_a_revocation_refuses_tokens_issued_before_it_and_accepts_those_issued_after_it(
    tidings: Tidings, chosen: Settings
) -> None:
    old, undated = issue_aged_token(tidings), issue_aged_token(tidings, iat=None)
    tickets = {edge: await fetch_ticket(tidings, old) for edge in ("running", "later")}
    async with open_socket(tidings, "frame", old) as connection:
        await revoke_sessions(tidings, "alice")
        await read_close(connection)
    new = issue_aged_token(tidings, age=-1)

    async with run_web(chosen) as new_edge, make_driver_at(tidings, new_edge.url) as new_driver:
        for name, edge in (("running", tidings), ("later", new_driver)):
            for bad in (old, undated):
                await check_refused_everywhere(edge, bad)
            async with connect_with(edge, f"?ticket={tickets[name]}") as connection:
                assert (await read_close(connection))[0] == 4002
            async with open_socket(edge, "frame", new) as connection:
                await read_until(connection, "live")
            assert (
                await edge.http.get("/v1/counts", headers={"Authorization": f"Bearer {new}"})
            ).status_code == 200


async def check_refused_everywhere(edge: Tidings, token: str) -> None:
    """Check that no request and no connection is accepted with a token."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": ONE}
    for path in ("/v1/counts", "/v1/log", "/v1/stream"):
        assert "revoked" in check_problem(await edge.http.get(path, headers=headers), 401)["detail"]
    for path in ("/v1/tickets", "/v1/notifications/mark", "/v1/events"):
        body = json.dumps(make_event("user.joined", user_id="a"))
        assert (
            "revoked"
            in check_problem(await edge.http.post(path, content=body, headers=headers), 401)[
                "detail"
            ]
        )
    async with open_socket(edge, "frame", token) as connection:
        assert (await read_close(connection))[0] == 4002


async def test_a_newer_token_that_is_already_revoked_closes_the_connection(
    tidings: Tidings,
) -> None:
    async with open_socket(tidings, "frame", issue_aged_token(tidings, sid="new")) as connection:
        await read_until(connection, "live")
        async with open_socket(tidings, "frame", issue_aged_token(tidings, sid="old")) as old:
            await read_until(old, "live")
            await revoke_sessions(tidings, "alice", "old")
            await read_close(old)

        await connection.send(
            json.dumps({"type": "auth", "token": issue_aged_token(tidings, sid="old")})
        )

        assert (await read_close(connection))[0] == 4002


async def test_another_tenant_cannot_revoke(tidings: Tidings) -> None:
    async with (
        Tidings(tidings.url, tidings.runtime) as stranger,
        open_socket(tidings, "frame", issue_aged_token(tidings)) as connection,
    ):
        await read_until(connection, "live")

        await revoke_sessions(stranger, "alice")
        async with open_socket(
            stranger, "frame", issue_aged_token(stranger)
        ) as strangers_connection:
            await read_close(strangers_connection)

        await tidings.emit(make_announcement("alice"))
        await read_until(connection, "entries")
