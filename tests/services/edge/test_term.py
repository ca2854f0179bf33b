"""Terms: a connection stays for its lifetime or its token's, and a client hears in time of a token that ends first."""

from __future__ import annotations

import asyncio
import time

import pytest
from tidings.contracts.closing import Code
from tidings.contracts.subjects import Person
from tidings.edge.term import Term
from tidings.runtime.auth import Identity


def holding(seconds: float) -> Identity:
    """An identity whose token holds so long yet."""
    return Identity(Person("acme", "alice"), frozenset(), time.time() + seconds)


@pytest.mark.parametrize(
    ("lifetime", "token", "ends", "over", "nudged"),
    [
        (3600, 100, 100, Code.TOKEN_OVER, 80),
        (3600, 3000, 3000, Code.TOKEN_OVER, 2940),
        (60, 3600, 60, Code.LIFETIME_OVER, 3540),
        (3600, -5, -5, Code.TOKEN_OVER, -5),
    ],
)
async def test_what_ends_first_ends_it(
    lifetime: float, token: float, ends: float, over: Code, nudged: float
) -> None:
    now = asyncio.get_running_loop().time()

    term = Term(lifetime, holding(token))

    assert (term.ends - now, term.over) == (pytest.approx(ends, abs=1), over)
    assert term.nudge_at - now == pytest.approx(nudged, abs=1.5)
    assert (term.seconds, term.token_seconds) == (
        pytest.approx(ends, abs=1),
        pytest.approx(token, abs=1),
    )


async def test_a_newer_token_moves_the_end_but_never_past_the_lifetime() -> None:
    now = asyncio.get_running_loop().time()
    term = Term(600, holding(100))

    term.renew(holding(300))
    assert (term.ends - now, term.over) == (pytest.approx(300, abs=1), Code.TOKEN_OVER)
    term.renew(holding(3600))
    assert (term.ends - now, term.over) == (pytest.approx(600, abs=1), Code.LIFETIME_OVER)
