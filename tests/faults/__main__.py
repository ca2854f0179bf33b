"""`just faults`: longer fault runs, and their figures."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.faults.actions import (
    Fault,
    events_leader,
    kill_server,
    kill_service,
    notifications_leader,
    plain_follower,
    restart_all_servers,
    suspend_notifiers,
    suspend_server,
)
from tests.faults.installation import PARTITIONS, SAME_PARTITIONS, run_installation
from tests.faults.run import Report, run_faults

STOP_SECONDS = 20.0
NOTIFIERS = {
    "one": ("all",),
    "same": SAME_PARTITIONS,
    "split": ("0,1", "2,3"),
}
FAULTS: dict[str, Fault] = {
    "the leader of EVENTS is killed": kill_server(events_leader),
    "the leader of NOTIFICATIONS is killed": kill_server(notifications_leader),
    "a follower is killed": kill_server(plain_follower),
    "the leader of EVENTS is stopped for 20 s": suspend_server(events_leader, STOP_SECONDS),
    "the leader of NOTIFICATIONS is stopped for 20 s": suspend_server(
        notifications_leader, STOP_SECONDS
    ),
    "a follower is stopped for 20 s": suspend_server(plain_follower, STOP_SECONDS),
    "rolling restart of the servers": restart_all_servers,
    "a notifier is killed": kill_service("notifier-0", away_seconds=3),
    "each notifier is stopped for 20 s": suspend_notifiers(STOP_SECONDS),
    "a projector is killed": kill_service("projector-0"),
    "an edge is killed": kill_service("web-0"),
}


def main() -> None:
    """Run the faults whose names contain the words of the command line, or all."""
    words = [word for word in sys.argv[1:] if word not in NOTIFIERS]
    kinds = [word for word in sys.argv[1:] if word in NOTIFIERS] or [*NOTIFIERS]
    chosen = {
        name: fault
        for name, fault in FAULTS.items()
        if not words or any(word in name for word in words)
    }
    failed = False
    for kind in kinds:
        print(f"notifiers: {kind}", flush=True)
        failed |= _print(kind, asyncio.run(_run(NOTIFIERS[kind], chosen)))
    sys.exit(failed)


async def _run(notifiers: tuple[str, ...], faults: dict[str, Fault]) -> Report:
    directory = Path(tempfile.mkdtemp(prefix="tidings-faults-"))
    print(f"logs in {directory}", flush=True)
    async with run_installation(directory, notifiers=notifiers) as installation:
        return await run_faults(installation, faults, partitions=PARTITIONS)


def _print(name: str, report: Report) -> bool:
    faults = {kind: report.count(kind) for kind in ("lost", "doubled", "foreign", "out_of_order")}
    print(
        f"{name}: {report.events} events, {report.notifications} notifications; {faults};"
        f" elsewhere than acknowledged {len(report.wrong_positions)};"
        f" statuses {dict(report.statuses)}; resets {report.resets}; stopped {report.stopped}"
    )
    for kind, values in (("append", report.append_seconds), ("delivery", report.delivery_seconds)):
        print(f"  {kind}: p99 {values[len(values) * 99 // 100]:.2f} s, most {values[-1]:.2f} s")
    for log, each in report.differences.items():
        print(f"  {log}: {each}")
    return bool(
        report.differences or report.wrong_positions or report.statuses[500] or report.stopped
    )


if __name__ == "__main__":
    main()
