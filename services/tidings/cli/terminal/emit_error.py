"""The error of `tidings emit`."""

from __future__ import annotations

from tidings.client.errors import Permanent


class EmitError(Permanent):
    """Something could not be emitted; its text says what, where and what to do."""
