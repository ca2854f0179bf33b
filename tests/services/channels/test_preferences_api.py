"""People choose over HTTP what they want beyond the page, and are told whose word holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.acceptance.problems import check_problem
from tests.builders import make_event
from tests.driver import Tidings

ADMIN = "inbox admin"
NIGHT = {"days": ["mon", "tue"], "begin": "22:00", "until": "07:00"}


async def send(
    tidings: Tidings, method: str, path: str, body: Any = None, user: str = "alice", **more: Any
) -> httpx.Response:
    """Send a request as a user; `scope` and `headers` are those of `more`."""
    headers = tidings.headers(user, scope=more.pop("scope", "inbox")) | more.pop("headers", {})
    return await tidings.http.request(method, path, json=body, headers=headers, params=more)


async def change(tidings: Tidings, *changes: dict[str, Any], **more: Any) -> int:
    """Change preferences, and return the sequence of the last event."""
    answer = await send(tidings, "POST", "/v1/preferences", list(changes), **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["sequence"]


def choice(preferences: dict[str, Any], category: str, channel: str) -> dict[str, Any]:
    """Return how a category goes out on a channel."""
    (found,) = (each for each in preferences["categories"] if each["category"] == category)
    (chosen,) = (each for each in found["channels"] if each["channel"] == channel)
    return chosen


async def test_a_choice_is_shown_with_the_event_that_states_it(tidings: Tidings) -> None:
    before = await tidings.get("/v1/preferences", "alice")
    sequence = await change(tidings, {"of": "category:task", "channel": "email", "how": "never"})

    shown = await tidings.get("/v1/preferences", "alice", after=sequence)

    assert choice(before, "task", "email") == {
        "channel": "email",
        "how": "digest",
        "after_seconds": None,
        "digest": {"every": "daily", "at": "08:00", "day": "mon"},
        "because": {"row": "installed default", "event": None},
        "locked": False,
    }
    chosen = choice(shown, "task", "email")
    assert chosen["how"] == "never"
    assert chosen["because"] == {"row": "user category:task email never", "event": sequence}
    assert choice(shown, "task", "push") == choice(before, "task", "push")
    assert shown["sequence"] == sequence
    assert await tidings.get("/v1/preferences", "bob", after=sequence) == before


async def test_more_specific_choices_are_listed_and_cleared(tidings: Tidings) -> None:
    await change(
        tidings,
        {"of": "entity:task:456", "how": "never"},
        {"of": "type:task.assigned", "channel": "email", "how": "unread", "after_seconds": 60},
    )

    sequence = await change(tidings, {"of": "entity:task:456", "clear": True})

    shown = await tidings.get("/v1/preferences", "alice", after=sequence)
    (left,) = shown["preferences"]
    assert (left["of"], left["after_seconds"], left["by"]) == ("type:task.assigned", 60, "user")


async def test_settings_that_did_not_change_are_not_sent_again(tidings: Tidings) -> None:
    sequence = await change(tidings, {"of": "all", "how": "now"})
    first = await send(tidings, "GET", "/v1/preferences", after=sequence)
    etag = first.headers["etag"]
    await tidings.emit(make_event("user.joined", user_id="bob"))

    again = await send(tidings, "GET", "/v1/preferences", headers={"If-None-Match": etag})
    newer = await change(tidings, {"of": "all", "how": "never"})
    stale = await send(
        tidings,
        "POST",
        "/v1/preferences",
        [{"of": "all", "how": "now"}],
        headers={"If-Match": etag},
    )

    assert again.status_code == 304
    check_problem(stale, 412)
    shown = await tidings.get("/v1/preferences", "alice", after=newer)
    assert [each["how"] for each in shown["preferences"]] == ["never"]


async def test_one_bad_change_changes_nothing(tidings: Tidings) -> None:
    good = {"of": "category:task", "how": "never"}
    for bad, field, hint in (
        ({"of": "category:taks", "how": "now"}, "[1].of", "task"),
        ({"of": "all", "channel": "emial", "how": "now"}, "[1].channel", "email"),
        ({"of": "entty:task:1", "how": "now"}, "[1].of", "entity"),
        ({"of": "all", "how": "now", "after_seconds": 5}, "[1].after_seconds", "unread"),
        ({"of": "all"}, "[1].how", "clear"),
        ({"of": "all", "how": "now", "clear": True}, "[1].how", "clear"),
        ({"of": "all", "how": "now", "required": True}, "[1].required", "tenant"),
    ):
        answer = await send(tidings, "POST", "/v1/preferences", [good, bad])
        problem = check_problem(answer, 422)
        assert problem["field"] == field
        assert hint in problem["detail"]
    for body in ([], {}, [{"of": "all", "howw": "now"}], [{"of": "all", "how": "loud"}]):
        check_problem(await send(tidings, "POST", "/v1/preferences", body), 400)

    sequence = await change(tidings, {"of": "all", "how": "now"})
    shown = await tidings.get("/v1/preferences", "alice", after=sequence)
    assert [each["of"] for each in shown["preferences"]] == ["all"]


async def test_what_the_tenant_requires_is_locked(tidings: Tidings) -> None:
    incidents = {"of": "category:incident", "channel": "email"}
    required = {**incidents, "how": "now", "required": True}
    check_problem(await send(tidings, "POST", "/v1/preferences", [required], of="tenant"), 403)
    sequence = await change(tidings, required, of="tenant", scope=ADMIN, user="root")

    shown = await tidings.get("/v1/preferences", "alice", after=sequence)
    refused = await send(tidings, "POST", "/v1/preferences", [{**incidents, "how": "never"}])
    await change(tidings, {"of": "category:incident", "how": "never"}, {**incidents, "how": "now"})

    locked = choice(shown, "incident", "email")
    assert (locked["how"], locked["locked"]) == ("now", True)
    of_tenant = await send(tidings, "GET", "/v1/preferences", of="tenant", scope=ADMIN, user="root")
    assert [each["by"] for each in of_tenant.json()["preferences"]] == ["tenant"]
    check_problem(await send(tidings, "GET", "/v1/preferences", of="tenant"), 403)
    problem = check_problem(refused, 409)
    assert problem["type"].endswith("#locked")
    assert problem["reason"] == "tenant category:incident email now"


async def test_a_repeated_request_changes_once(tidings: Tidings) -> None:
    body = {"of": "all", "how": "never"}
    by_op = [await change(tidings, body, op="first") for _ in range(2)]
    by_key = [await change(tidings, body, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    other = await change(tidings, body, op="first", user="bob")

    assert by_op[0] == by_op[1] != by_key[0] == by_key[1]
    assert other not in by_op


async def test_too_many_preferences_are_refused(tidings: Tidings) -> None:
    def page(number: int) -> list[dict[str, Any]]:
        return [
            {"of": f"entity:task:{place}", "how": "never"}
            for place in range(number * 100, number * 100 + 100)
        ]

    for number in range(5):
        sequence = await change(tidings, *page(number))
    await tidings.get("/v1/preferences", "alice", after=sequence)

    answer = await send(tidings, "POST", "/v1/preferences", [{"of": "all", "how": "now"}])

    assert "500" in check_problem(answer, 409)["detail"]


async def test_quiet_hours_and_pauses_are_set_and_ended(tidings: Tidings) -> None:
    quiet = {"zone": "Europe/Berlin", "windows": [NIGHT], "channels": ["push"]}
    await send(tidings, "PUT", "/v1/quiet-hours", quiet)
    until = "2099-01-01T00:00:00Z"
    near = check_problem(
        await send(tidings, "PUT", "/v1/quiet-hours", {**quiet, "zone": "Europe/Berln"}), 422
    )
    check_problem(await send(tidings, "PUT", "/v1/pause", {"until": until}), 422)
    check_problem(await send(tidings, "PUT", "/v1/pause", {"until": "2020-01-01T00:00:00Z"}), 422)
    paused = await send(tidings, "PUT", "/v1/pause", {"until": _tomorrow()})

    set_ = await tidings.get("/v1/preferences", "alice", after=paused.json()["sequence"])
    await send(tidings, "DELETE", "/v1/quiet-hours")
    ended = await send(tidings, "DELETE", "/v1/pause")
    left = await tidings.get("/v1/preferences", "alice", after=ended.json()["sequence"])

    assert near["field"] == "zone"
    assert "Europe/Berlin" in near["detail"]
    assert set_["quiet_hours"]["windows"] == [NIGHT]
    assert set_["pause"]["event"] == paused.json()["sequence"]
    assert (left["quiet_hours"], left["pause"]) == (None, None)


async def test_a_sequence_that_is_not_in_the_log_is_refused_at_once(tidings: Tidings) -> None:
    answer = await send(tidings, "GET", "/v1/preferences", after=2**50)

    check_problem(answer, 409)


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()
