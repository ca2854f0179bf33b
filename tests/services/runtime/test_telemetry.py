"""Telemetry: no log line contains a token or a ticket."""

from __future__ import annotations

import json
import logging
import time

from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import Identity, issue_token
from tidings.runtime.auth.tickets import Tickets
from tidings.runtime.process import Runtime
from tidings.runtime.telemetry import LINES_PER_MINUTE, JsonFormatter, RepeatFilter

from tests.driver import SECRET


def test_a_token_and_a_ticket_in_the_log_of_a_library_are_hidden(runtime: Runtime) -> None:
    person = Person("acme", "alice")
    token = issue_token(person, "inbox", SECRET, time.time(), 60)
    ticket = Tickets(runtime.jetstream, SECRET, 30).issue_ticket(
        Identity(person, frozenset(), time.time() + 60), "own"
    )
    words = f'"WebSocket /v1/socket?ticket={ticket}" [accepted], Bearer {token}, bearer.{token}'

    line = JsonFormatter().format(
        logging.LogRecord("uvicorn", logging.INFO, "", 1, words, None, None)
    )

    assert (
        json.loads(line)["message"]
        == '"WebSocket /v1/socket?ticket=[hidden]" [accepted], Bearer [hidden], bearer.[hidden]'
    )


def make_record(line: int, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("tidings", level, "place.py", line, "no %s", ("answer",), None)


def test_repeated_warnings_of_one_place_are_counted_and_others_are_logged() -> None:
    now = 60.0
    repeats = RepeatFilter(lambda: now)

    passed = [repeats.filter(make_record(1)) for _ in range(LINES_PER_MINUTE + 7)]

    assert passed == [True] * LINES_PER_MINUTE + [False] * 7
    assert repeats.filter(make_record(2))
    assert repeats.filter(make_record(1, logging.INFO))
    now = 120.0
    later = make_record(1)
    assert repeats.filter(later)
    assert later.getMessage() == "no answer (7 more lines like this were left out)"
    again = make_record(1)
    assert repeats.filter(again) and again.getMessage() == "no answer"
