"""Room on a disk: found by writing too, because quotas do not show in its figures."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

TRIAL_BYTES = 8 * 1024 * 1024
"""What a server needs at least to start, and to store for a while."""
FREE_BYTES = 4 * TRIAL_BYTES
"""With less, the trial itself could take what another server on the disk needs at the moment."""


def has_room(directory: Path) -> bool:
    """Return whether a disk has free space, and a file of a few megabytes can be written there."""
    trial = directory / "room"
    try:
        if shutil.disk_usage(directory).free <= FREE_BYTES:
            return False
        with trial.open("wb") as file:
            file.write(bytes(TRIAL_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    finally:
        with suppress(OSError):
            trial.unlink()
    return True
