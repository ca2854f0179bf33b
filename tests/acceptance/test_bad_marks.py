"""Bad marks: refused with words, or without any effect on others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.refused import refused
from tests.driver import Tidings, hello_to
from tests.streams import entries

pytestmark = pytest.mark.usefixtures("calm")

FOREIGN = "0123abcd-5"
NOBODYS = "00000000-0000-5000-8000-000000000000"
DEEP = b"[" * 20_000 + b"]" * 20_000


async def post(tidings: Tidings, body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await tidings.http.post(
        "/v1/notifications/mark", content=content, headers=tidings.headers("alice")
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"\xff",
        b'{"state":"read","ids":["\xff"]}',
        DEEP,
        b'{"state":"read","more":' + DEEP + b"}",
        b'{"state":"read","more":1e999}',
        {"ids": [NOBODYS]},
        {"state": "loved", "ids": [NOBODYS]},
        {"state": "read"},
        {"state": "read", "ids": []},
        {"state": "read", "ids": NOBODYS},
        {"state": "read", "ids": ["1"]},
        {"state": "read", "ids": [NOBODYS.upper() + "\n"]},
        {"state": "read", "ids": [NOBODYS] * 501},
        {"state": "read", "ids": [NOBODYS], "up_to": FOREIGN},
        {"state": "read", "up_to": "nonsense"},
        {"state": "read", "up_to": "0123abcd-007"},
        {"state": "read", "ids": [NOBODYS], "op": ""},
        {"state": "read", "ids": [NOBODYS], "op": "a\r\nb"},
        {"state": "read", "ids": [NOBODYS], "op": "x" * 200},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_bad_mark_is_refused_and_leaves_no_trace(tidings: Tidings, body: Any) -> None:
    refused(await post(tidings, body), 400)
    assert await entries(tidings, "alice") == []


async def test_a_mark_too_big_is_refused(tidings: Tidings) -> None:
    refused(await post(tidings, b" " * 70_000), 413)


@pytest.mark.parametrize("up_to", [FOREIGN, "{epoch}-99999999999", "{epoch}-9999999999999999999"])
async def test_a_mark_up_to_a_cursor_of_another_log_is_a_conflict(
    tidings: Tidings, up_to: str
) -> None:
    alice = await (await tidings.connect("alice")).live()
    up_to = up_to.format(epoch=str(alice.cursor).split("-")[0])

    refused(await post(tidings, {"state": "read", "up_to": up_to}), 409)

    answer = await alice.mark("read", up_to=up_to)
    assert not answer["ok"] and answer["error"].startswith("up_to")
    assert await entries(tidings, "alice") == []


async def test_a_cursor_spelt_in_another_way_is_no_cursor(tidings: Tidings) -> None:
    alice = await (await tidings.connect("alice")).live()

    await alice.send({"type": "mark", "op": "1", "state": "read", "up_to": "0123abcd-007"})

    assert await alice.closed() == 4500
    refused(await post(tidings, {"state": "read", "up_to": "0123abcd-007"}), 400)


async def test_marking_what_is_not_ones_own_has_no_effect_and_tells_nothing(
    tidings: Tidings,
) -> None:
    alice, bob = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.connect("bob")).live(),
    )
    await tidings.emit(hello_to("bob", title="private"))
    (note,) = await bob.until(1)

    for state in ("read", "archived", "deleted"):
        answer = await alice.mark(state, note["id"], NOBODYS)
        assert answer.keys() == {"type", "op", "ok", "cursor"}
        assert (await post(tidings, {"state": state, "ids": [note["id"]]})).json().keys() == {
            "op",
            "cursor",
        }
    await alice.mark("deleted", up_to=note["cursor"])

    assert (
        await tidings.get("/v1/counts", "bob")
        == bob.counts
        == {"unread": 1, "unseen": 1, "total": 1}
    )
    assert [each["id"] for each in await tidings.listing("bob")] == [note["id"]]
    assert "private" not in json.dumps(alice.seen)
    assert await tidings.listing("alice") == []
    assert len(await entries(tidings, "bob")) == 1


async def test_the_same_operation_sent_again_happens_once_and_another_one_does_happen(
    tidings: Tidings,
) -> None:
    alice = await (await tidings.connect("alice")).live()
    ops = ["a b", "a%20b", "a%b", "ä", "%e4", "日", "1", "1" * 128, 'q"uote', "\u00a0"]

    first = [await alice.mark("read", NOBODYS, op=op) for op in ops]
    again = [
        (await post(tidings, {"state": "read", "ids": [NOBODYS], "op": op})).json()
        for op in ops[:-1]
    ]

    assert all(answer["ok"] for answer in first)
    assert len({answer["cursor"] for answer in first}) == len(ops)
    assert [answer["cursor"] for answer in again] == [answer["cursor"] for answer in first[:-1]]
    assert len(await entries(tidings, "alice")) == len(ops)
