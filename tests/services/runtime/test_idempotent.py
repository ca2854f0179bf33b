"""Idempotent requests: a POST with a key is done once; whoever repeats it gets the first answer, or a clear refusal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from litestar import Request, Response, post
from tidings.contracts.subjects import Person
from tidings.runtime.access import Access
from tidings.runtime.auth import issue
from tidings.runtime.idempotency import Keys
from tidings.runtime.idempotent import BODY_LIMIT_BYTES, Idempotent
from tidings.runtime.process import Runtime
from tidings.runtime.web import application, respond

from tests.driver import SECRET

Work = Callable[[bytes], Awaitable[Response[Any]]]


class Service:
    """A route of a service's, on the Postgres of the tests; several of these are several processes."""

    def __init__(self, runtime: Runtime, tenant: str, work: Work, **chosen: Any) -> None:
        self.done: list[bytes] = []
        self._tenant = tenant
        access = Access(runtime)

        @post("/work", status_code=201)
        async def route(request: Request[Any, Any, Any]) -> Response[Any]:
            await access.sender(request.scope)
            body = await request.body()
            self.done.append(body)
            return await work(body)

        @post("/other", status_code=201)
        async def other(request: Request[Any, Any, Any]) -> Response[Any]:
            return await work(await request.body())

        keys = Keys(runtime.postgres, msgspec.structs.replace(runtime.settings, **chosen))
        idempotent = Idempotent(keys, access.sender)
        self._transport = httpx.ASGITransport(application([route, other], lambda: True, idempotent))

    async def post(
        self, body: bytes, key: str | None, path: str = "/work", user: str = "ann", **headers: str
    ) -> httpx.Response:
        """Ask."""
        token = issue(Person(self._tenant, user), "emit", SECRET, time.time(), 60)
        given = {
            "Authorization": f"Bearer {token}",
            **({"Idempotency-Key": key} if key is not None else {}),
            **headers,
        }
        async with httpx.AsyncClient(
            transport=self._transport, base_url="http://tidings"
        ) as client:
            return await client.post(path, content=body, headers=given)


Make = Callable[..., Service]


@pytest.fixture
def service(runtime: Runtime) -> Make:
    """Makes services of one tenant."""
    tenant = uuid4().hex
    return lambda work=created, **chosen: Service(runtime, tenant, work, **chosen)


@pytest.fixture
def key() -> str:
    """A key that nobody used."""
    return str(uuid4())


async def created(body: bytes) -> Response[Any]:
    return Response(
        {"made": body.decode(), "number": uuid4().hex},
        status_code=201,
        headers={"Location": "/work/1"},
    )


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert (response.status_code, response.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), response.text
    return response.json()


async def test_the_first_answer_is_given_again_and_marked_whoever_is_asked(
    service: Make, key: str
) -> None:
    one, another = service(), service()
    first = await one.post(b"x", key)

    again = [await one.post(b"x", key), await another.post(b"x", f'"{key}"')]

    assert "Idempotent-Replayed" not in first.headers
    for response in again:
        assert (response.status_code, response.content) == (first.status_code, first.content)
        assert [response.headers[name] for name in ("content-type", "location")] == [
            "application/json",
            "/work/1",
        ]
        assert response.headers["Idempotent-Replayed"] == "true"
    assert (one.done, another.done) == ([b"x"], [])


async def test_without_a_key_every_request_is_one_of_its_own(service: Make) -> None:
    one = service()

    answers = [await one.post(b"x", None) for _ in range(2)]

    assert one.done == [b"x", b"x"]
    assert not any("Idempotent-Replayed" in answer.headers for answer in answers)


