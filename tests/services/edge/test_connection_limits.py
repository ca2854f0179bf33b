"""Limits: what is checked again after a slot was taken."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from tidings.contracts.close_codes import CloseCode
from tidings.contracts.subjects import Person
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.limits import ConnectionLimits
from tidings.runtime.auth.identity import Identity
from tidings.runtime.settings import Settings

ALICE = Identity(Person("acme", "alice"), frozenset({"inbox"}), time.time() + 60)


@pytest.mark.parametrize(
    ("change", "code"),
    [("revoke", CloseCode.TOKEN_OVER), ("drain", CloseCode.DRAINING)],
)
def test_a_slot_does_not_admit_after_the_session_was_revoked_or_the_edge_stops(
    change: str, code: CloseCode
) -> None:
    revoked = set[Identity]()
    drain: Any = SimpleNamespace(started=False)
    revocations: Any = SimpleNamespace(is_revoked=revoked.__contains__)
    limits = ConnectionLimits(Settings(), revocations, drain)
    slot = limits.acquire_slot(ALICE)
    limits.check_admission(ALICE)

    if change == "revoke":
        revoked.add(ALICE)
    drain.started = change == "drain"

    with pytest.raises(ConnectionClosed) as refusal:
        limits.check_admission(ALICE)
    assert refusal.value.code == code
    slot.release()
