"""The distribution `tidings` works in a service with its own `contracts` and `services`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.driver import Tidings
from tests.streams import read_stored_events

ROOT = Path(__file__).parents[2]
PYRIGHT = Path(sys.executable).with_name("pyright")

OWN_FILES = {
    "contracts.py": '"""Contracts of the service itself."""\n\nTASK_ID = "own-7"\n',
    "services/__init__.py": '"""Services of the service itself."""\n\nACTOR = "own-dina"\n',
    "emit.py": '''"""Emit an event made of the service's own values."""

import asyncio
import sys

from contracts import TASK_ID
from services import ACTOR
from tidings.client import EmittedEvent, Tidings
from tidings.domains.volunteers.events import TaskAssigned


async def emit_assignment(url: str, token: str) -> EmittedEvent:
    async with Tidings(url, token, source="/own") as tidings:
        event = TaskAssigned(task_id=TASK_ID, task_title="Say hello", user_id="amira")
        return await tidings.emit(event, actor=ACTOR)


print(asyncio.run(emit_assignment(sys.argv[1], sys.argv[2])).id)
''',
}


async def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return its output; raises AssertionError with all its output on failure."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    return output


@pytest.fixture(scope="module")
async def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a fresh environment with nothing but the wheel of `contracts/`."""
    if not shutil.which("uv"):
        pytest.skip("needs uv, which builds the wheel and makes the environment")
    folder = tmp_path_factory.mktemp("distribution")
    await run("uv", "build", "--wheel", "--out-dir", folder / "dist", "contracts", cwd=ROOT)
    await run("uv", "venv", "--python", sys.executable, folder / "environment", cwd=folder)
    python = folder / "environment/bin/python"
    (wheel,) = (folder / "dist").glob("*.whl")
    # Run in the workspace, whose constraints pin the versions of the dependencies.
    await run("uv", "pip", "install", "--python", python, wheel, cwd=ROOT)
    return python


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """Return the folder of a service with modules named like folders of this repository."""
    for name, source in OWN_FILES.items():
        file = tmp_path / "service" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    return tmp_path / "service"


async def test_a_service_emits_beside_modules_of_its_own(
    tidings: Tidings, environment: Path, service: Path
) -> None:
    output = await run(
        environment, "emit.py", tidings.url, tidings.token(scope="emit"), cwd=service
    )

    (message,) = await read_stored_events(tidings)
    event = json.loads(message.data)
    assert event["id"] == output.strip()
    assert event["actor"] == "own-dina"
    assert event["data"]["task_id"] == "own-7"


async def test_the_service_passes_strict_type_checking(environment: Path, service: Path) -> None:
    if not PYRIGHT.exists():
        pytest.skip("needs pyright beside this Python, from the group `check`")
    (service / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))

    report = await run(PYRIGHT, "--outputjson", "--pythonpath", environment, ".", cwd=service)

    assert json.loads(report)["generalDiagnostics"] == []
    assert json.loads(report)["summary"]["filesAnalyzed"] == len(OWN_FILES)
