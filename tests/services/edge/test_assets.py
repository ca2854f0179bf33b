"""The browser client's files as the edge serves them."""

from __future__ import annotations

import gzip

import pytest
from tidings.edge.http.assets import WEB_FOLDER

from tests.driver import Tidings


async def test_a_file_is_sent_once_and_then_revalidated(tidings: Tidings) -> None:
    first = await tidings.http.get("/web/client.js")

    again = await tidings.http.get(
        "/web/client.js", headers={"If-None-Match": first.headers["etag"]}
    )

    assert first.content == (WEB_FOLDER / "client.js").read_bytes()
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["content-encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


async def test_pages_of_other_origins_may_load_a_file_with_its_exact_type(
    tidings: Tidings,
) -> None:
    response = await tidings.http.get(
        "/web/client.js",
        headers={"Accept-Encoding": "identity", "Origin": "https://elsewhere.example"},
    )
    head_response = await tidings.http.head("/web/client.js")

    assert (
        response.headers["access-control-allow-origin"],
        response.headers["x-content-type-options"],
    ) == ("*", "nosniff")
    assert "content-encoding" not in response.headers
    assert (head_response.status_code, head_response.content) == (200, b"")
    assert response.headers["etag"] != (await tidings.http.get("/web/client.js")).headers["etag"]


async def test_a_page_runs_only_our_own_scripts(tidings: Tidings) -> None:
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
async def test_any_other_name_is_not_found(tidings: Tidings, name: str) -> None:
    response = await tidings.http.get(f"/web/{name}")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_the_compressed_file_has_the_same_content() -> None:
    from tidings.edge.http.assets import read_asset

    asset = read_asset(WEB_FOLDER / "client.js")

    assert gzip.decompress(asset.gzipped) == asset.content
