"""The state of a stream: a log is lost only if its leader says so for longer than a moment."""

from __future__ import annotations

from typing import Any, cast

import pytest
from tidings.client.jetstream import JetStream
from tidings.contracts.cursor import epoch_of
from tidings.runtime.errors import LogLost
from tidings.runtime.log import state
from tidings.runtime.log.state import check_incarnation

CREATED = "2026-11-30T20:00:00.5Z"


class Leaders:
    """Answers STREAM.INFO as leaders one after another do, the last one for ever."""

    def __init__(self, replicas: int, *ends: int) -> None:
        self._replicas = replicas
        self._ends = [*ends]
        self.asked_count = 0

    async def call_api(self, api: str, *, timeout: float) -> dict[str, Any]:
        self.asked_count += 1
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        return {
            "created": CREATED,
            "state": {"last_seq": end},
            "config": {"num_replicas": self._replicas},
        }

    async def check(self, after: int) -> None:
        await check_incarnation(cast(JetStream, self), "EVENTS", epoch_of(CREATED), after)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "ASK_AGAIN_SECONDS", 0.01)


async def test_a_leader_that_was_suspended_is_not_believed_at_once() -> None:
    leaders = Leaders(3, 7, 7, 9)

    await leaders.check(after=9)

    assert leaders.asked_count == 3


@pytest.mark.parametrize("replicas", [1, 3])
async def test_a_stream_that_stays_shorter_than_what_was_read_is_lost(
    replicas: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "SHORT_TAIL_LIMIT_SECONDS", 0.1)
    leaders = Leaders(replicas, 7)

    with pytest.raises(LogLost, match="EVENTS ends at 7, but 9 was read before"):
        await leaders.check(after=9)
    assert (leaders.asked_count == 1) == (replicas == 1)
