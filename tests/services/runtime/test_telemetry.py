"""Telemetry: what looks like a token or a ticket goes into no log, whoever logs it."""

from __future__ import annotations

import json
import logging
import time

from tidings.contracts.subjects import Person
from tidings.runtime.auth import Identity, issue
from tidings.runtime.process import Runtime
from tidings.runtime.telemetry import JsonFormatter
from tidings.runtime.tickets import Tickets

from tests.driver import SECRET


def test_a_token_and_a_ticket_that_others_log_are_hidden(runtime: Runtime) -> None:
    person = Person("acme", "alice")
    token = issue(person, "inbox", SECRET, time.time(), 60)
    ticket = Tickets(runtime.jetstream, SECRET, 30).issue(
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
