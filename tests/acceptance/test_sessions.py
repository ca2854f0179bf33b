"""Sessions: a connection lives as long as its token, may be given a newer one, and ends when the session is revoked."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import jwt
import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.company import beside
from tests.acceptance.entrances import at, ended, frames, socket, stream, ticket, until
from tests.acceptance.refused import ONE, refused
from tests.driver import SECRET, Tidings, event, hello_to
from tests.webs import web

pytestmark = pytest.mark.usefixtures("calm")

CLOSED_SECONDS = 1.0
EARLIER_SECONDS = 30


def token(
    tidings: Tidings,
    user: str = "alice",
    *,
    age: float = EARLIER_SECONDS,
    seconds: float = 3600,
    **claims: Any,
) -> str:
    """A token issued a while ago."""
    now = time.time()
    told = {
        "sub": user,
        "tenant": tidings.tenant,
        "scope": "inbox emit",
        "iat": int(now - age),
        "exp": now + seconds,
        **claims,
    }
    return jwt.encode(
        {name: value for name, value in told.items() if value is not None},
        SECRET,
        algorithm="HS256",
    )


async def revoke(tidings: Tidings, user: str, session: str | None = None) -> float:
    """Revoke, and when."""
    which = {"session_id": session} if session else {}
    began = time.monotonic()
    await tidings.emit(event("session.revoked", user_id=user, **which))
    return began


async def test_a_newer_token_of_the_same_person_keeps_the_connection(tidings: Tidings) -> None:
    async with socket(tidings, "header", token(tidings, seconds=6)) as opened:
        assert (await until(opened, "hello"))["lifetime_seconds"] <= 6
        began = time.monotonic()
        nudge = await until(opened, "token_expiring")
        assert 0 < nudge["expires_in_seconds"] <= 0.2 * 6

        await opened.send(json.dumps({"type": "auth", "token": token(tidings, seconds=9)}))

        assert 0 < (await until(opened, "token_expiring"))["expires_in_seconds"] <= 0.2 * 9
        assert time.monotonic() - began > 6
        await tidings.emit(hello_to("alice"))
        assert (await until(opened, "entries"))["entries"]
        assert await ended(opened) == (4002, "the token has expired")


async def test_a_newer_token_that_is_no_good_or_another_persons_ends_the_connection(
    tidings: Tidings,
) -> None:
    stranger = Tidings(tidings.url, tidings.runtime)
    for newer, code in (
        (token(tidings, "bob"), 4500),
        (token(stranger, "alice"), 4500),
        ("forged", 4002),
        (token(tidings, seconds=-60), 4002),
        (tidings.token("alice", scope="emit"), 4003),
    ):
        async with socket(tidings, "frame", token(tidings)) as opened:
            await until(opened, "live")
            await opened.send(json.dumps({"type": "auth", "token": newer}))
            found, words = await ended(opened)
            assert (found, newer in words) == (code, False)


async def test_an_event_stream_is_told_that_its_token_ends_and_then_ends(tidings: Tidings) -> None:
    async with stream(tidings, "header", token(tidings, seconds=2)) as opened:
        told = [frame async for frame in frames(opened)]

    assert "token_expiring" in [frame["type"] for frame in told]
    assert (told[-1]["type"], told[-1]["code"], told[-1]["retry"]) == ("error", "4002", True)


async def test_revoking_a_person_ends_all_of_theirs_at_once_on_every_edge_and_nobody_elses(
    tidings: Tidings, other: Tidings
) -> None:
    old = token(tidings)
    async with (
        socket(tidings, "frame", old) as one,
        socket(other, "subprotocol", token(tidings, sid="phone")) as two,
        stream(tidings, "header", old) as three,
        stream(other, "ticket", old) as four,
        socket(tidings, "frame", token(tidings, "bob")) as bystander,
    ):
        concerned = (one, two, three, four)
        for opened in (*concerned, bystander):
            await until(opened, "live")

        began = await revoke(tidings, "alice")
        ends = await asyncio.gather(*map(ended, concerned))

        assert time.monotonic() - began < CLOSED_SECONDS
        assert set(ends) == {(4002, "the session has been revoked; sign in again")}
        await tidings.emit(hello_to("bob"))
        await until(bystander, "entries")


async def test_revoking_one_session_leaves_the_others_of_the_person(tidings: Tidings) -> None:
    async with (
        socket(tidings, "frame", token(tidings, sid="phone")) as phone,
        socket(tidings, "frame", token(tidings, sid="desk")) as desk,
    ):
        for opened in (phone, desk):
            await until(opened, "live")

        await revoke(tidings, "alice", "phone")

        assert (await ended(phone))[0] == 4002
        await tidings.emit(hello_to("alice"))
        await until(desk, "entries")


async def test_what_was_issued_before_a_revocation_is_refused_everywhere_from_then_on_and_what_is_issued_after_is_not(
    tidings: Tidings, chosen: Settings
) -> None:
    old, undated = token(tidings), token(tidings, iat=None)
    unused = {edge: await ticket(tidings, old) for edge in ("running", "later")}
    async with socket(tidings, "frame", old) as opened:
        await revoke(tidings, "alice")
        await ended(opened)
    new = token(tidings, age=-1)

    async with web(chosen) as started, beside(tidings, started.url) as later:
        for name, edge in (("running", tidings), ("later", later)):
            for bad in (old, undated):
                await refused_everywhere(edge, bad)
            async with at(edge, f"?ticket={unused[name]}") as opened:
                assert (await ended(opened))[0] == 4002
            async with socket(edge, "frame", new) as opened:
                await until(opened, "live")
            assert (
                await edge.http.get("/v1/counts", headers={"Authorization": f"Bearer {new}"})
            ).status_code == 200


async def refused_everywhere(edge: Tidings, bad: str) -> None:
    """No request and no connection goes through with a token."""
    headers = {"Authorization": f"Bearer {bad}", "Content-Type": ONE}
    for path in ("/v1/counts", "/v1/log", "/v1/stream"):
        assert "revoked" in refused(await edge.http.get(path, headers=headers), 401)["detail"]
    for path in ("/v1/tickets", "/v1/notifications/mark", "/v1/events"):
        body = json.dumps(event("user.joined", user_id="a"))
        assert (
            "revoked"
            in refused(await edge.http.post(path, content=body, headers=headers), 401)["detail"]
        )
    async with socket(edge, "frame", bad) as opened:
        assert (await ended(opened))[0] == 4002


async def test_a_newer_token_that_is_revoked_already_ends_the_connection(tidings: Tidings) -> None:
    async with socket(tidings, "frame", token(tidings, sid="new")) as opened:
        await until(opened, "live")
        async with socket(tidings, "frame", token(tidings, sid="old")) as old:
            await until(old, "live")
            await revoke(tidings, "alice", "old")
            await ended(old)

        await opened.send(json.dumps({"type": "auth", "token": token(tidings, sid="old")}))

        assert (await ended(opened))[0] == 4002


async def test_another_tenant_cannot_revoke(tidings: Tidings) -> None:
    async with (
        Tidings(tidings.url, tidings.runtime) as stranger,
        socket(tidings, "frame", token(tidings)) as opened,
    ):
        await until(opened, "live")

        await revoke(stranger, "alice")
        async with socket(stranger, "frame", token(stranger)) as theirs:
            await ended(theirs)

        await tidings.emit(hello_to("alice"))
        await until(opened, "entries")
