"""The command line without services: run in an empty directory, with a bare environment."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner
from tidings.cli.root import root

from tests.acceptance.command import CommandResult

TIMEOUT_SECONDS = 60.0
BARE = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def run_alone(directory: Path, *words: str, **environment: str) -> CommandResult:
    """Run `tidings …` as a process; its errors must not be tracebacks."""
    ended = subprocess.run(
        (sys.executable, "-m", "tidings.cli", *words),
        cwd=directory,
        env={**BARE, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    errors = ended.stderr.decode(errors="replace")
    assert "Traceback" not in errors, errors
    return CommandResult(ended.returncode, ended.stdout.decode(errors="replace"), errors)


def run_inside(directory: Path, *words: str, **environment: str) -> CommandResult:
    """Run `tidings …` in this process, which is faster; for commands that end at their checks."""
    unset = {name: None for name in os.environ if name.startswith("TIDINGS_")}
    with chdir(directory):
        ended = CliRunner().invoke(root, words, env={**unset, **environment}, prog_name="tidings")
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return CommandResult(ended.exit_code, ended.stdout, ended.stderr)
