"""The forms of settings: what a preference is about, and times of the wall clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from tidings.contracts.categories import CATEGORIES
from tidings.contracts.channels import PREFERENCE_CHANNELS
from tidings.contracts.text_forms import TextForm, near_names, unknown_name

ScopeKind = Literal["all", "category", "type", "group", "entity"]
SCOPE_KINDS: tuple[ScopeKind, ...] = get_args(ScopeKind)
"""What a preference can be about, the least specific first."""
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)

SCOPE = TextForm(
    r"^(?:all|(?:category|type|group):[^\x00-\x20\x7f][^\x00-\x1f\x7f]*"
    r"|entity:[^\x00-\x20\x7f:][^\x00-\x1f\x7f:]*:[^\x00-\x20\x7f][^\x00-\x1f\x7f]*)\Z",
    320,
    "must be `all`, `category:task`, `type:task.assigned`, `group:room:9` or `entity:task:456`",
)
CLOCK_TIME_PATTERN = r"^(?:[01]\d|2[0-3]):[0-5]\d\Z"
END_OF_DAY = "24:00"

_SCOPE_KIND = re.compile(r"([^:]{1,32})(?::|\Z)")


class Scope(NamedTuple):
    """What a preference is about: all, or what one word of a kind names."""

    kind: ScopeKind
    name: str = ""

    @property
    def specificity(self) -> int:
        """Return how specific it is; of several that match, the highest decides."""
        return SCOPE_KINDS.index(self.kind)


def parse_scope(text: str) -> Scope | None:
    """Return the scope that `category:task` spells; None for any other text."""
    if not SCOPE.fits(text):
        return None
    kind, _, name = text.partition(":")
    return next((Scope(known, name) for known in SCOPE_KINDS if known == kind), None)


def scope_faults(text: str) -> Iterator[tuple[str, str]]:
    """Return why a text is no scope."""
    if not SCOPE.fits(text):
        kind = _SCOPE_KIND.match(text)
        near = near_names(kind[1], SCOPE_KINDS) if kind and kind[1] not in SCOPE_KINDS else ()
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        yield "of", f"{SCOPE.reason}{hint}"


def unknown_scopes(text: str) -> Iterator[tuple[str, str]]:
    """Return the category of a scope if it is a misspelling of a known one.

    Others are not refused: a notification written by hand may have any category.
    """
    scope = parse_scope(text)
    if not scope or scope.kind != "category" or scope.name in CATEGORIES:
        return
    if near := near_names(scope.name, CATEGORIES):
        yield "of", f"`{scope.name}` is not a category; did you mean {', '.join(near)}?"


def unknown_channels(field: str, channels: Iterable[str | None]) -> Iterator[tuple[str, str]]:
    """Return the channels that people cannot choose."""
    for channel in channels:
        if channel is not None and channel not in PREFERENCE_CHANNELS:
            yield field, unknown_name("a channel", PREFERENCE_CHANNELS, channel)
