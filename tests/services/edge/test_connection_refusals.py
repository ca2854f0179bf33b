"""Refusals of connections: the problem and the close code for each reason."""

from __future__ import annotations

import pytest
from tidings.contracts.close_codes import CloseCode
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.gate import TooManyConnections
from tidings.edge.connection.refusals import REFUSALS, close_code_and_reason, problem_of
from tidings.runtime.auth.identity import ForeignOrigin, InvalidToken, MissingClaims, NoToken
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import Rate, RateExceeded, RateStatus

TOO_FAST = RateExceeded(RateStatus(Rate("connects", 2, 300), 0, 300.0, 149.2))


@pytest.mark.parametrize(
    ("refusal", "status", "header", "code"),
    [
        (NoToken("words"), 401, ("WWW-Authenticate", "Bearer"), 4001),
        (InvalidToken("words"), 401, ("WWW-Authenticate", "Bearer"), 4002),
        (MissingClaims("words"), 403, None, 4003),
        (ForeignOrigin("words"), 403, None, 4003),
        (TOO_FAST, 429, ("Retry-After", "150"), 4105),
        (TooManyConnections("words"), 429, ("Retry-After", "2"), 4104),
        (ConnectionClosed(CloseCode.TOO_MANY, "words"), 429, ("Retry-After", "2"), 4104),
        (
            ConnectionClosed(CloseCode.TOKEN_OVER, "words"),
            401,
            ("WWW-Authenticate", "Bearer"),
            4002,
        ),
        (ConnectionClosed(CloseCode.DRAINING, "words"), 503, ("Retry-After", "2"), 4101),
        (ConnectionClosed(CloseCode.BAD_FRAME, "words"), 400, None, 4500),
        (Problem(421, "misdirected", "words", partition=3), 421, None, 4106),
        (Unavailable("words"), 503, ("Retry-After", "2"), 4102),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_refusal_has_a_problem_and_a_close_code(
    refusal: Exception, status: int, header: tuple[str, str] | None, code: int
) -> None:
    problem, (close_code, reason) = problem_of(refusal), close_code_and_reason(refusal)

    assert isinstance(refusal, REFUSALS)
    assert (problem.status, close_code) == (status, code)
    assert header is None or problem.headers[header[0]] == header[1]
    assert problem.detail == reason.message or isinstance(refusal, Unavailable)


def test_a_program_finds_the_seconds_and_the_partition_in_fields() -> None:
    elsewhere = Problem(421, "misdirected", "words", partition=3)

    assert problem_of(TOO_FAST).more == {"retry_after_seconds": 150}
    assert close_code_and_reason(TOO_FAST)[1].retry_after_seconds == 150
    assert problem_of(elsewhere).more == {"partition": 3}
    assert close_code_and_reason(elsewhere)[1].partition == 3
