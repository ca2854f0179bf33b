"""`tidings notifier`, `projector`, `edge`, `gateway`, `web`: one service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click

from services import compose
from services.commands.shared import reads_settings
from services.runtime.process import run
from services.runtime.settings import Settings


def _service(name: str, help_: str, work: Callable[[Settings], Coroutine[Any, Any, None]]) -> click.Command:
    @click.command(name, help=help_)
    @reads_settings
    def command(chosen: Settings) -> None:
        sys.exit(run(work(chosen), chosen))

    return command


notifier = _service("notifier", "Run the notifier: from events to each person's log.", compose.notifier)
projector = _service("projector", "Run the projector: from the log to rows.", compose.projector)
edge = _service("edge", "Run the edge: where browsers connect.", lambda chosen: compose.web(chosen, ("edge",)))
gateway = _service("gateway", "Run the gateway: takes events over HTTP.", lambda chosen: compose.web(chosen, ("gateway",)))
web = _service("web", "Run edge and gateway on one port.", lambda chosen: compose.web(chosen, ("edge", "gateway")))
