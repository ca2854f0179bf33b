"""The barbershop's limits, status, nginx block and settings, as its document has them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import BARBERSHOP as PATH
from tests.acceptance.frontends import open_front_end
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import WAIT_SECONDS, Tidings
from tests.nginx import run_nginx
from tests.products.barbershop import add_staff
from tests.products.documents import BARBERSHOP, read_document
from tests.products.socket_log import read_handshake_status
from tests.web_processes import run_web


async def test_a_token_that_is_missing_forged_or_expired_is_refused_at_the_handshake(
    tidings: Tidings,
) -> None:
    expired = tidings.token("alice", seconds=-60)
    statuses = [
        await read_handshake_status(tidings, PATH, token) for token in ("", "forged", expired)
    ]

    assert statuses == [401, 401, 401]


async def test_a_sixth_tab_is_refused_at_the_handshake(tidings: Tidings, chosen: Settings) -> None:
    tabs = [open_front_end(tidings, PATH) for _ in range(chosen.connections_per_user)]
    for tab in tabs:
        await (await tab.__aenter__()).read_pending()

    status = await read_handshake_status(tidings, PATH, tidings.token("alice"))

    for tab in tabs:
        await tab.__aexit__(None, None, None)
    assert status == 429


async def test_the_status_names_the_connections_of_barbershops_only_and_needs_no_token(
    tidings: Tidings, chosen: Settings
) -> None:
    [path] = re.findall(r"status endpoint: `(\S+)`", read_document(BARBERSHOP).text)
    location = uuid4().hex
    await add_staff(tidings, location, "alice")
    expected = {"total_users": 3, "total_connections": 4, "by_location": {location: 2}}
    async with (
        run_web(chosen, dialects=f"barbershop={tidings.tenant}") as edge,
        make_driver_at(tidings, edge.url) as there,
        make_driver_at(tidings, edge.url, "another") as stranger,
        open_front_end(there, PATH),
        open_front_end(there, PATH),
        open_front_end(there, PATH, "bob"),
        open_front_end(tidings, PATH, "cho"),
        stranger.socket("eve") as client,
        asyncio.timeout(WAIT_SECONDS),
    ):
        await client.live()
        while True:
            status = (await there.http.get(path)).json()
            if status["connections"] == expected:
                break
            await asyncio.sleep(0.1)

    assert status == {"status": "active", "connections": expected}


async def test_the_printed_nginx_block_works_in_front_of_an_edge(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    block = read_document(BARBERSHOP).block("nginx", "location /api/v1/ws")
    async with (
        run_web(chosen, trusted_proxies="127.0.0.1") as edge,
        run_nginx(tmp_path, {"backend": edge.url.partition("//")[2]}, block) as url,
        make_driver_at(tidings, url) as there,
        open_front_end(there, PATH) as page,
    ):
        await tidings.emit(make_announcement("alice", title="through nginx"))
        frame = await page.next("notification")
        status = await there.http.get("/api/v1/ws/status")

    assert frame["data"]["title"] == "through nginx"
    assert status.status_code == 200 and status.json()["status"] == "active"


async def test_the_documents_settings_are_named_at_start_with_what_took_their_place(
    chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = read_document(BARBERSHOP).block("env", "WS_HEARTBEAT_INTERVAL")
    settings = dict(re.findall(r"^(WS_\w+)=(\S+)", block, flags=re.MULTILINE))
    assert len(settings) == 3
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    log = tmp_path / "edge.log"
    async with run_web(chosen, log=log, log_level="WARNING"):
        pass

    assert [name for name in settings if name not in log.read_text()] == []
