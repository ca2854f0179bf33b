"""Tickets: one connection, one person, one origin, a few seconds; and never a token."""

from __future__ import annotations

import asyncio
import time
from base64 import urlsafe_b64decode

import pytest
from tidings.contracts.subjects import Person
from tidings.runtime.auth import Identity, InvalidToken, issue
from tidings.runtime.credential import Arrival
from tidings.runtime.errors import Unavailable
from tidings.runtime.jetstream import JetStream, connect
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings
from tidings.runtime.tickets import Tickets
from tidings.runtime.tokens import Tokens

from tests.driver import SECRET

ALICE = Identity(
    Person("acme", "alice@example.org"),
    frozenset(("inbox",)),
    time.time() + 60,
    time.time() - 9,
    "s-1",
)
ORIGIN = "https://app.example.org"


def tickets(jetstream: JetStream, secret: str = SECRET, seconds: int = 30) -> Tickets:
    return Tickets(jetstream, secret, seconds)


async def test_a_ticket_stands_for_whom_it_was_issued_to_on_any_edge_that_shares_the_secret(
    runtime: Runtime,
) -> None:
    one, other = tickets(runtime.jetstream), tickets(runtime.jetstream)

    ticket = one.issue(ALICE, ORIGIN)

    assert await other.redeem(ticket, ORIGIN) == ALICE


async def test_of_many_edges_that_are_shown_one_ticket_one_takes_it(runtime: Runtime) -> None:
    edges = [tickets(runtime.jetstream) for _ in range(8)]
    ticket = edges[0].issue(ALICE, ORIGIN)

    answers = await asyncio.gather(
        *(edge.redeem(ticket, ORIGIN) for edge in edges for _ in range(5)), return_exceptions=True
    )

    assert answers.count(ALICE) == 1
    assert [type(answer) for answer in answers].count(InvalidToken) == len(answers) - 1


async def test_a_ticket_for_one_origin_is_refused_at_another_and_still_good_at_its_own(
    runtime: Runtime,
) -> None:
    edge = tickets(runtime.jetstream)
    ticket = edge.issue(ALICE, ORIGIN)

    with pytest.raises(InvalidToken, match="another origin"):
        await edge.redeem(ticket, "https://evil.example.org")

    assert await edge.redeem(ticket, ORIGIN) == ALICE


async def test_a_ticket_is_too_old_after_its_seconds(runtime: Runtime) -> None:
    edge = tickets(runtime.jetstream, seconds=1)
    ticket = edge.issue(ALICE, ORIGIN)

    await asyncio.sleep(2.1)

    with pytest.raises(InvalidToken, match="older than 1 s"):
        await edge.redeem(ticket, ORIGIN)


@pytest.mark.parametrize(
    "forge",
    [
        lambda it: it[:-8],
        lambda it: it[:40] + "A" * 8 + it[48:],
        lambda it: "",
        lambda it: "é",
        lambda it: it * 50,
    ],
)
async def test_a_forged_ticket_is_refused(runtime: Runtime, forge: object) -> None:
    edge = tickets(runtime.jetstream)
    ticket = forge(edge.issue(ALICE, ORIGIN))  # type: ignore[operator]

    with pytest.raises(InvalidToken):
        await edge.redeem(ticket, ORIGIN)


async def test_a_ticket_spelt_otherwise_is_the_same_ticket(runtime: Runtime) -> None:
    edge = tickets(runtime.jetstream)
    ticket = edge.issue(ALICE, ORIGIN)
    await edge.redeem(ticket, ORIGIN)

    for other in (
        ticket + "=",
        ticket.rstrip("="),
        ticket[:-1] + "\n" + ticket[-1],
        ticket.replace("_", "/").replace("-", "+"),
        f" {ticket} ",
    ):
        with pytest.raises(InvalidToken):
            await edge.redeem(other, ORIGIN)


async def test_a_ticket_is_no_token_a_token_no_ticket_and_neither_shows_the_other_secret(
    runtime: Runtime,
) -> None:
    edge, tokens = tickets(runtime.jetstream), Tokens(Settings(jwt_secret=SECRET), None)
    ticket, token = edge.issue(ALICE, ORIGIN), issue(ALICE.person, "inbox", SECRET, time.time(), 60)

    with pytest.raises(InvalidToken):
        await tokens.identity(ticket)
    for forged in (token, tickets(runtime.jetstream, SECRET + "!").issue(ALICE, ORIGIN)):
        with pytest.raises(InvalidToken):
            await edge.redeem(forged, ORIGIN)
    assert b"alice" not in urlsafe_b64decode(ticket)


async def test_without_nats_no_ticket_is_taken(runtime: Runtime) -> None:
    async with connect(runtime.settings.nats, "tests-away") as away:
        edge = tickets(away)
    ticket = edge.issue(ALICE, ORIGIN)

    with pytest.raises(Unavailable):
        await edge.redeem(ticket, ORIGIN)

    assert await tickets(runtime.jetstream).redeem(ticket, ORIGIN) == ALICE


def test_a_ticket_is_found_in_the_query_only() -> None:
    arrival = Arrival({}, {"ticket": ["t"]}, (), "")

    assert arrival.credential("cookie", frozenset()) == ("t",)
