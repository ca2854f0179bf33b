"""The stage's requests: there in a demonstration only, for its own page only, and for its own people only."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from tidings.cli.terminal.stories import STORIES
from tidings.cli.terminal.stories.story import Happens, Story
from tidings.demo.api import REQUESTS
from tidings.demo.company import TOKEN_SECONDS, Company
from tidings.runtime.settings import Settings

from tests.driver import SECRET, Tidings, event, hello_to
from tests.webs import web

TOM = {"story": "field-service", "user": "tom"}


@pytest.fixture(scope="module")
async def stage(chosen: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The web process of a demonstration, as its own page asks it."""
    async with (
        web(chosen, demo=True) as running,
        httpx.AsyncClient(base_url=running.url, headers={"Origin": running.url}) as page,
    ):
        yield page


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/demo/stories", "/demo/sign-in", "/demo/stories/chat/scenes/0"])
async def test_without_a_demonstration_there_is_no_stage(tidings: Tidings, path: str) -> None:
    answers = [
        await tidings.http.request(method, path, headers={"Origin": tidings.url}, json=TOM)
        for method in ("GET", "POST")
    ]

    assert {answer.status_code for answer in answers} == {404}


async def test_whoever_comes_with_a_browser_is_told_what_this_is(
    tidings: Tidings, stage: httpx.AsyncClient
) -> None:
    plain, shown = await tidings.http.get("/"), await stage.get("/")

    assert "/schema" in plain.raise_for_status().text
    assert "/web/stage/stage.js" in shown.raise_for_status().text
    assert {answer.headers["content-type"] for answer in (plain, shown)} == {
        "text/html; charset=utf-8"
    }
    assert all(
        "script-src 'self'" in answer.headers["content-security-policy"]
        for answer in (plain, shown)
    )


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_whoever_signs_in_finds_what_came_before_and_is_told_of_a_scene(
    tidings: Tidings, stage: httpx.AsyncClient, story: Story
) -> None:
    number, scene = next(
        (at, scene) for at, scene in enumerate(story.scenes) if isinstance(scene, Happens)
    )
    user, shown = next(iter(scene.shown.items()))
    signed = (
        (await stage.post("/demo/sign-in", json={"story": story.name, "user": user}))
        .raise_for_status()
        .json()
    )

    async with Tidings(
        str(stage.base_url).rstrip("/"), tidings.runtime, signed["tenant"]
    ) as theirs:
        client = await (await theirs.connect(user, token=signed["token"])).live()
        known = len(client.entries)
        happened = (
            (await stage.post(f"/demo/stories/{story.name}/scenes/{number}"))
            .raise_for_status()
            .json()
        )
        await client.until(known + shown)

    assert [(each["type"], each["actor"]) for each in happened] == [
        (fact.event.type, fact.actor) for fact in scene.facts
    ]
    assert [each["sequence"] for each in happened] == sorted(each["sequence"] for each in happened)


async def test_what_came_before_is_told_once_however_many_processes_begin(
    tidings: Tidings, chosen: Settings, stage: httpx.AsyncClient
) -> None:
    signed = (
        (await stage.post("/demo/sign-in", json={"story": "field-service", "user": "olga"}))
        .raise_for_status()
        .json()
    )

    await Company(STORIES, chosen, tidings.runtime.appender()).sign_in("field-service", "olga")

    async with Tidings(tidings.url, tidings.runtime, signed["tenant"]) as theirs:
        client = await (await theirs.connect("olga")).live()
        await theirs.emit(hello_to("olga"))
        while "Hello" not in (told := [each["title"] for each in client.notifications.values()]):
            await client.next("entries")

    assert told.count("Office alert") == 1


async def test_a_token_of_the_stage_reads_one_inbox_for_minutes_and_states_nothing(
    tidings: Tidings, stage: httpx.AsyncClient
) -> None:
    signed = (await stage.post("/demo/sign-in", json=TOM)).raise_for_status()
    token = signed.json()["token"]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])

    await tidings.emit(hello_to("tom", title="elsewhere"))
    await tidings.eventually("tom", total=1)
    found = (
        (await stage.get("/v1/notifications", headers=bearer(token)))
        .raise_for_status()
        .json()["notifications"]
    )
    stated = await stage.post(
        "/v1/events",
        json=event("task.completed", task_id="1", task_title="x"),
        headers=bearer(token),
    )
    foreign = await stage.get("/v1/activity", headers=bearer(token))

    assert (claims["tenant"], claims["sub"], claims["scope"]) == (
        "demo-field-service",
        "tom",
        "inbox",
    )
    assert claims["exp"] - claims["iat"] == TOKEN_SECONDS <= 900
    assert signed.headers["cache-control"] == "no-store"
    assert "elsewhere" not in [each["title"] for each in found]
    assert {each["tenant"] for each in found} <= {"demo-field-service"}
    assert (stated.status_code, foreign.status_code) == (403, 403)


@pytest.mark.parametrize(
    ("who", "status", "said"),
    [
        ({"story": "field-service", "user": "amira"}, 404, "olga, tom, uma"),
        ({"story": "acme", "user": "tom"}, 404, "field-service, barbershop"),
        ({"story": "field-service", "user": "tom", "tenant": "acme"}, 400, "tenant"),
        ({"story": "field-service", "user": "tom", "scope": "admin"}, 400, "scope"),
        ({"story": "field-service"}, 400, "user"),
    ],
)
async def test_nobody_but_the_stories_people_can_sign_in(
    stage: httpx.AsyncClient, who: dict[str, str], status: int, said: str
) -> None:
    refused = await stage.post("/demo/sign-in", json=who)

    assert refused.status_code == status
    assert said in refused.json()["detail"]


@pytest.mark.parametrize("number", ["2", "99", "-1", "x"])
async def test_nothing_happens_in_a_scene_that_there_is_not(
    stage: httpx.AsyncClient, number: str
) -> None:
    assert (await stage.post(f"/demo/stories/field-service/scenes/{number}")).status_code == 404


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
async def test_no_page_but_its_own_may_ask(
    stage: httpx.AsyncClient, headers: dict[str, str], path: str
) -> None:
    async with httpx.AsyncClient(base_url=stage.base_url) as other:
        refused = await other.post(path, json=TOM, headers=headers)

    assert refused.status_code == 403
    assert "own page" in refused.json()["detail"]


async def test_it_may_be_asked_so_often_and_no_oftener(stage: httpx.AsyncClient) -> None:
    answers = [await stage.post("/demo/sign-in", json={}) for _ in range(2 * REQUESTS.quota)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
