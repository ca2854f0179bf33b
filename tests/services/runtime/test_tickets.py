"""Tickets: valid for one connection, one user, one origin and a few seconds; never a token."""

from __future__ import annotations

import asyncio
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable

import pytest
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.subjects import Person
from tidings.runtime.auth.credential import HandshakeInfo, TicketCredential
from tidings.runtime.auth.identity import Identity, InvalidToken, issue_token
from tidings.runtime.auth.tickets import Tickets
from tidings.runtime.auth.tokens import Tokens
from tidings.runtime.errors import Unavailable
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings

from tests.clock import Clock
from tests.driver import SECRET

ALICE = Identity(
    Person("acme", "alice@example.org"),
    frozenset(("inbox",)),
    time.time() + 60,
    time.time() - 9,
    "s-1",
)
ORIGIN = "https://app.example.org"


def make_tickets(jetstream: JetStream, secret: str = SECRET) -> Tickets:
    return Tickets(jetstream, secret, ttl_seconds=30)


async def test_a_ticket_identifies_its_user_on_any_edge_with_the_same_secret(
    runtime: Runtime,
) -> None:
    issuing_edge, redeeming_edge = make_tickets(runtime.jetstream), make_tickets(runtime.jetstream)

    ticket = issuing_edge.issue_ticket(ALICE, ORIGIN)

    assert await redeeming_edge.redeem_ticket(ticket, ORIGIN) == ALICE


async def test_of_many_edges_that_redeem_one_ticket_one_succeeds(runtime: Runtime) -> None:
    edges = [make_tickets(runtime.jetstream) for _ in range(8)]
    ticket = edges[0].issue_ticket(ALICE, ORIGIN)

    answers = await asyncio.gather(
        *(edge.redeem_ticket(ticket, ORIGIN) for edge in edges for _ in range(5)),
        return_exceptions=True,
    )

    assert answers.count(ALICE) == 1
    assert [type(answer) for answer in answers].count(InvalidToken) == len(answers) - 1


async def test_a_ticket_is_refused_for_another_origin_and_remains_valid_for_its_own(
    runtime: Runtime,
) -> None:
    edge = make_tickets(runtime.jetstream)
    ticket = edge.issue_ticket(ALICE, ORIGIN)

    with pytest.raises(InvalidToken, match="another origin"):
        await edge.redeem_ticket(ticket, "https://evil.example.org")

    assert await edge.redeem_ticket(ticket, ORIGIN) == ALICE


async def test_a_ticket_expires(runtime: Runtime) -> None:
    clock = Clock(time.time())
    edge = Tickets(runtime.jetstream, SECRET, 1, clock)
    ticket = edge.issue_ticket(ALICE, ORIGIN)

    clock.advance(2)

    with pytest.raises(InvalidToken, match="older than 1 s"):
        await edge.redeem_ticket(ticket, ORIGIN)


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
async def test_a_forged_ticket_is_refused(runtime: Runtime, forge: Callable[[str], str]) -> None:
    edge = make_tickets(runtime.jetstream)
    ticket = forge(edge.issue_ticket(ALICE, ORIGIN))

    with pytest.raises(InvalidToken):
        await edge.redeem_ticket(ticket, ORIGIN)


async def test_a_used_ticket_in_another_spelling_is_refused(runtime: Runtime) -> None:
    edge = make_tickets(runtime.jetstream)
    ticket = edge.issue_ticket(ALICE, ORIGIN)
    await edge.redeem_ticket(ticket, ORIGIN)

    for variant in (
        ticket + "=",
        ticket.rstrip("="),
        ticket[:-1] + "\n" + ticket[-1],
        ticket.replace("_", "/").replace("-", "+"),
        f" {ticket} ",
    ):
        with pytest.raises(InvalidToken):
            await edge.redeem_ticket(variant, ORIGIN)


async def test_a_ticket_is_not_a_token_and_a_token_is_not_a_ticket(
    runtime: Runtime,
) -> None:
    edge, tokens = make_tickets(runtime.jetstream), Tokens(Settings(jwt_secret=SECRET), None)
    ticket, token = (
        edge.issue_ticket(ALICE, ORIGIN),
        issue_token(ALICE.person, "inbox", SECRET, time.time(), 60),
    )

    with pytest.raises(InvalidToken):
        await tokens.identity(ticket)
    for forgery in (
        token,
        make_tickets(runtime.jetstream, SECRET + "!").issue_ticket(ALICE, ORIGIN),
    ):
        with pytest.raises(InvalidToken):
            await edge.redeem_ticket(forgery, ORIGIN)
    assert b"alice" not in urlsafe_b64decode(ticket)


async def test_without_nats_no_ticket_is_accepted(runtime: Runtime) -> None:
    async with connect(runtime.settings.nats, "tests-away") as away:
        edge = make_tickets(away)
    ticket = edge.issue_ticket(ALICE, ORIGIN)

    with pytest.raises(Unavailable):
        await edge.redeem_ticket(ticket, ORIGIN)

    assert await make_tickets(runtime.jetstream).redeem_ticket(ticket, ORIGIN) == ALICE


def test_a_ticket_is_read_from_the_query_only() -> None:
    handshake = HandshakeInfo({}, {"ticket": ["t"]}, (), "")

    assert handshake.credential("cookie", frozenset()) == TicketCredential("t")


def test_the_proof_of_a_ticket_is_read_from_the_id_of_the_last_event() -> None:
    handshake = HandshakeInfo({"last-event-id": "0123abcd-97~p"}, {"ticket": ["t"]}, (), "")

    assert handshake.credential("cookie", frozenset()) == TicketCredential("t", "p")
    assert handshake.last_event_id == "0123abcd-97"


async def test_a_stream_that_a_ticket_opened_returns_until_the_token_expires(
    runtime: Runtime,
) -> None:
    clock = Clock(time.time())
    edge, other = (Tickets(runtime.jetstream, SECRET, 1, clock) for _ in range(2))
    alice = ALICE._replace(expires_at=time.time() + 60)
    ticket = edge.issue_ticket(alice, ORIGIN)
    await edge.redeem_ticket(ticket, ORIGIN)

    clock.advance(30)

    assert [other.renew_ticket(ticket, ORIGIN, edge.proof_of(ticket)) for _ in "ab"] == [alice] * 2
    clock.advance(31)
    with pytest.raises(InvalidToken, match="has expired"):
        other.renew_ticket(ticket, ORIGIN, edge.proof_of(ticket))


async def test_a_used_ticket_alone_or_with_the_proof_of_another_one_is_refused(
    runtime: Runtime,
) -> None:
    edge = make_tickets(runtime.jetstream)
    ticket, other = (edge.issue_ticket(ALICE, ORIGIN) for _ in range(2))
    proof = edge.proof_of(ticket)

    for origin, forged in (
        (ORIGIN, edge.proof_of(other)),
        (ORIGIN, proof[:-1]),
        (ORIGIN, "é"),
        ("https://evil.example.org", proof),
    ):
        with pytest.raises(InvalidToken):
            edge.renew_ticket(ticket, origin, forged)
