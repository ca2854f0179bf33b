"""Idempotent requests: a POST with a key is done once, and a repetition gets its answer."""

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
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.http.idempotency.middleware import BODY_LIMIT_BYTES, IdempotencyMiddleware
from tidings.runtime.http.idempotency.store import IdempotencyKeys
from tidings.runtime.http.web import create_application, problem_response
from tidings.runtime.process import Runtime

from tests.driver import SECRET

Work = Callable[[bytes], Awaitable[Response[Any]]]


class IdempotentService:
    """A route of a service on the Postgres of the tests; each instance stands for a process."""

    def __init__(self, runtime: Runtime, tenant: str, work: Work, **settings: Any) -> None:
        self.done_bodies: list[bytes] = []
        self._tenant = tenant
        access = Access(runtime)

        @post("/work", status_code=201)
        async def route(request: Request[Any, Any, Any]) -> Response[Any]:
            await access.identify_sender(request.scope)
            body = await request.body()
            self.done_bodies.append(body)
            return await work(body)

        @post("/other", status_code=201)
        async def other(request: Request[Any, Any, Any]) -> Response[Any]:
            return await work(await request.body())

        keys = IdempotencyKeys(
            runtime.postgres, msgspec.structs.replace(runtime.settings, **settings)
        )
        idempotent = IdempotencyMiddleware(keys, access.identify_sender)
        app: Any = create_application([route, other], tuple, idempotent)
        self._transport = httpx.ASGITransport(app)  # httpx has no types for the scopes

    async def post(
        self, body: bytes, key: str | None, path: str = "/work", user: str = "ann", **headers: str
    ) -> httpx.Response:
        """Send a POST with a key, and return the answer."""
        token = issue_token(Person(self._tenant, user), "emit", SECRET, time.time(), 60)
        all_headers = {
            "Authorization": f"Bearer {token}",
            **({"Idempotency-Key": key} if key is not None else {}),
            **headers,
        }
        async with httpx.AsyncClient(
            transport=self._transport, base_url="http://tidings"
        ) as client:
            return await client.post(path, content=body, headers=all_headers)


MakeService = Callable[..., IdempotentService]


@pytest.fixture
def service(runtime: Runtime) -> MakeService:
    """Return a factory of services of one tenant."""
    tenant = uuid4().hex
    return lambda work=make_created, **settings: IdempotentService(
        runtime, tenant, work, **settings
    )


@pytest.fixture
def key() -> str:
    """Return an unused key."""
    return str(uuid4())


async def make_created(body: bytes) -> Response[Any]:
    return Response(
        {"made": body.decode(), "number": uuid4().hex},
        status_code=201,
        headers={"Location": "/work/1"},
    )


def read_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert (response.status_code, response.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), response.text
    return response.json()


async def test_any_process_repeats_the_first_answer_and_marks_it(
    service: MakeService, key: str
) -> None:
    app, another = service(), service()
    first = await app.post(b"x", key)

    again = [await app.post(b"x", key), await another.post(b"x", f'"{key}"')]

    assert "Idempotent-Replayed" not in first.headers
    for response in again:
        assert (response.status_code, response.content) == (first.status_code, first.content)
        assert [response.headers[name] for name in ("content-type", "location")] == [
            "application/json",
            "/work/1",
        ]
        assert response.headers["Idempotent-Replayed"] == "true"
    assert (app.done_bodies, another.done_bodies) == ([b"x"], [])


async def test_requests_without_a_key_are_all_done(service: MakeService) -> None:
    app = service()

    answers = [await app.post(b"x", None) for _ in range(2)]

    assert app.done_bodies == [b"x", b"x"]
    assert not any("Idempotent-Replayed" in answer.headers for answer in answers)


async def test_a_concurrent_repetition_is_told_to_wait_and_then_gets_the_answer(
    service: MakeService, key: str
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(body: bytes) -> Response[Any]:
        begun.set()
        await may_end.wait()
        return await make_created(body)

    app, another = service(slow), service(slow)
    first = asyncio.create_task(app.post(b"x", key))
    await begun.wait()

    meanwhile = await another.post(b"x", key)
    may_end.set()
    answer = await first

    assert read_problem(meanwhile, 409)["type"] == "/schema#in-progress"
    assert meanwhile.headers["retry-after"]
    assert (await another.post(b"x", key)).content == answer.content
    assert (app.done_bodies, another.done_bodies) == ([b"x"], [])


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
    service: MakeService, key: str, body: bytes, path: str, headers: dict[str, str]
) -> None:
    app = service()
    await app.post(b"x", key)

    other_answer = await app.post(body, key, path, **headers)

    assert read_problem(other_answer, 422)["field"] == "Idempotency-Key"
    assert app.done_bodies == [b"x"]


