"""The routes of the edge: gives each the parts of the edge that it uses, and its guard."""

from __future__ import annotations

from typing import Any

from tidings.contracts.subjects import EVENTS
from tidings.edge.edge import Edge
from tidings.edge.http import (
    acks,
    actions,
    activity,
    connections,
    log,
    marks,
    metrics,
    notifications,
    tickets,
)
from tidings.edge.http.actions import Actions
from tidings.edge.http.metrics_queries import EventReadModels
from tidings.edge.presence import api as presence_api


def handlers(edge: Edge) -> list[Any]:
    """Return the edge's route handlers."""
    guards, runtime = edge.guards, edge.runtime
    read_models = EventReadModels(runtime.postgres, runtime.epochs[EVENTS])
    chosen_actions = Actions(edge.log, edge.appender, runtime)
    return [
        *connections.handlers(edge.gate, edge.connections, edge.marks),
        log.handler(edge.log, guards.inbox),
        *notifications.handlers(edge.log, guards.inbox),
        marks.handler(edge.marks, guards.inbox),
        acks.handler(edge.log, edge.acks, guards.inbox),
        actions.handler(chosen_actions, guards.inbox),
        *presence_api.handlers(edge.presence, guards.inbox),
        *metrics.handlers(read_models, guards.tenant),
        activity.handler(read_models, guards.tenant),
        tickets.handler(edge.gate, guards.tickets),
    ]
