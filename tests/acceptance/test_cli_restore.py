"""`tidings emit --file`: inputs that can be read once, and exports of several tenants."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.command import WAIT_SECONDS, Command
from tests.builders import make_event
from tests.driver import Tidings
from tests.streams import read_stored_events
from tests.tokens import sign_token
from tests.waiting import wait_until
from tests.web_processes import make_environment

PROXIES = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"}


def lines_of(count: int, **attributes: Any) -> bytes:
    events = [make_event("user.joined", user_id=f"u{n}") | attributes for n in range(count)]
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_pipe_that_can_be_read_once_is_emitted_whole(
    cli: Command, tmp_path: Path, compressed: bool
) -> None:
    pipe, lines = tmp_path / "pipe", lines_of(1200)
    os.mkfifo(pipe)
    content = gzip.compress(lines) if compressed else lines
    writing = asyncio.create_task(asyncio.to_thread(pipe.write_bytes, content))

    out = await cli.read_output("emit", "--file", str(pipe), "--tenant", cli.tidings.tenant)
    await writing

    assert out == "1200 events: 1200 appended, 0 known already\n"


async def test_the_lines_of_a_slow_writer_are_not_held_back(cli: Command) -> None:
    async with cli.start("emit", "--file", "-", "--tenant", cli.tidings.tenant) as process:
        assert process.stdin
        process.stdin.write(lines_of(1))
        await process.stdin.drain()
        await wait_until(lambda: read_stored_events(cli.tidings))
        process.stdin.write(lines_of(1).rstrip())
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) == 0

    assert len(await read_stored_events(cli.tidings)) == 2


async def test_an_export_of_two_tenants_is_restored_with_its_dates(
    cli: Command, tidings: Tidings
) -> None:
    here, there = f"here-{uuid4()}", f"there-{uuid4()}"
    dated = "2020-02-29T12:00:00Z"
    export = b"".join(
        lines_of(2, tenant=tenant, logsequence=f"{number}", logtime="2021-01-01T00:00:00.5Z")
        for number, tenant in enumerate((here, there, here))
    ) + lines_of(1, tenant=there, time=dated, logsequence="9", logtime="2021-01-01T00:00:00Z")

    first = await cli.read_output("emit", "--file", "-", stdin=export)
    again = await cli.read_output("emit", "--file", "-", stdin=export)
    exported = await cli.read_output("events", "export", "--tenant", there)

    assert first == "7 events: 7 appended, 0 known already\n"
    assert again == "7 events: 0 appended, 7 known already\n"
    lines = [json.loads(line) for line in exported.splitlines()]
    assert [(line["tenant"], line["time"]) for line in lines] == [
        (there, "2021-01-01T00:00:00.5Z"),
        (there, "2021-01-01T00:00:00.5Z"),
        (there, dated),
    ]
    assert all(int(line["logsequence"]) > 9 and line["logtime"] > "2021" for line in lines)


async def test_a_token_of_one_tenant_does_not_restore_another(cli: Command) -> None:
    export = lines_of(1, tenant="someone-else", logsequence="1", logtime="2021-01-01T00:00:00Z")
    now = int(time.time())
    token = sign_token(
        sub="cli", tenant=cli.tidings.tenant, scope="emit admin", iat=now, exp=now + 600
    )

    cases: list[tuple[tuple[str, ...], str]] = [((), token), (("--tenant", cli.tidings.tenant), "")]
    for words, given in cases:
        err = await cli.read_error("emit", "--file", "-", *words, stdin=export, client_token=given)

        assert f"the token is for the tenant `{cli.tidings.tenant}`" in err
        assert "the event for `someone-else`" in err


READ = {"actor": "alice", "source": "/tidings"}


async def test_only_a_line_of_an_export_restores_what_tidings_itself_states(cli: Command) -> None:
    tenant = ("--tenant", cli.tidings.tenant)
    plain = lines_of(1, **READ)
    exported = lines_of(1, **READ, logsequence="1", logtime="2021-01-01T00:00:00Z")

    refused = await cli.read_error("emit", "--file", "-", *tenant, stdin=plain)
    of_export = await cli.read_output("emit", "--file", "-", *tenant, stdin=exported)
    asked = await cli.read_output("emit", "--file", "-", "--restore", *tenant, stdin=plain)

    assert "`/tidings` is a source of Tidings itself" in " ".join(refused.split())
    assert of_export == asked == "1 events: 1 appended, 0 known already\n"


async def test_unknown_names_are_said_with_near_ones(cli: Command) -> None:
    tenant = cli.tidings.tenant
    await cli.tidings.emit(make_event("user.joined", user_id="a"))

    absent = await cli.read_error("events", "export", "--tenant", f"{tenant}x")
    misspelt = await cli.read_error("events", "export", "--type", "user.joinedd")
    without = await cli.read_error("events", "export", "--tenant", tenant, "--type", "task.deleted")

    assert f"the log has no event of the tenant `{tenant}x`" in absent
    assert "did you mean user.joined" in misspelt
    assert f"the log has no event `task.deleted` of the tenant `{tenant}`" in without


@pytest.mark.parametrize(("source", "identifier"), [("/my-service", "43"), ("my/service", "a/b")])
async def test_receipts_find_an_event_by_tenant_source_and_id(
    cli: Command, source: str, identifier: str
) -> None:
    await cli.tidings.emit(
        make_event("user.joined", user_id="a") | {"source": source, "id": identifier}
    )
    name = f"{cli.tidings.tenant}/{source.removeprefix('/')}/{identifier}"

    async with asyncio.timeout(WAIT_SECONDS):
        while (result := await cli("receipts", "--event", name)).code:
            assert f"there is no event {name}" in result.err

    assert "0 told" in result.out


async def test_receipts_fit_a_narrow_terminal(cli: Command) -> None:
    await cli.tidings.emit(make_event("user.joined", user_id="a"))
    (event,) = await read_stored_events(cli.tidings)
    narrow = Command(cli.tidings, {**cli.environment, "COLUMNS": "40"})

    out = await narrow.read_output("receipts", "--event", str(event.sequence))

    assert all(len(line) <= 40 for line in out.splitlines())


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    tidings: Tidings, chosen: Settings
) -> None:
    environment = make_environment(chosen, client_url=tidings.url) | PROXIES
    cli = Command(tidings, environment)

    out = await cli.read_output("emit", "user.joined", "user_id=a", "--tenant", tidings.tenant)
    async with cli.start("listen", "--user", "a", "--tenant", tidings.tenant) as process:
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS)

    assert out.startswith("appended at sequence ")
    assert line.startswith(b"connected as a")
    doctor = (await cli("doctor")).out
    assert f"edge: {tidings.url} is ready" in doctor


async def test_a_listener_ends_when_the_reader_of_its_pipe_goes(cli: Command) -> None:
    async with cli.start("listen", "--user", "a", "--tenant", cli.tidings.tenant) as process:
        assert process.stdout and process.stderr
        await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS)
        transport: Any = process._transport  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
        transport.get_pipe_transport(1).close()

        assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) == 141
        assert await process.stderr.read() == b""


async def test_a_snapshot_says_how_many_it_leaves_out(cli: Command) -> None:
    tenant = cli.tidings.tenant
    await cli.tidings.emit(
        *(
            make_event("announcement.published", title=str(n), message="m", to={"users": ["a"]})
            for n in range(55)
        )
    )
    await cli.tidings.wait_for_counts("a", total=55)

    async with cli.start("listen", "--user", "a", "--tenant", tenant) as process:
        assert process.stdout
        out = b""
        async with asyncio.timeout(WAIT_SECONDS):
            while b"caught up" not in out:
                out += await process.stdout.readline()

    assert b"these are the newest 50; 5 older ones are not shown" in out
