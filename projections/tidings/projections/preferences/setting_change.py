"""The changes of settings: one begins, or ends; values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct
from tidings.contracts.codec import encode
from tidings.projections.preferences.values import (
    ADDRESSES_LIMIT,
    DEVICES_LIMIT,
    ENDPOINTS_LIMIT,
    PREFERENCES_LIMIT,
    SCHEDULES_LIMIT,
    TENANT,
    Kind,
)

_LIMITS: Mapping[Kind, int] = {
    "preference": PREFERENCES_LIMIT,
    "address": ADDRESSES_LIMIT,
    "confirmed": ADDRESSES_LIMIT,
    "device": DEVICES_LIMIT,
    "endpoint": ENDPOINTS_LIMIT,
    "replay": ENDPOINTS_LIMIT,
    "suppressed": ADDRESSES_LIMIT + DEVICES_LIMIT + ENDPOINTS_LIMIT,
    "schedule": SCHEDULES_LIMIT,
    "schedule_time": SCHEDULES_LIMIT,
    "published": SCHEDULES_LIMIT,
}
_NO_LIMIT = 2**31 - 1


class SettingGiven(NamedTuple):
    """A setting holds from now on; one of the same kind and key ends.

    `renews`: it is a new setting even if the value is the same. Of a kind, an owner has at most
    `limit_rows`: the oldest one beyond them ends.
    """

    user_id: str
    kind: Kind
    key: str
    value: str
    renews: bool
    limit_rows: int


class SettingCleared(NamedTuple):
    """A setting ends; all of the owner's, if there is no kind."""

    user_id: str
    kind: Kind | None = None
    key: str = ""


SettingChange = SettingGiven | SettingCleared


def give_setting(
    user: str | None, kind: Kind, key: str, value: Struct, *, renews: bool = True
) -> SettingGiven:
    """Return that a setting of a user, or of the tenant, holds from now on."""
    limit = _LIMITS.get(kind, _NO_LIMIT)
    return SettingGiven(user or TENANT, kind, key, encode(value).decode(), renews, limit)
