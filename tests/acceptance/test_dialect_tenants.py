"""The product of a tenant, where barbershop and incidents share a path."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest
from tidings.edge.dialects.tenants import CACHE_SECONDS
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import BARBERSHOP, CHAT, INCIDENTS, open_front_end, request_as_alice
from tests.builders import make_announcement, make_event
from tests.driver import WAIT_SECONDS, Tidings
from tests.tokens import sign_token
from tests.web_processes import run_web

BASE = "/api/v1/notifications"


def product_of(response: httpx.Response) -> str:
    """Return the product of an answer: the barbershop lists an array, the incidents an object."""
    assert response.status_code == 200, response.text
    body: Any = response.json()
    if isinstance(body, list):
        return "barbershop"
    assert body.keys() == {"items", "total", "page", "size", "pages"}
    return "incidents"


async def test_the_answer_to_an_undecided_tenant_names_the_ways_to_decide(tidings: Tidings) -> None:
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=1)
    identifier = (await tidings.list_all("alice"))[0]["id"]

    answers = [
        await request_as_alice(tidings, "GET", BASE),
        await request_as_alice(tidings, "DELETE", f"{BASE}/{identifier}"),
    ]

    for answer in answers:
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (409, "/schema#undecided-product")
        assert problem["tenant"] == tidings.tenant
        assert problem["dialects"] == ["barbershop", "incidents"]
        for way in ("TIDINGS_DIALECTS", "claim `dialect`", "tenant.configured"):
            assert way in problem["detail"]
    assert (await tidings.wait_for_counts("alice", total=1))["unread"] == 1


@pytest.mark.parametrize("dialect", ["barbershop", "incidents"])
async def test_the_claim_of_the_token_decides(tidings: Tidings, dialect: str) -> None:
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=1)
    identifier = (await tidings.list_all("alice"))[0]["id"]
    tidings.dialect = dialect

    listed = await request_as_alice(tidings, "GET", f"{BASE}/", unread_only=True)
    deleted = await request_as_alice(tidings, "DELETE", f"{BASE}/{identifier}")

    assert product_of(listed) == dialect
    assert deleted.json() == {"message": "Notification deleted"}
    assert (await request_as_alice(tidings, "DELETE", f"{BASE}/{identifier}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "product"), [(BARBERSHOP, "barbershop"), (INCIDENTS, "incidents")]
)
async def test_the_page_that_the_person_has_open_decides(
    tidings: Tidings, path: str, product: str
) -> None:
    async with open_front_end(tidings, CHAT) as chat, open_front_end(tidings, path) as page:
        await chat.read_pending()
        await page.read_pending()
        of_alice = await request_as_alice(tidings, "GET", BASE)
        of_bob = await tidings.http.get(BASE, headers=tidings.headers("bob"))

    assert product_of(of_alice) == product
    assert of_bob.status_code == 409


async def test_pages_of_both_products_decide_nothing(tidings: Tidings) -> None:
    async with (
        open_front_end(tidings, BARBERSHOP) as barbershop,
        open_front_end(tidings, INCIDENTS) as incidents,
    ):
        await barbershop.read_pending()
        await incidents.read_pending()

        assert (await request_as_alice(tidings, "GET", BASE)).status_code == 409


async def test_the_newest_configuration_of_the_tenant_decides(tidings: Tidings) -> None:
    for dialect in ("incidents", "barbershop"):
        await tidings.emit(make_event("tenant.configured", dialect=dialect))
        async with asyncio.timeout(WAIT_SECONDS + 2 * CACHE_SECONDS):
            while True:
                answer = await request_as_alice(tidings, "GET", BASE)
                if answer.status_code == 200 and product_of(answer) == dialect:
                    break
                await asyncio.sleep(0.1)
    tidings.dialect = "incidents"

    assert product_of(await request_as_alice(tidings, "GET", BASE)) == "incidents"


async def test_a_tenant_of_a_third_product_has_no_such_requests(tidings: Tidings) -> None:
    tidings.dialect = "chat"

    answer = await request_as_alice(tidings, "GET", BASE)

    assert answer.status_code == 404 and "`chat`" in answer.json()["detail"]


async def test_the_setting_decides_before_the_claim_and_the_page(
    tidings: Tidings, chosen: Settings
) -> None:
    tidings.dialect = "barbershop"
    async with (
        run_web(chosen, dialects=f"barbershop=other;incidents={tidings.tenant}") as edge,
        Tidings(edge.url, None, tidings.tenant) as there,
        open_front_end(there, BARBERSHOP) as page,
    ):
        there.dialect = "barbershop"
        await page.read_pending()

        assert product_of(await request_as_alice(there, "GET", BASE)) == "incidents"
    assert product_of(await request_as_alice(tidings, "GET", BASE)) == "barbershop"


async def test_a_token_without_a_tenant_has_that_of_the_one_product_with_a_default(
    tidings: Tidings, chosen: Settings
) -> None:
    defaults: dict[str, Any] = {
        "default_tenant": f"incidents={tidings.tenant},chat=other",
        "default_scope": "incidents=inbox",
        "dialects": f"incidents={tidings.tenant}",
    }
    await tidings.emit(make_announcement("7", title="Hello"))
    await tidings.wait_for_counts("7", total=1)
    token = sign_token(sub=7, exp=time.time() + 60)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        run_web(chosen, **defaults) as edge,
        httpx.AsyncClient(base_url=edge.url, headers=headers, timeout=30) as client,
    ):
        listed = await client.get(BASE)
        stats = await client.get(f"{BASE}/stats")

    assert product_of(listed) == "incidents"
    assert [item["user_id"] for item in listed.json()["items"]] == ["7"]
    assert stats.json()["total"] == 1
