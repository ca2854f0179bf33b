"""Connection lifetimes: the shorter of lifetime and token ends a connection, after a warning."""

from __future__ import annotations

import asyncio
import time

import pytest
from tidings.contracts.close_codes import CloseCode
from tidings.contracts.subjects import Person
from tidings.edge.connection.lifetime import ConnectionLifetime
from tidings.runtime.auth.identity import Identity


def make_identity(seconds: float) -> Identity:
    """Return an identity whose token expires in that many seconds."""
    return Identity(Person("acme", "alice"), frozenset(), time.time() + seconds)


@pytest.mark.parametrize(
    ("lifetime", "token", "remaining", "close_code", "warning_in"),
    [
        (3600, 100, 100, CloseCode.TOKEN_OVER, 80),
        (3600, 3000, 3000, CloseCode.TOKEN_OVER, 2940),
        (60, 3600, 60, CloseCode.LIFETIME_OVER, 3540),
        (3600, -5, -5, CloseCode.TOKEN_OVER, -5),
    ],
)
async def test_the_earlier_of_token_and_lifetime_ends_a_connection(
    lifetime: float, token: float, remaining: float, close_code: CloseCode, warning_in: float
) -> None:
    now = asyncio.get_running_loop().time()

    connection = ConnectionLifetime(lifetime, make_identity(token))

    assert (connection.ends_at - now, connection.close_code) == (
        pytest.approx(remaining, abs=1),
        close_code,
    )
    assert connection.expiry_warning_at - now == pytest.approx(warning_in, abs=1.5)
    assert (connection.remaining_seconds, connection.token_remaining_seconds) == (
        pytest.approx(remaining, abs=1),
        pytest.approx(token, abs=1),
    )


async def test_a_newer_token_postpones_the_end_up_to_the_lifetime() -> None:
    now = asyncio.get_running_loop().time()
    connection = ConnectionLifetime(600, make_identity(100))

    connection.renew_token(make_identity(300))
    assert (connection.ends_at - now, connection.close_code) == (
        pytest.approx(300, abs=1),
        CloseCode.TOKEN_OVER,
    )
    connection.renew_token(make_identity(3600))
    assert (connection.ends_at - now, connection.close_code) == (
        pytest.approx(600, abs=1),
        CloseCode.LIFETIME_OVER,
    )
