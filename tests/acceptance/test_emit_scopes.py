"""Scopes of producers: a token emits the types that its scopes name, and nothing about people."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.acceptance.command import Command
from tests.acceptance.problems import BATCH, ONE, check_problem
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_stored_events

PROTECTED = {
    "session.revoked": {"user_id": "alice"},
    "role.granted": {"user_id": "mallory", "role": "manager"},
    "role.revoked": {"user_id": "alice", "role": "manager"},
    "user.joined": {"user_id": "mallory"},
    "user.left": {"user_id": "alice"},
    "tenant.configured": {"dialect": "chat"},
}


async def emit_with(tidings: Tidings, scope: str, *types: str) -> httpx.Response:
    """Emit one event of each type in a batch, with a token of a scope."""
    others = {
        "task.deleted": {"task_id": "1", "task_title": "Water"},
        "announcement.published": make_announcement("alice")["data"],
    }
    events = [make_event(type_, **(PROTECTED | others)[type_]) for type_ in types]
    return await tidings.http.post(
        "/v1/events",
        content=json.dumps(events[0] if len(events) == 1 else events),
        headers={
            **tidings.headers(scope=scope),
            "Content-Type": ONE if len(events) == 1 else BATCH,
        },
    )


@pytest.mark.parametrize("type_", PROTECTED)
async def test_the_scope_emit_alone_permits_nothing_about_people(
    tidings: Tidings, type_: str
) -> None:
    refused = await emit_with(tidings, "emit", "task.deleted", type_)

    problem = check_problem(refused, 403)
    assert (problem["field"], problem["line"]) == ("type", 2)
    assert f"emit:{type_}" in problem["detail"]
    assert await read_stored_events(tidings) == []


@pytest.mark.parametrize(
    ("scope", "types"),
    [
        ("emit", ["task.deleted", "announcement.published"]),
        ("emit emit:role.*", ["task.deleted", "role.granted", "role.revoked"]),
        ("emit:role.*", ["role.granted"]),
        ("inbox emit:task.*", ["task.deleted"]),
        ("emit:session.revoked", ["session.revoked"]),
        ("emit admin", [*PROTECTED]),
    ],
)
async def test_a_scope_permits_the_types_that_it_names(
    tidings: Tidings, scope: str, types: list[str]
) -> None:
    accepted = await emit_with(tidings, scope, *types)

    assert accepted.json()["appended"] == len(types)


@pytest.mark.parametrize(
    ("scope", "type_"),
    [
        ("emit:task.*", "announcement.published"),
        ("emit:role.*", "task.deleted"),
        ("emit:role.granted", "role.revoked"),
        ("emit:tas.*", "task.deleted"),
        ("emit:task", "task.deleted"),
        ("emit:*", "task.deleted"),
        ("emit:", "task.deleted"),
        ("admin", "task.deleted"),
        ("inbox", "task.deleted"),
    ],
)
async def test_a_scope_permits_no_other_type(tidings: Tidings, scope: str, type_: str) -> None:
    check_problem(await emit_with(tidings, scope, type_), 403)
    assert await read_stored_events(tidings) == []


NOT_NEW = {
    "source": {"source": "/tidings"},
    "data.entity_url": {"data": {"title": "t", "message": "m", "entity_url": "//evil.example"}},
}


async def emit_body(tidings: Tidings, scope: str, body: str, **query: str) -> httpx.Response:
    headers = {**tidings.headers(scope=scope), "Content-Type": ONE}
    return await tidings.http.post("/v1/events", params=query, content=body, headers=headers)


@pytest.mark.parametrize("field", NOT_NEW)
async def test_an_admin_too_must_ask_for_restoring_to_emit_what_no_new_event_may_be(
    tidings: Tidings, field: str
) -> None:
    event = make_announcement("alice")
    changed = NOT_NEW[field]
    event |= {**changed, "data": {**event["data"], **changed.get("data", {})}}  # type: ignore[dict-item]
    body = json.dumps(event)

    refused = await emit_body(tidings, "emit admin", body)
    restored = await emit_body(tidings, "emit admin", body, restore="true")

    assert check_problem(refused, 400, 403)["field"] == field
    assert restored.json()["appended"] == 1


@pytest.mark.parametrize(
    "scope", ["emit", "inbox emit:announcement.*", "admin emit:announcement.*"]
)
async def test_restoring_needs_emit_and_admin_together(tidings: Tidings, scope: str) -> None:
    refused = await emit_body(
        tidings, scope, json.dumps(make_announcement("alice")), restore="true"
    )

    assert "`emit` and `admin`" in check_problem(refused, 403)["detail"]
    assert await read_stored_events(tidings) == []


async def test_a_development_token_has_the_least_scope_and_says_so(cli: Command) -> None:
    result = await cli("token", "--user", "amira", "--tenant", cli.tidings.tenant)

    assert "scope inbox" in result.err and "amira" in result.err
    headers = {"Authorization": f"Bearer {result.out.strip()}", "Content-Type": ONE}
    body = json.dumps(make_announcement("alice"))
    refused = await cli.tidings.http.post("/v1/events", content=body, headers=headers)
    assert check_problem(refused, 403)["detail"] == "the token needs the scope `emit`"


async def test_the_command_emits_what_needs_a_scope_of_its_own(cli: Command) -> None:
    out = await cli.read_output(
        "emit", "user.joined", "user_id=amira", "--tenant", cli.tidings.tenant
    )

    assert out.startswith("appended")
