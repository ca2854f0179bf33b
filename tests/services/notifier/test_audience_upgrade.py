"""An upgraded audience: its new version, made from the log, knows every event that was routed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest
from tidings.contracts.subjects import EVENTS
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.notifier.audience import known_events
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.projections.audience.projection import AUDIENCE
from tidings.projections.projection import Projection
from tidings.projector.rebuild import rebuild_read_model
from tidings.runtime.errors import Unavailable
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import live_model

from tests.projections.conftest import drop_read_models
from tests.services.notifier.memory import AudienceMemory, filling
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.test_write_behind import append, apply
from tests.waiting import wait_until

NEWS = AnnouncementPublished(title="-", message="-", to=Addressees(users=("ann",)))
FIRST_PARTITION = 0


class OnePartition(Runtime):
    """A runtime whose only partition is that of a test."""

    def __init__(self, runtime: Runtime) -> None:
        settings = msgspec.structs.replace(runtime.settings, partitions=1)
        super().__init__(
            settings, runtime.jetstream, runtime.postgres, runtime.epochs, runtime.own_ids
        )


@pytest.fixture
async def projection(partition: OwnPartition) -> AsyncIterator[Projection]:
    """Return the audience of one partition, under a name of its own."""
    own = replace(
        AUDIENCE,
        name=f"audience_of_{partition.number}",
        subjects=(f"events.{partition.number}.>",),
    )
    yield own
    await drop_read_models(partition.runtime, own)


async def lead(runtime: Runtime, projection: Projection, memory: AudienceMemory) -> AudienceModel:
    """Return the live model at its checkpoint, once the known events are read."""
    model = await live_model(runtime.postgres, projection)
    checkpoint = await model.checkpoint(runtime.postgres, runtime.epochs[EVENTS], FIRST_PARTITION)
    made = AudienceModel(
        runtime.postgres,
        model,
        FIRST_PARTITION,
        checkpoint.sequence,
        memory.write_behind,
        memory.known_events,
    )
    async with filling(memory.known_events):

        async def is_complete() -> bool:
            return made._coverage.is_complete  # pyright: ignore[reportPrivateUsage]

        await wait_until(is_complete)
    return made


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "new process"])
async def test_events_that_are_routed_while_the_new_version_is_made_are_known_to_it(
    partition: OwnPartition,
    projection: Projection,
    monkeypatch: pytest.MonkeyPatch,
    restarts: bool,
) -> None:
    monkeypatch.setattr(known_events, "GATHER_SECONDS", 0.0)
    runtime, memory = OnePartition(partition.runtime), AudienceMemory(partition.runtime)
    before = await lead(runtime, replace(projection, version=AUDIENCE.version - 1), memory)
    routed = await append(partition, NEWS, identifier="before")
    await apply(before, routed)

    await rebuild_read_model(runtime, projection, lambda *_: None)
    # The old version does not know yet that it is gone: it applies one more event in memory.
    routed += await append(partition, NEWS, identifier="meanwhile")
    assert not (await apply(before, routed[1:])).duplicates
    await memory.write_behind.flush_all()
    with pytest.raises(Unavailable):
        before.raise_problem()
    await before.close()

    memory = AudienceMemory(partition.runtime) if restarts else memory
    after = await lead(runtime, projection, memory)
    copies = [
        *await append(partition, NEWS, identifier="before"),
        *await append(partition, NEWS, identifier="meanwhile"),
    ]
    applied = [
        await apply(after, [event]) for event in (routed[1], *copies)
    ]  # a takeover begins behind the checkpoint

    assert [len(each.duplicates) for each in applied] == [0, 1, 1]
    assert not any(each.refused for each in applied)
