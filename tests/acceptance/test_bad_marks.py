"""Bad marks: refused with a reason, without any effect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.problems import check_problem
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.streams import read_entries

pytestmark = pytest.mark.usefixtures("calm")

FOREIGN = "0123abcd-5"
UNKNOWN_ID = "00000000-0000-5000-8000-000000000000"
DEEP = b"[" * 20_000 + b"]" * 20_000


async def post_mark(tidings: Tidings, body: Any) -> Any:
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
        {"ids": [UNKNOWN_ID]},
        {"state": "loved", "ids": [UNKNOWN_ID]},
        {"state": "read"},
        {"state": "read", "ids": []},
        {"state": "read", "ids": UNKNOWN_ID},
        {"state": "read", "ids": ["1"]},
        {"state": "read", "ids": [UNKNOWN_ID.upper() + "\n"]},
        {"state": "read", "ids": [UNKNOWN_ID] * 501},
        {"state": "read", "ids": [UNKNOWN_ID], "up_to": FOREIGN},
        {"state": "read", "up_to": "nonsense"},
        {"state": "read", "up_to": "0123abcd-007"},
        {"state": "read", "ids": [UNKNOWN_ID], "op": ""},
        {"state": "read", "ids": [UNKNOWN_ID], "op": "a\r\nb"},
        {"state": "read", "ids": [UNKNOWN_ID], "op": "x" * 200},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_bad_mark_is_refused_and_leaves_no_entry(tidings: Tidings, body: Any) -> None:
    check_problem(await post_mark(tidings, body), 400)
    assert await read_entries(tidings, "alice") == []


async def test_a_mark_that_is_too_large_is_refused(tidings: Tidings) -> None:
    check_problem(await post_mark(tidings, b" " * 70_000), 413)


@pytest.mark.parametrize("up_to", [FOREIGN, "{epoch}-99999999999", "{epoch}-9999999999999999999"])
async def test_a_mark_up_to_a_cursor_of_another_log_is_a_conflict(
    tidings: Tidings, up_to: str
) -> None:
    alice = await (await tidings.connect("alice")).live()
    up_to = up_to.format(epoch=str(alice.cursor).split("-")[0])

    check_problem(await post_mark(tidings, {"state": "read", "up_to": up_to}), 409)

    answer = await alice.mark("read", up_to=up_to)
    assert not answer["ok"] and answer["error"].startswith("up_to")
    assert await read_entries(tidings, "alice") == []


async def test_a_cursor_with_leading_zeros_is_invalid(tidings: Tidings) -> None:
    alice = await (await tidings.connect("alice")).live()

    await alice.send({"type": "mark", "op": "1", "state": "read", "up_to": "0123abcd-007"})

    assert await alice.wait_for_close() == 4500
    check_problem(await post_mark(tidings, {"state": "read", "up_to": "0123abcd-007"}), 400)


async def test_marking_the_notification_of_another_user_has_no_effect_and_discloses_nothing(
    tidings: Tidings,
) -> None:
    alice, bob = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.connect("bob")).live(),
    )
    await tidings.emit(make_announcement("bob", title="private"))
    (note,) = await bob.until(1)

    for state in ("read", "archived", "deleted"):
        answer = await alice.mark(state, note["id"], UNKNOWN_ID)
        assert answer.keys() == {"type", "op", "ok", "cursor"}
        assert (await post_mark(tidings, {"state": state, "ids": [note["id"]]})).json().keys() == {
            "op",
            "cursor",
        }
    await alice.mark("deleted", up_to=note["cursor"])

    assert (
        await tidings.get("/v1/counts", "bob")
        == bob.counts
        == {"unread": 1, "unseen": 1, "total": 1}
    )
    assert [notification["id"] for notification in await tidings.list_all("bob")] == [note["id"]]
    assert "private" not in json.dumps(alice.frames)
    assert await tidings.list_all("alice") == []
    assert len(await read_entries(tidings, "bob")) == 1


async def test_a_repeated_operation_is_applied_once_and_different_ones_each(
    tidings: Tidings,
) -> None:
    alice = await (await tidings.connect("alice")).live()
    ops = ["a b", "a%20b", "a%b", "ä", "%e4", "日", "1", "1" * 128, 'q"uote', "\u00a0"]

    first = [await alice.mark("read", UNKNOWN_ID, op=op) for op in ops]
    again = [
        (await post_mark(tidings, {"state": "read", "ids": [UNKNOWN_ID], "op": op})).json()
        for op in ops[:-1]
    ]

    assert all(answer["ok"] for answer in first)
    assert len({answer["cursor"] for answer in first}) == len(ops)
    assert [answer["cursor"] for answer in again] == [answer["cursor"] for answer in first[:-1]]
    assert len(await read_entries(tidings, "alice")) == len(ops)
