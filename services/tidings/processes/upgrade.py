"""Upgrade: make the read models fit this version before its services start."""

from __future__ import annotations

import logging
from collections.abc import Callable

from tidings.projections import PROJECTIONS
from tidings.projector.fitness import ReadModelUnusable, Unfit, unfit_read_models
from tidings.projector.rebuild import rebuild_read_model
from tidings.runtime.errors import Unavailable
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings

log = logging.getLogger("tidings.up")

Say = Callable[[str], None]
"""Tells the operator a line."""


async def fit_read_models(
    settings: Settings, *, rebuild: bool, lower_limits: bool, say: Say
) -> None:
    """Rebuild read models of another version, and with `rebuild` those that do not fit the log.

    `lower_limits` lets the settings lower limits of the streams first. Raises InvalidSettings, and
    ReadModelUnusable with the way out.
    """
    try:
        limits = "set" if lower_limits else "raise"
        async with open_runtime(settings, "upgrade", limits) as runtime:
            unfit = await unfit_read_models(runtime, PROJECTIONS)
            stuck = [each for each in unfit if not (rebuild or each.by_version)]
            if stuck:
                raise ReadModelUnusable(
                    "; ".join(each.reason for each in stuck)
                    + ". While nothing runs: tidings up --rebuild"
                )
            for each in unfit:
                await _rebuild(runtime, each, say)
    except Unavailable as error:  # the services wait for it, and say so
        log.warning("the read models are not checked: %s", error)


async def _rebuild(runtime: Runtime, unfit: Unfit, say: Say) -> None:
    name = unfit.projection.name
    say(f"{unfit.reason.partition('; run')[0]}; rebuilding {name} from the log …")
    before, after = await rebuild_read_model(runtime, unfit.projection, lambda _, __: None)
    say(f"{name}: {after} is live; {before} is gone")
