"""Write behind: events that are applied in memory are recorded in Postgres a moment later."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from tidings.projections.audience.queries import RECORD_SEEN_AND_MOVE
from tidings.projections.projection import Change
from tidings.runtime.errors import Fenced, TidingsError, Unavailable
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import ReadModel

INTERVAL_SECONDS = 0.1
RETRY_PAUSES_SECONDS = (0.1, 0.5)
"""Before each repetition of a statement that failed; then the partitions are taken over anew."""
INTERRUPTED = "recording events was interrupted"

log = logging.getLogger("tidings.notifier")


class UnsavedEvents:
    """The events of one partition that are applied in memory and not recorded in Postgres yet.

    `saved` is the checkpoint in Postgres, `applied` the one in memory. After a `problem` no more
    events may be applied: the partition must be taken over anew.
    """

    def __init__(self, model: ReadModel, partition: int, checkpoint: int) -> None:
        self.model = model
        self.partition = partition
        self.saved = self.applied = checkpoint
        self.changes: list[Change] = []
        self.problem: TidingsError | None = None

    def raise_problem(self) -> None:
        """Raise what the last flush met, if it failed."""
        if self.problem:
            raise type(self.problem)(str(self.problem))


class WriteBehind:
    """Records the unsaved events of all partitions together, at most once an interval."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.refused_in_a_row: Counter[int] = Counter()
        """For each partition, how many events Postgres refused since it took one."""
        self._waiting: set[UnsavedEvents] = set()
        self._lock = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    def flush_soon(self, unsaved: UnsavedEvents) -> None:
        """Record the events of a partition within an interval."""
        self._waiting.add(unsaved)
        if self._timer is None:
            self._timer = asyncio.create_task(self._flush_later())

    async def flush(self, unsaved: UnsavedEvents) -> None:
        """Record the events of a partition now; raises Fenced or Unavailable."""
        await self.flush_together([unsaved])
        unsaved.raise_problem()

    async def flush_together(self, together: Iterable[UnsavedEvents]) -> None:
        """Record the events of partitions of one schema now; each keeps the problem it meets."""
        async with self._lock:
            if waiting := self._waiting.intersection(together):
                self._waiting -= waiting
                await self._record([*waiting])

    async def flush_all(self) -> None:
        """Record the events of all partitions; each keeps the problem it meets."""
        async with self._lock:
            waiting, self._waiting = self._waiting, set()
            by_schema: dict[str, list[UnsavedEvents]] = defaultdict(list)
            for unsaved in waiting:
                by_schema[unsaved.model.schema].append(unsaved)
            groups = list(by_schema.values())
            try:
                while groups:
                    await self._record(groups.pop())
            except BaseException:
                _fail(chain.from_iterable(groups), Unavailable(INTERRUPTED))
                raise

    async def wait_until_settled(self) -> None:
        """Wait until no statement is under way."""
        async with self._lock:
            pass

    def discard(self, unsaved: UnsavedEvents) -> None:
        """Forget the events of a partition that is left; the next takeover applies them again."""
        unsaved.problem = unsaved.problem or Unavailable(f"partition {unsaved.partition} was left")
        self._waiting.discard(unsaved)

    async def _flush_later(self) -> None:
        await asyncio.sleep(INTERVAL_SECONDS)
        self._timer = None
        await self.flush_all()

    async def _record(self, together: Sequence[UnsavedEvents]) -> None:
        """Record in one statement; a partition that another process owns must not fail the rest."""
        alive = [unsaved for unsaved in together if not unsaved.problem]
        # In one order in every process: two that record the same partitions cannot deadlock.
        alive.sort(key=lambda unsaved: unsaved.partition)
        left = {unsaved: (unsaved.changes, unsaved.applied) for unsaved in alive}
        for unsaved in alive:
            unsaved.changes = []
        try:
            if await self._try_execute(left):
                return
            for unsaved, part in list(left.items()):
                if not await self._try_execute({unsaved: part}):
                    unsaved.problem = Fenced(
                        f"partition {unsaved.partition} is applied by another process"
                    )
                del left[unsaved]
        except BaseException:
            # Whether Postgres has it is unknown; the next takeover reads the checkpoint.
            _fail(left, Unavailable(INTERRUPTED))
            raise

    async def _try_execute(self, taken: dict[UnsavedEvents, tuple[list[Change], int]]) -> bool:
        """Record; return False if another process owns a partition.

        Any other failure becomes the problem of each partition.
        """
        try:
            await self._execute_repeatedly(taken)
        except Fenced:
            return False
        except TidingsError as error:
            _fail(taken, error)
        return True

    async def _execute_repeatedly(
        self, taken: dict[UnsavedEvents, tuple[list[Change], int]]
    ) -> None:
        """Record, repeated a few times while Postgres is away.

        Whether the statement that failed was committed is unknown. If it was, or another process
        applied the same events meanwhile, the checkpoints are where the repetition moves them.
        """
        for attempt, pause_seconds in enumerate(RETRY_PAUSES_SECONDS):
            try:
                await self._execute(taken, attempt > 0)
            except Unavailable as error:
                log.info("events are not recorded yet: %s", error)
                await asyncio.sleep(pause_seconds)
            else:
                return
        await self._execute(taken, True)

    async def _execute(
        self, taken: dict[UnsavedEvents, tuple[list[Change], int]], repeated: bool
    ) -> None:
        if not taken:
            return
        model = next(iter(taken)).model
        executions = model.prepare_changes(
            change for changes, _ in taken.values() for change in changes
        )
        moves = [
            (unsaved.partition, applied, unsaved.saved) for unsaved, (_, applied) in taken.items()
        ]
        async with self._postgres.connection() as connection:
            await connection.execute(
                model.sql(RECORD_SEEN_AND_MOVE),
                record_parameters(executions[0].rows if executions else "[]", moves, repeated),
            )
        for unsaved, (_, applied) in taken.items():
            unsaved.saved = applied


def record_parameters(
    rows: str, moves: Sequence[tuple[int, int, int]], repeated: bool = False
) -> dict[str, object]:
    """Return the parameters of `RECORD_SEEN_AND_MOVE`; a move is a partition, the new checkpoint
    and the previous one.
    """
    partitions, sequences, previous = zip(*moves, strict=True)
    return {
        "rows": rows,
        "partitions": list(partitions),
        "sequences": list(sequences),
        "previous": list(previous),
        "count": len(moves),
        "repeated": repeated,
    }


def _fail(failed: Iterable[UnsavedEvents], problem: TidingsError) -> None:
    for unsaved in failed:
        unsaved.problem = problem