async def test_a_repetition_meanwhile_is_told_to_wait_and_then_gets_the_answer(
    service: Make, key: str
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(body: bytes) -> Response[Any]:
        begun.set()
        await may_end.wait()
        return await created(body)

    one, another = service(slow), service(slow)
    first = asyncio.create_task(one.post(b"x", key))
    await begun.wait()

    meanwhile = await another.post(b"x", key)
    may_end.set()
    answer = await first

    assert problem(meanwhile, 409)["title"] == "in progress"
    assert meanwhile.headers["retry-after"]
    assert (await another.post(b"x", key)).content == answer.content
    assert (one.done, another.done) == ([b"x"], [])


@pytest.mark.parametrize(
    ("body", "path", "headers"),
    [
        (b"y", "/work", {}),
        (b"x", "/other", {}),
        (b"x", "/work?a=b", {}),
        (b"x", "/work", {"ce-id": "2"}),
        (b"x", "/work", {"Content-Type": "a/b"}),
    ],
)
async def test_a_key_belongs_to_the_request_it_was_first_sent_with(
    service: Make, key: str, body: bytes, path: str, headers: dict[str, str]
) -> None:
    one = service()
    await one.post(b"x", key)

    other = await one.post(body, key, path, **headers)

    assert problem(other, 422)["field"] == "Idempotency-Key"
    assert one.done == [b"x"]


async def test_each_caller_has_keys_of_their_own(service: Make, runtime: Runtime, key: str) -> None:
    one, foreign = service(), Service(runtime, uuid4().hex, created)
    await one.post(b"x", key)

    answers = [await one.post(b"y", key, user="bob"), await foreign.post(b"z", key)]

    assert [answer.json()["made"] for answer in answers] == ["y", "z"]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_what_may_be_answered_otherwise_another_time_is_not_kept(
    service: Make, key: str, status: int
) -> None:
    answers = [respond(status, "not now", "not now"), await created(b"x")]

    async def fails_once(_: bytes) -> Response[Any]:
        return answers[len(one.done) - 1]

    one = service(fails_once)

    statuses = [(await one.post(b"x", key)).status_code for _ in range(3)]

    assert statuses == [status, 201, 201]
    assert len(one.done) == 2
    problem(await one.post(b"y", key), 422)


@pytest.mark.parametrize("status", [400, 404, 409, 410, 413, 415, 422])
async def test_a_refusal_is_an_answer_too(service: Make, key: str, status: int) -> None:
    async def refuse(_: bytes) -> Response[Any]:
        return respond(status, "no", uuid4().hex)

    one = service(refuse)
    first = await one.post(b"x", key)

    again = await one.post(b"x", key)

    assert problem(again, status) == first.json()
    assert len(one.done) == 1


async def test_a_route_that_breaks_leaves_the_key_free(service: Make, key: str) -> None:
    async def breaks(body: bytes) -> Response[Any]:
        if len(one.done) == 1:
            raise RuntimeError("broken")
        return await created(body)

    one = service(breaks)

    assert [(await one.post(b"x", key)).status_code for _ in range(2)] == [500, 201]


async def test_who_dies_at_work_holds_the_key_no_longer_than_its_lease(
    service: Make, key: str
) -> None:
    begun = asyncio.Event()

    async def never(_: bytes) -> Response[Any]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    dies, lives = service(never, idempotency_lease_seconds=1), service()
    dying = asyncio.create_task(dies.post(b"x", key))
    await begun.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    meanwhile = await lives.post(b"x", key)
    async with asyncio.timeout(10):
        while (later := await lives.post(b"x", key)).status_code == 409:  # noqa: ASYNC110  a lease ends by itself
            await asyncio.sleep(0.05)

    problem(meanwhile, 409)
    assert later.status_code == 201
    assert lives.done == [b"x"]


async def test_work_that_takes_too_long_is_given_up_before_its_lease_is_over(
    service: Make, key: str
) -> None:
    async def slow_at_first(body: bytes) -> Response[Any]:
        if len(one.done) == 1:
            await asyncio.Event().wait()
        return await created(body)

    one = service(slow_at_first, idempotency_lease_seconds=0.4)

    problem(await one.post(b"x", key), 503)
    assert (await one.post(b"x", key)).status_code == 201


async def test_a_key_is_forgotten_when_its_time_is_over(service: Make, key: str) -> None:
    one = service(idempotency_seconds=0.2)
    await one.post(b"x", key)

    async with asyncio.timeout(10):
        while (other := await one.post(b"y", key)).status_code == 422:  # noqa: ASYNC110  time passes by itself
            await asyncio.sleep(0.02)

    assert other.json()["made"] == "y"


async def test_a_caller_has_so_many_keys_at_once_and_no_more(service: Make) -> None:
    one = service(idempotency_keys_per_user=3)
    for key in "abc":
        await one.post(b"x", key)

    refused = await one.post(b"x", "d")

    assert "at most 3" in problem(refused, 429)["detail"]
    assert (await one.post(b"x", "a")).headers["Idempotent-Replayed"] == "true"
    assert (await one.post(b"x", "d", user="bob")).status_code == 201
    assert (await one.post(b"x", None)).status_code == 201


@pytest.mark.parametrize(
    "bad",
    [
        "",
        '""',
        "x" * 129,
        '"' + "x" * 129 + '"',
        '"open',
        'in"side',
        "two words",
        '"a";b=c',
        "tab\there",
    ],
)
async def test_a_bad_key_is_named(service: Make, bad: str) -> None:
    one = service()

    answer = await one.post(b"x", bad)

    assert problem(answer, 400)["field"] == "Idempotency-Key"
    assert not one.done


@pytest.mark.parametrize(
    "good",
    [
        "x",
        '"x"',
        '"a \\" \\\\ b"',
        "8e03978e-40d5-43e8-bc93-6894a57f9324",
        "x" * 128,
        '"' + "x" * 128 + '"',
    ],
)
async def test_a_good_key_is_taken(service: Make, good: str) -> None:
    one = service()

    answers = [await one.post(b"x", good) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(one.done) == 1


async def test_a_body_too_large_to_be_compared_is_refused(service: Make, key: str) -> None:
    one = service()

    answer = await one.post(b"x" * (BODY_LIMIT_BYTES + 1), key)

    assert "events need none" in problem(answer, 413)["detail"]
    assert not one.done


async def test_nobody_gets_an_answer_without_a_token(service: Make, key: str) -> None:
    one = service()
    await one.post(b"x", key)

    answer = await one.post(b"x", key, Authorization="")

    problem(answer, 401)
    assert "Idempotent-Replayed" not in answer.headers
