"""A real PgBouncer in front of a Postgres of this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.nginx import find_program, wait_for_port
from tests.ports import find_free_port

CONFIGURATION = """
[databases]
{database} = {target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 8
{user}
"""


@asynccontextmanager
async def run_pgbouncer(
    folder: Path, dsn: str, mode: str, port: int | None = None
) -> AsyncIterator[str]:
    """Run a PgBouncer in `session` or `transaction` mode; yield the DSN through it."""
    program = find_program("pgbouncer")
    target, port = conninfo_to_dict(dsn), port or find_free_port()
    database = str(target["dbname"])
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURATION.format(
            database=database,
            target=make_conninfo("", **target),
            port=port,
            mode=mode,
            user="user = nobody" if os.geteuid() == 0 else "",
        )
    )
    process = await asyncio.create_subprocess_exec(program, "--quiet", str(file))
    try:
        await wait_for_port(port)
        yield make_conninfo(host="127.0.0.1", port=port, dbname=database, user=str(target["user"]))
    finally:
        process.terminate()
        await process.wait()
