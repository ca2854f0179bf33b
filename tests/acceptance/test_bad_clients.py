"""Bad clients of the edge: nonsense ends at most their own connection."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.connections import read_close
from tests.acceptance.problems import check_problem
from tests.builders import make_announcement
from tests.driver import Client, Tidings
from tests.streams import read_entries

pytestmark = pytest.mark.usefixtures("calm")

FOREIGN = "0123abcd-5"
DEEP = b"[" * 20_000 + b"]" * 20_000
UNKNOWN_ID = "00000000-0000-5000-8000-000000000000"


def socket(tidings: Tidings, **headers: str) -> connect:
    return connect(
        tidings.url.replace("http", "ws") + "/v1/socket", additional_headers=headers, max_size=2**24
    )


async def read_epoch(tidings: Tidings) -> str:
    return (await tidings.get("/v1/log", "alice"))["cursor"].split("-")[0]


@pytest.mark.parametrize("way", ["connect", "stream"])
@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        (FOREIGN, "epoch"),
        ("nonsense", "epoch"),
        ("0123abcd-05", "epoch"),
        ("é" * 500, "epoch"),
        ("{epoch}-99999999999", "ahead"),
        ("{epoch}-9999999999999999999", "ahead"),
        ("{epoch}--1", "epoch"),
    ],
)
async def test_a_cursor_that_cannot_be_replayed_is_reset_and_followed_by_a_snapshot(
    tidings: Tidings, way: str, cursor: str, reason: str
) -> None:
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=1)
    if way == "stream":
        # An HTTP client refuses to send a header that is not ASCII.
        cursor = cursor.replace("é", "e")

    client: Client = await getattr(tidings, way)(
        "alice", cursor.format(epoch=await read_epoch(tidings))
    )

    await client.live()
    assert [frame["type"] for frame in client.frames[:3]] == ["hello", "reset", "snapshot"]
    assert client.frames[1]["reason"] == reason
    assert {frame["cursor"].split("-")[1] for frame in client.frames[:2]} == {"0"}
    assert len(client.notifications) == 1
    await tidings.emit(make_announcement("alice"))
    await client.until(1)


@pytest.mark.parametrize(
    ("cursor", "status", "reason"),
    [
        (FOREIGN, 410, "epoch"),
        ("{epoch}-99999999999", 410, "ahead"),
        ("{epoch}-9999999999999999999", 410, "ahead"),
        ("nonsense", 400, None),
        ("", 400, None),
        ("{epoch}-1\n", 400, None),
        ("{epoch}-1 OR 1=1", 400, None),
    ],
)
async def test_a_page_of_the_log_after_an_invalid_cursor_is_refused(
    tidings: Tidings, cursor: str, status: int, reason: str | None
) -> None:
    after = cursor.format(epoch=await read_epoch(tidings))
    response = await tidings.http.get(
        "/v1/log", params={"after": after}, headers=tidings.headers("alice")
    )
    problem = check_problem(response, status)
    assert problem.get("reason") == reason
    assert problem.get("field") == (None if reason else "after")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=1e3", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("state=unheard-of", "state"),
        ("state=", "state"),
        ("before=nonsense", "before"),
        ("before=-1", "before"),
        ("before=", "before"),
        ("before=0123abcd-007", "before"),
    ],
)
async def test_an_invalid_list_query_is_refused_with_its_field(
    tidings: Tidings, query: str, field: str
) -> None:
    parameters = query.format(epoch=await read_epoch(tidings))
    problem = check_problem(
        await tidings.http.get(f"/v1/notifications?{parameters}", headers=tidings.headers("alice")),
        400,
    )
    assert field in json.dumps(problem)


@pytest.mark.parametrize(
    ("before", "reason"), [("{epoch}-9999999999999999999", "ahead"), (FOREIGN, "epoch")]
)
async def test_a_list_before_a_cursor_of_another_log_is_gone(
    tidings: Tidings, before: str, reason: str
) -> None:
    cursor = before.format(epoch=await read_epoch(tidings))
    problem = check_problem(
        await tidings.http.get(
            f"/v1/notifications?before={cursor}", headers=tidings.headers("alice")
        ),
        410,
    )
    assert (problem["field"], problem["reason"]) == ("before", reason)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("DELETE", "/v1/log", 405), ("GET", "/v1/events", 405)],
)
async def test_an_unknown_route_or_method_is_answered_with_a_problem(
    tidings: Tidings, method: str, path: str, status: int
) -> None:
    check_problem(
        await tidings.http.request(method, path, headers=tidings.headers("alice")), status
    )


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense",
        "",
        "{}",
        "[]",
        '{"type":"unheard_of"}',
        '{"type":"mark"}',
        f'{{"type":"mark","op":"1","state":"loved","ids":["{UNKNOWN_ID}"]}}',
        '{"type":"mark","op":"1","state":"read","ids":["1"]}',
        '{"type":"mark","op":"1","state":"read"}',
        f'{{"type":"mark","op":"\\u0000","state":"read","ids":["{UNKNOWN_ID}"]}}',
        f'{{"type":"mark","op":"1","state":"read","ids":["{UNKNOWN_ID}"],"up_to":"{FOREIGN}"}}',
        json.dumps({"type": "mark", "op": "1", "state": "read", "ids": [UNKNOWN_ID] * 501}),
        b"\xff\xfe",
        b"\x00" * 100,
        DEEP.decode(),
        '{"type":"ping","more":"%s"}' % ("x" * 70_000),
    ],
    ids=lambda frame: str(frame)[:40],
)
async def test_a_malformed_frame_closes_only_its_connection_with_a_reason(
    tidings: Tidings, frame: str | bytes
) -> None:
    witness = await (await tidings.connect("alice")).live()
    async with tidings.socket("alice") as client:
        await client.live()
        await client.send(frame)

        assert await client.wait_for_close() == 4500

        assert client._socket and client._socket.close_reason not in ("", "Internal Server Error")
    await tidings.emit(make_announcement("alice"))
    await witness.until(1)
    assert len(await read_entries(tidings, "alice")) == 1


async def test_a_huge_frame_closes_the_connection(tidings: Tidings) -> None:
    async with tidings.socket("alice") as client:
        await client.live()

        with suppress(ConnectionClosed):  # the edge may close before the last byte is sent
            await client.send("x" * 1_000_000)

        assert await client.wait_for_close() in (1009, 4500)


@pytest.mark.parametrize(
    "first",
    ['{"type":"ping"}', f'{{"type":"mark","op":"1","state":"read","ids":["{UNKNOWN_ID}"]}}'],
)
async def test_a_first_frame_that_is_not_auth_closes_the_connection(
    tidings: Tidings, first: str
) -> None:
    async with socket(tidings) as client:
        await client.send(first)
        assert (await read_close(client))[0] == 4001


@pytest.mark.parametrize(
    "first",
    [
        "nonsense",
        '{"type":"auth"}',
        b"\xff",
        DEEP.decode(),
        '{"type":"auth","token":"%s"}' % ("x" * 70_000),
    ],
)
async def test_a_malformed_first_frame_closes_the_connection(
    tidings: Tidings, first: str | bytes
) -> None:
    async with socket(tidings) as client:
        await client.send(first)
        assert (await read_close(client))[0] == 4500


async def test_a_missing_first_frame_closes_the_connection_in_time(tidings: Tidings) -> None:
    async with socket(tidings) as client:
        assert (await read_close(client))[0] == 4001


@pytest.mark.parametrize(
    ("make_token", "code"),
    [
        (lambda tidings: tidings.token("alice", seconds=-60), 4002),
        (lambda tidings: "forged" + tidings.token("alice"), 4002),
        (lambda tidings: "", 4002),
        (lambda tidings: tidings.token("alice", scope="emit"), 4003),
    ],
)
async def test_a_bad_token_in_frame_or_header_closes_the_connection_with_its_code(
    tidings: Tidings, make_token: Any, code: int
) -> None:
    token = make_token(tidings)
    async with socket(tidings) as client:
        await client.send(json.dumps({"type": "auth", "token": token}))
        assert (await read_close(client))[0] == code
        assert not token or token not in (client.close_reason or "")
    async with socket(tidings, Authorization=f"Bearer {token or 'x'}") as client:
        assert (await read_close(client))[0] == code


async def test_an_expired_token_closes_the_connection(
    tidings: Tidings, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = tidings.token("alice", seconds=2)
    async with (
        socket(tidings, Authorization=f"Bearer {brief}") as client,
        tidings.http.stream(
            "GET", "/v1/stream", headers={"Authorization": f"Bearer {brief}"}
        ) as stream,
    ):
        frame = json.loads(await client.recv())
        assert frame["lifetime_seconds"] <= 2
        frames = [
            json.loads(line.removeprefix("data: "))
            async for line in stream.aiter_lines()
            if line.startswith("data: ")
        ]
        assert await read_close(client) == (4002, "the token has expired")
        assert (frames[-1]["type"], frames[-1]["code"]) == ("error", "4002")


async def test_each_user_may_have_five_connections(tidings: Tidings) -> None:
    clients = [
        await (await getattr(tidings, way)("alice")).live()
        for way in ("connect", "stream", "connect", "stream", "connect")
    ]

    async with tidings.socket("alice") as sixth:
        assert await sixth.wait_for_close() == 4104
    response = await tidings.http.get("/v1/stream", headers=tidings.headers("alice"))
    assert '"code":"4104"' in response.text

    await (await tidings.connect("bob")).live()
    await tidings.emit(make_announcement("alice"))
    for client in clients:
        await client.until(1)
    clients[0]._socket.transport.abort()
    async with asyncio.timeout(5):
        while True:
            async with tidings.socket("alice") as again:
                if await first_frame_type(again) != "closed":
                    return


async def first_frame_type(client: Client) -> str:
    try:
        return (await client.next())["type"]
    except ConnectionClosed:
        return "closed"
