"""`tidings up` on other people's machines: names, addresses, variables and accounts."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.acceptance.lone_command import BARE, run_alone

START_SECONDS = 120
UNNAMED_ACCOUNT = 54_321
INJECTED = {
    "TIDINGS_SERVICE_HOST": "10.0.0.7",
    "TIDINGS_PORT": "tcp://10.0.0.7:8000",
    "TIDINGS_EDGE_PORT_8000_TCP_ADDR": "10.0.0.7",
    "TIDINGS_NATS_URL": "",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
}
"""What a cluster, a compose file and a company's network put into the environment."""


async def test_up_runs_in_a_home_of_any_name_on_ipv6_in_a_cluster(tmp_path: Path) -> None:
    home = tmp_path / "home of jürgen 🦊 $x 'q' \"d\""
    home.mkdir()
    # A file of the user's that has the name of a module must not be imported.
    (home / "nats.py").write_text("raise SystemExit('imported')")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tidings.cli", "up", "--host", "::1", "--port", "0"),
        cwd=home,
        env=BARE | INJECTED,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    try:
        ready = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        assert ready.startswith(b"ready http://[::1]:"), await process.stderr.read()
        emitted = await asyncio.to_thread(
            run_alone, tmp_path, "emit", "user.joined", "user_id=a", "--data-dir",
            str(home / ".tidings"), **INJECTED,
        )  # fmt: skip
        found = await asyncio.to_thread(
            run_alone, tmp_path, "doctor", "--data-dir", str(home / ".tidings"), **INJECTED
        )
    finally:
        process.terminate()
        _, err = await process.communicate()

    assert emitted.out.startswith("appended at sequence "), emitted.err
    assert f"edge: {ready.decode().split()[1]} is ready" in found.out
    assert "TIDINGS_SERVICE_HOST" in err.decode()
    assert "mails stay here: http://127.0.0.1:" in err.decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_an_account_without_a_name_is_told_what_to_do() -> None:
    reading, writing = os.pipe()
    from tidings.runtime.embedded.postgres_install import CannotRunPostgres, account_for

    child = os.fork()
    if child == 0:
        os.setuid(UNNAMED_ACCOUNT)
        try:
            account_for(Path("/nowhere"))
        except CannotRunPostgres as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)

    told = os.read(reading, 4096).decode()
    os.close(reading)
    assert f"uid {UNNAMED_ACCOUNT} is in no passwd file" in told
    assert "TIDINGS_POSTGRES_DSN" in told
