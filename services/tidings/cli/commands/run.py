"""`tidings notifier`, `projector`, `edge`, `gateway`, `web`: one service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click
from tidings.cli.commands.shared import with_settings
from tidings.processes import compose
from tidings.runtime.process import run_service
from tidings.runtime.settings import Settings

WORKERS_LIMIT = 64


def _service(
    name: str, help_: str, work: Callable[[Settings], Coroutine[Any, Any, None]]
) -> click.Command:
    @click.command(name, help=help_)
    @with_settings
    def command(settings: Settings) -> None:
        sys.exit(run_service(work(settings), settings))

    return command


def _serving(name: str, help_: str, parts: tuple[str, ...]) -> click.Command:
    @click.command(name, help=help_)
    @click.option(
        "--workers",
        type=click.IntRange(1, WORKERS_LIMIT),
        default=1,
        help="How many processes listen on the port.",
    )
    @with_settings
    def command(settings: Settings, workers: int) -> None:
        sys.exit(
            run_service(
                compose.web_process(settings, parts)
                if workers == 1
                else _many(settings, name, workers),
                settings,
            )
        )

    return command


def _many(settings: Settings, name: str, count: int) -> Coroutine[Any, Any, None]:
    from tidings.processes.workers import run_workers

    return run_workers(settings, name, count)


notifier = _service(
    "notifier", "Run the notifier: from events to each person's log.", compose.notifier_process
)
projector = _service(
    "projector", "Run the projector: from the log to rows.", compose.projector_process
)
edge = _serving("edge", "Run the edge: where browsers connect.", ("edge",))
gateway = _serving("gateway", "Run the gateway: takes events over HTTP.", ("gateway",))
web = _serving("web", "Run edge and gateway on one port.", ("edge", "gateway"))
