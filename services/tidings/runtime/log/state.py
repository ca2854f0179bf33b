"""The state of a stream: which one it is, and where it ends."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from tidings.client.errors import StreamNotFound
from tidings.client.jetstream import REQUEST_SECONDS, JetStream
from tidings.contracts.cursor import epoch_of
from tidings.runtime.errors import LogLost

API_SECONDS = 2.0
"""Nothing answers a request that meets no leader; it is sent again soon, to the next one."""
SHORT_TAIL_LIMIT_SECONDS = 5.0
"""A leader that was suspended answers for a moment as if its followers had stored nothing since."""
ASK_AGAIN_SECONDS = 0.25


class StreamState(NamedTuple):
    """The epoch of a stream, and its last sequence."""

    epoch: str
    last_sequence: int


async def stream_state(jetstream: JetStream, stream: str) -> StreamState:
    """Return the epoch and head of a stream; raises Unavailable, or LogLost if it is gone."""
    return _state_of(await _stream_info(jetstream, stream, REQUEST_SECONDS))


async def has_every_message(jetstream: JetStream, stream: str) -> bool:
    """Return whether a stream still has every message since its creation.

    Raises Unavailable, or LogLost if it is gone.
    """
    state = (await _stream_info(jetstream, stream, REQUEST_SECONDS))["state"]
    return state["messages"] == state["last_seq"]


async def _stream_info(jetstream: JetStream, stream: str, seconds: float) -> dict[str, Any]:
    try:
        return await jetstream.call_api(f"STREAM.INFO.{stream}", timeout=seconds)
    except StreamNotFound:
        raise LogLost(f"the stream {stream} does not exist any more") from None


def _state_of(info: dict[str, Any]) -> StreamState:
    return StreamState(epoch_of(info["created"]), info["state"]["last_seq"])


async def check_incarnation(jetstream: JetStream, stream: str, epoch: str, after: int) -> None:
    """Raise LogLost if a stream is another one than `epoch`, or ends before `after`."""
    current = await state_at_least(jetstream, stream, epoch, after)
    if current.epoch != epoch:
        raise LogLost(
            f"{stream} is another stream (epoch {current.epoch}) than the one followed so far"
            f" (epoch {epoch})"
        )
    if current.last_sequence < after:
        raise LogLost(
            f"{stream} ends at {current.last_sequence}, but {after} was read before:"
            " it lost its tail"
        )


async def state_at_least(
    jetstream: JetStream, stream: str, epoch: str, sequence: int
) -> StreamState:
    """Return the state of a stream; ask again for a while if it ends before `sequence`.

    One that still does, and one of another epoch, is returned as it is. Raises Unavailable or
    LogLost.
    """
    now = asyncio.get_running_loop().time
    limit = now() + SHORT_TAIL_LIMIT_SECONDS
    while True:
        info = await _stream_info(jetstream, stream, API_SECONDS)
        current = _state_of(info)
        if current.epoch != epoch or current.last_sequence >= sequence:
            return current
        if info["config"]["num_replicas"] == 1 or now() > limit:
            return current
        await asyncio.sleep(ASK_AGAIN_SECONDS)
