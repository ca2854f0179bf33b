"""The browser's client as the edge serves it."""

from __future__ import annotations

import gzip

import pytest
from tidings.edge.assets import FOLDER

from tests.driver import Tidings


async def test_a_file_comes_once_and_is_then_only_asked_after(tidings: Tidings) -> None:
    first = await tidings.http.get("/web/client.js")

    again = await tidings.http.get(
        "/web/client.js", headers={"If-None-Match": first.headers["etag"]}
    )

    assert first.content == (FOLDER / "client.js").read_bytes()
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["content-encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


async def test_pages_of_other_origins_may_load_it_and_nobody_may_take_it_for_something_else(
    tidings: Tidings,
) -> None:
    loaded = await tidings.http.get(
        "/web/client.js",
        headers={"Accept-Encoding": "identity", "Origin": "https://elsewhere.example"},
    )
    asked = await tidings.http.head("/web/client.js")

    assert (
        loaded.headers["access-control-allow-origin"],
        loaded.headers["x-content-type-options"],
    ) == ("*", "nosniff")
    assert "content-encoding" not in loaded.headers
    assert (asked.status_code, asked.content) == (200, b"")
    assert loaded.headers["etag"] != (await tidings.http.get("/web/client.js")).headers["etag"]


async def test_a_page_runs_no_script_but_our_own(tidings: Tidings) -> None:
    page = await tidings.http.get("/web/blank.html")

    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name",
    [
        "tsconfig.json",
        "package.json",
        "none.js",
        "../edge.py",
        "%2e%2e/edge.py",
        "node_modules/x.js",
        "",
        "//client.js/..",
    ],
)
async def test_no_other_name_leads_anywhere(tidings: Tidings, name: str) -> None:
    found = await tidings.http.get(f"/web/{name}")

    assert found.status_code == 404
    assert found.headers["content-type"] == "application/problem+json"


def test_packed_it_is_the_same() -> None:
    from tidings.edge.assets import Asset

    asset = Asset.of(FOLDER / "client.js")

    assert gzip.decompress(asset.packed) == asset.content