async def test_each_caller_has_their_own_keys(
    service: MakeService, runtime: Runtime, key: str
) -> None:
    app, foreign = service(), IdempotentService(runtime, uuid4().hex, make_created)
    await app.post(b"x", key)

    answers = [await app.post(b"y", key, user="bob"), await foreign.post(b"z", key)]

    assert [answer.json()["made"] for answer in answers] == ["y", "z"]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_a_temporary_failure_is_not_stored(
    service: MakeService, key: str, status: int
) -> None:
    answers = [problem_response(status, "not now", "not now"), await make_created(b"x")]

    async def fails_once(_: bytes) -> Response[Any]:
        return answers[len(app.done_bodies) - 1]

    app = service(fails_once)

    statuses = [(await app.post(b"x", key)).status_code for _ in range(3)]

    assert statuses == [status, 201, 201]
    assert len(app.done_bodies) == 2
    read_problem(await app.post(b"y", key), 422)


@pytest.mark.parametrize("status", [400, 404, 409, 410, 413, 415, 422])
async def test_a_permanent_refusal_is_stored(service: MakeService, key: str, status: int) -> None:
    async def refuse(_: bytes) -> Response[Any]:
        return problem_response(status, "no", uuid4().hex)

    app = service(refuse)
    first = await app.post(b"x", key)

    again = await app.post(b"x", key)

    assert read_problem(again, status) == first.json()
    assert len(app.done_bodies) == 1


async def test_a_failing_route_releases_the_key(service: MakeService, key: str) -> None:
    async def breaks(body: bytes) -> Response[Any]:
        if len(app.done_bodies) == 1:
            raise RuntimeError("broken")
        return await make_created(body)

    app = service(breaks)

    assert [(await app.post(b"x", key)).status_code for _ in range(2)] == [500, 201]


async def test_a_process_that_dies_holds_the_key_only_for_its_lease(
    service: MakeService, key: str
) -> None:
    begun = asyncio.Event()

    async def never(_: bytes) -> Response[Any]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    dying_app, other_app = service(never, idempotency_lease_seconds=1), service()
    request = asyncio.create_task(dying_app.post(b"x", key))
    await begun.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)

    meanwhile = await other_app.post(b"x", key)
    async with asyncio.timeout(10):
        # The lease ends after a time, without a signal.
        while (answer := await other_app.post(b"x", key)).status_code == 409:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    read_problem(meanwhile, 409)
    assert answer.status_code == 201
    assert other_app.done_bodies == [b"x"]


async def test_work_that_takes_too_long_is_cancelled_before_its_lease_ends(
    service: MakeService, key: str
) -> None:
    async def slow_at_first(body: bytes) -> Response[Any]:
        if len(app.done_bodies) == 1:
            await asyncio.Event().wait()
        return await make_created(body)

    app = service(slow_at_first, idempotency_lease_seconds=0.4)

    read_problem(await app.post(b"x", key), 503)
    assert (await app.post(b"x", key)).status_code == 201


async def test_a_key_is_forgotten_after_its_ttl(service: MakeService, key: str) -> None:
    app = service(idempotency_ttl_seconds=0.2)
    await app.post(b"x", key)

    async with asyncio.timeout(10):
        # The key expires after a time, without a signal.
        while (new_answer := await app.post(b"y", key)).status_code == 422:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    assert new_answer.json()["made"] == "y"


async def test_a_caller_has_a_limited_number_of_keys(service: MakeService) -> None:
    app = service(idempotency_keys_per_user=3)
    for key in "abc":
        await app.post(b"x", key)

    refusal = await app.post(b"x", "d")

    assert "at most 3" in read_problem(refusal, 429)["detail"]
    assert (await app.post(b"x", "a")).headers["Idempotent-Replayed"] == "true"
    assert (await app.post(b"x", "d", user="bob")).status_code == 201
    assert (await app.post(b"x", None)).status_code == 201


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
async def test_an_invalid_key_is_refused(service: MakeService, bad: str) -> None:
    app = service()

    answer = await app.post(b"x", bad)

    assert read_problem(answer, 400)["field"] == "Idempotency-Key"
    assert not app.done_bodies


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
async def test_a_valid_key_is_accepted(service: MakeService, good: str) -> None:
    app = service()

    answers = [await app.post(b"x", good) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(app.done_bodies) == 1


async def test_a_body_too_large_to_be_compared_is_refused(service: MakeService, key: str) -> None:
    app = service()

    answer = await app.post(b"x" * (BODY_LIMIT_BYTES + 1), key)

    assert "events need none" in read_problem(answer, 413)["detail"]
    assert not app.done_bodies


async def test_a_stored_answer_is_not_given_without_a_token(service: MakeService, key: str) -> None:
    app = service()
    await app.post(b"x", key)

    answer = await app.post(b"x", key, Authorization="")

    read_problem(answer, 401)
    assert "Idempotent-Replayed" not in answer.headers
