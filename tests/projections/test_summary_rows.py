"""Summaries: what joins one is told of once, even if it joins while it is decided about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from tidings.contracts.codec import encode
from tidings.contracts.deliveries import (
    AsOf,
    Decided,
    DeliveryEntry,
    Moved,
    Planned,
    PlannedStep,
)
from tidings.contracts.subjects import Person, Subjects
from tidings.projections.projection import LogMessage
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import fold, roll_back

ANN = Person("acme", "ann")
DUE = datetime(2026, 12, 1, 8, tzinfo=UTC)
AS_OF = AsOf(event=1, entry=1, at=DUE)


def id_of(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


def step(delivery: str, *, summary: bool = True) -> PlannedStep:
    return PlannedStep(
        delivery=id_of(delivery),
        step=1,
        channel="email",
        to="profile",
        summary=summary,
        state="held",
        until=DUE,
    )


def planned(notification: str, delivery: str, *, summary: bool = True) -> Planned:
    steps = (step(delivery, summary=summary),)
    return Planned(notification=id_of(notification), as_of=AS_OF, steps=steps)


def decided(delivery: str, state: Any, **more: Any) -> Decided:
    return Decided(delivery=id_of(delivery), as_of=AS_OF, state=state, **more)


async def rows_of(
    runtime: Runtime, model: ReadModel, entries: Sequence[DeliveryEntry]
) -> dict[tuple[str, str], set[str]]:
    """Return what each delivery tells of, by its state, id and whether it is a summary.

    However the log is cut into batches, it must be the same.
    """
    subject = Subjects(1).delivery_subject(ANN)
    log = [
        LogMessage(subject, encode(entry), number, number * 1_000_000_000)
        for number, entry in enumerate(entries, start=1)
    ]
    found: list[dict[tuple[str, str], set[str]]] = []
    for cut in _cuts(log):
        async with roll_back(runtime.postgres) as connection:
            tables = (f"{model.schema}.{name}" for name in ("delivery", "item"))
            await connection.execute(f"TRUNCATE {', '.join(tables)}".encode())
            await fold(connection, model, cut)
            rows = await connection.execute(
                b"SELECT d.state, d.id::text, array_agg(i.notification::text)"
                + f" FROM {model.schema}.delivery d"
                f" LEFT JOIN {model.schema}.item i ON i.delivery = d.id GROUP BY d.id".encode()
            )
            found.append({(row[0], row[1]): set(row[2]) for row in await rows.fetchall()})
    assert all(one == other for one, other in pairwise(found))
    return found[0]


def _cuts(log: Sequence[LogMessage]) -> Iterator[list[Sequence[LogMessage]]]:
    yield [log]
    yield [[message] for message in log]


async def test_what_joins_a_summary_that_is_ordered_is_told_by_itself(
    runtime: Runtime, models: dict[str, ReadModel]
) -> None:
    found = await rows_of(
        runtime,
        models["deliveries"],
        [planned("n-1", "s"), decided("s", "ordered", joined=1), planned("n-2", "s")],
    )

    assert found.pop(("ordered", id_of("s"))) == {id_of("n-1")}
    ((state, _), items) = found.popitem()
    assert (state, items) == ("held", {id_of("n-2")})


async def test_a_summary_that_something_joined_meanwhile_is_not_dropped(
    runtime: Runtime, models: dict[str, ReadModel]
) -> None:
    entries = [planned("n-1", "s"), planned("n-2", "s"), decided("s", "dropped", joined=1)]

    assert await rows_of(runtime, models["deliveries"], entries) == {
        ("held", id_of("s")): {id_of("n-1"), id_of("n-2")}
    }
    assert await rows_of(
        runtime, models["deliveries"], [*entries, decided("s", "dropped", joined=2)]
    ) == {("dropped", id_of("s")): {id_of("n-1"), id_of("n-2")}}


async def test_what_is_moved_is_in_the_other_summary_alone(
    runtime: Runtime, models: dict[str, ReadModel]
) -> None:
    moved = (Moved(step=step("later"), notifications=(id_of("n-2"),)),)

    found = await rows_of(
        runtime,
        models["deliveries"],
        [
            planned("n-1", "s"),
            planned("n-2", "s"),
            decided("s", "ordered", joined=2, moved=moved),
        ],
    )

    assert found == {
        ("ordered", id_of("s")): {id_of("n-1")},
        ("held", id_of("later")): {id_of("n-2")},
    }


async def test_a_mail_that_joins_a_summary_still_tells_why(
    runtime: Runtime, models: dict[str, ReadModel]
) -> None:
    moved = (Moved(step=step("later"), notifications=(id_of("n-1"),)),)

    found = await rows_of(
        runtime,
        models["deliveries"],
        [planned("n-1", "d", summary=False), decided("d", "dropped", moved=moved)],
    )

    assert found == {
        ("dropped", id_of("d")): {id_of("n-1")},
        ("held", id_of("later")): {id_of("n-1")},
    }
