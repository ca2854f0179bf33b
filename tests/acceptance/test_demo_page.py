"""The demonstration page: its requests exist in a demonstration only, for its own page only."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from tidings.demo.api import REQUEST_RATE
from tidings.demo.backend import TOKEN_SECONDS, DemoBackend
from tidings.demo.stories import STORIES
from tidings.demo.stories.story import EventsScene, Story
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import SECRET, Tidings
from tests.web_processes import run_web

TOM = {"story": "field-service", "user": "tom"}


@pytest.fixture(scope="module")
async def demo_page(chosen: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Return an HTTP client that sends requests as the page of a demonstration does."""
    async with (
        run_web(chosen, demo=True) as running,
        httpx.AsyncClient(base_url=running.url, headers={"Origin": running.url}) as page,
    ):
        yield page


def bearer_header(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/demo/stories", "/demo/sign-in", "/demo/stories/chat/scenes/0"])
async def test_without_a_demonstration_its_routes_do_not_exist(tidings: Tidings, path: str) -> None:
    answers = [
        await tidings.http.request(method, path, headers={"Origin": tidings.url}, json=TOM)
        for method in ("GET", "POST")
    ]

    assert {answer.status_code for answer in answers} == {404}


async def test_the_index_page_shows_the_api_or_the_demonstration(
    tidings: Tidings, demo_page: httpx.AsyncClient
) -> None:
    page, page_of_demo = await tidings.http.get("/"), await demo_page.get("/")

    assert "/schema" in page.raise_for_status().text
    assert "/web/demo/demo.js" in page_of_demo.raise_for_status().text
    assert {answer.headers["content-type"] for answer in (page, page_of_demo)} == {
        "text/html; charset=utf-8"
    }
    assert all(
        "script-src 'self'" in answer.headers["content-security-policy"]
        for answer in (page, page_of_demo)
    )


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_user_who_signs_in_sees_earlier_notifications_and_those_of_a_scene(
    tidings: Tidings, demo_page: httpx.AsyncClient, story: Story
) -> None:
    number, scene = next(
        (at, scene) for at, scene in enumerate(story.scenes) if isinstance(scene, EventsScene)
    )
    user, new_count = next(iter(scene.notifications.items()))
    session = (
        (await demo_page.post("/demo/sign-in", json={"story": story.name, "user": user}))
        .raise_for_status()
        .json()
    )

    async with Tidings(
        str(demo_page.base_url).rstrip("/"), tidings.runtime, session["tenant"]
    ) as driver:
        client = await (await driver.connect(user, token=session["token"])).live()
        entry_count = len(client.entries)
        events = (
            (await demo_page.post(f"/demo/stories/{story.name}/scenes/{number}"))
            .raise_for_status()
            .json()
        )
        await client.until(entry_count + new_count)

    assert [(notification["type"], notification["actor"]) for notification in events] == [
        (fact.event.type, fact.actor) for fact in scene.events
    ]
    assert [notification["sequence"] for notification in events] == sorted(
        notification["sequence"] for notification in events
    )


async def test_the_events_before_a_story_are_emitted_once_by_several_processes(
    tidings: Tidings, chosen: Settings, demo_page: httpx.AsyncClient
) -> None:
    session = (
        (await demo_page.post("/demo/sign-in", json={"story": "field-service", "user": "olga"}))
        .raise_for_status()
        .json()
    )

    await DemoBackend(STORIES, chosen).sign_in("field-service", "olga")

    async with Tidings(tidings.url, tidings.runtime, session["tenant"]) as driver:
        client = await (await driver.connect("olga")).live()
        await driver.emit(make_announcement("olga"))
        while "Hello" not in (
            titles := [notification["title"] for notification in client.notifications.values()]
        ):
            await client.next("entries")

    assert titles.count("Office alert") == 1


async def test_a_token_of_the_demonstration_reads_one_inbox_for_minutes_and_emits_nothing(
    tidings: Tidings, demo_page: httpx.AsyncClient
) -> None:
    session = (await demo_page.post("/demo/sign-in", json=TOM)).raise_for_status()
    token = session.json()["token"]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])

    await tidings.emit(make_announcement("tom", title="elsewhere"))
    await tidings.wait_for_counts("tom", total=1)
    notifications = (
        (await demo_page.get("/v1/notifications", headers=bearer_header(token)))
        .raise_for_status()
        .json()["notifications"]
    )
    emit_answer = await demo_page.post(
        "/v1/events",
        json=make_event("task.completed", task_id="1", task_title="x"),
        headers=bearer_header(token),
    )
    activity_answer = await demo_page.get("/v1/activity", headers=bearer_header(token))

    assert (claims["tenant"], claims["sub"], claims["scope"]) == (
        "demo-field-service",
        "tom",
        "inbox",
    )
    assert claims["exp"] - claims["iat"] == TOKEN_SECONDS <= 900
    assert session.headers["cache-control"] == "no-store"
    assert "elsewhere" not in [notification["title"] for notification in notifications]
    assert {notification["tenant"] for notification in notifications} <= {"demo-field-service"}
    assert (emit_answer.status_code, activity_answer.status_code) == (403, 403)


@pytest.mark.parametrize(
    ("credentials", "status", "detail"),
    [
        ({"story": "field-service", "user": "amira"}, 404, "olga, tom, uma"),
        ({"story": "acme", "user": "tom"}, 404, "field-service, barbershop"),
        ({"story": "field-service", "user": "tom", "tenant": "acme"}, 400, "tenant"),
        ({"story": "field-service", "user": "tom", "scope": "admin"}, 400, "scope"),
        ({"story": "field-service"}, 400, "user"),
    ],
)
async def test_only_the_characters_of_a_story_can_sign_in(
    demo_page: httpx.AsyncClient, credentials: dict[str, str], status: int, detail: str
) -> None:
    answer = await demo_page.post("/demo/sign-in", json=credentials)

    assert answer.status_code == status
    assert detail in answer.json()["detail"]


async def test_each_run_has_a_tenant_of_its_own_and_an_odd_name_is_refused(
    demo_page: httpx.AsyncClient,
) -> None:
    answers = [
        await demo_page.post("/demo/sign-in", json={**TOM, "run": run, "from_start": True})
        for run in ("one", "another", "A b")
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert [answer.json()["tenant"] for answer in answers[:2]] == [
        "demo-field-service-one",
        "demo-field-service-another",
    ]


@pytest.mark.parametrize("number", ["3", "99", "-1", "x"])
async def test_an_unknown_scene_is_not_found(demo_page: httpx.AsyncClient, number: str) -> None:
    assert (await demo_page.post(f"/demo/stories/field-service/scenes/{number}")).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
@pytest.mark.parametrize("path", ["/demo/sign-in", "/demo/stories/field-service/scenes/0"])
async def test_only_its_own_page_may_send_requests(
    demo_page: httpx.AsyncClient, headers: dict[str, str], path: str
) -> None:
    async with httpx.AsyncClient(base_url=demo_page.base_url) as client:
        answer = await client.post(path, json=TOM, headers=headers)

    assert answer.status_code == 403
    assert "own page" in answer.json()["detail"]


async def test_requests_are_rate_limited(demo_page: httpx.AsyncClient) -> None:
    answers = [
        await demo_page.post("/demo/sign-in", json={}) for _ in range(2 * REQUEST_RATE.quota)
    ]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
