"""Emit rights: which types of events the scopes of a token permit to emit."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tidings.domains import PROTECTED_EVENTS
from tidings.runtime.setting_values import EMIT_SCOPE

EMIT = "emit"
ADMIN = "admin"
_PROTECTED = frozenset(event.type for event in PROTECTED_EVENTS)
EVERY_EMIT_SCOPE = " ".join(
    (EMIT, *sorted({f"emit:{type_.partition('.')[0]}.*" for type_ in _PROTECTED}))
)
"""The scopes that permit every type, for the commands that hold the installation's secret."""


class EmitRights(NamedTuple):
    """The types that a producer may emit: single ones, those below a prefix, all unprotected."""

    types: frozenset[str]
    prefixes: tuple[str, ...]
    unprotected: bool
    everything: bool

    def permits(self, type_: str) -> bool:
        """Return whether events of a type may be emitted."""
        return (
            self.everything
            or (self.unprotected and type_ not in _PROTECTED)
            or type_ in self.types
            or type_.startswith(self.prefixes)
        )


@lru_cache(maxsize=1024)
def emit_rights(scopes: frozenset[str]) -> EmitRights | None:
    """Return the rights that scopes give, None if they permit to emit nothing.

    `emit` permits all types but those of people, roles and sessions; `emit:role.*` permits those
    below `role.`, and with `admin` it is everything.
    """
    patterns = [match[1] for scope in scopes if (match := EMIT_SCOPE.match(scope))]
    if EMIT not in scopes and not patterns:
        return None
    return EmitRights(
        types=frozenset(pattern for pattern in patterns if not pattern.endswith(".*")),
        prefixes=tuple(pattern[:-1] for pattern in patterns if pattern.endswith(".*")),
        unprotected=EMIT in scopes,
        everything={EMIT, ADMIN} <= scopes,
    )
