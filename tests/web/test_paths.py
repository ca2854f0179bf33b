"""A page of an edge that a proxy serves below a path: everything is asked for there."""

from __future__ import annotations

from pathlib import Path

from tidings.runtime.settings import Settings

from tests.driver import Tidings
from tests.nginx import run_nginx
from tests.web.titles import emit_titles
from tests.web.visitor import BLANK, Tab, Visitor
from tests.web_processes import run_web

LOCATION = """
location /notify/ {
    proxy_pass http://backend/;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $http_host;
    proxy_buffering off;
}
"""
TRANSPORTS = ("socket", "stream", "log")


async def test_below_a_path_of_a_proxy_every_transport_list_mark_and_worker_goes_there(
    visitor: Visitor, tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    await emit_titles(tidings, "one")
    async with run_web(chosen, trusted_proxies="127.0.0.1") as edge:
        upstream = {"backend": edge.url.partition("//")[2]}
        async with run_nginx(tmp_path, upstream, LOCATION) as url:
            for transport in TRANSPORTS:
                page = await visitor.open_page(f"/notify{BLANK}", url=url)
                await visitor.connect_page(
                    page, "amira", edge="/notify", transports=[transport], account=transport
                )
                tab = await Tab(page).until_live()
                await tab.wait_until("tidings.notifications.length === 1")
            named = await visitor.open_page(f"/notify{BLANK}", url=url)
            await visitor.connect_page(named, "amira", edge="/notify", url=f"{url}/notify/?a=b")
            await Tab(named).until_live()

            page = await named.evaluate("tidings.list({ state: 'all' })")
            await named.evaluate("tidings.mark('read', [tidings.notifications[0].id])")
            await Tab(named).wait_until("!tidings.pending.length && tidings.counts.unread === 0")

    assert [each["title"] for each in page["notifications"]] == ["one"]
    assert (await tidings.get("/v1/counts", "amira"))["unread"] == 0
