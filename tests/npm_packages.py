"""Programs of npm that tests run, as `tests/npm/package.json` pins them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

NPM_FOLDER = Path(__file__).with_name("npm")


def require_npm_packages() -> Path:
    """Return the folder that node resolves the packages from; skip the test without them."""
    if not (shutil.which("node") and (NPM_FOLDER / "node_modules").is_dir()):
        pytest.skip("needs node and the packages of tests/npm: `just npm` installs them")
    return NPM_FOLDER


async def run_node(script: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Return what a script prints; fails if it fails."""
    command = ("node", str(script), str(require_npm_packages()), *arguments)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin)
    assert process.returncode == 0, errors.decode()
    return output.decode()
