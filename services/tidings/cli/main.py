"""The command line: `tidings …`."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""


def main() -> None:
    """Run a command; Ctrl-C ends it without a traceback, even while it is loaded."""
    try:
        from tidings.cli.root import root

        root(prog_name="tidings")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
