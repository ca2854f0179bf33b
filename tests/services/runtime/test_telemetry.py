"""Telemetry: no log line contains a token or a ticket."""

from __future__ import annotations

import json
import logging
import time

from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import Identity, issue_token
from tidings.runtime.auth.tickets import Tickets
from tidings.runtime.process import Runtime
from tidings.runtime.telemetry import JsonFormatter

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
