"""Previews: who would be told of an event, where, when and why; nothing leaves or is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tidings.contracts.subjects import EVENTS
from tidings.runtime.log.state import stream_state
from tidings.runtime.settings import Settings

from tests.acceptance.command import Command
from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_event, make_room_joins, make_task_assigned
from tests.driver import Tidings
from tests.web_processes import run_web

RELAY: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": "1", "channel_secret": "s" * 32}
"""A relay at which nothing listens: a preview sends nothing."""
TASK = ("task.assigned", "task_id=7", "task_title=Water the seedlings", "user_id=alice")
ALL_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.fixture
async def alice(tidings: Tidings) -> str:
    """Let Alice join, who reads German in Kathmandu and wants mails at once; return her address."""
    address = f"alice-{tidings.tenant}@example.org"
    await tidings.emit(
        make_event(
            "user.joined", user_id="alice", email=address, locale="de", timezone="Asia/Kathmandu"
        ),
        make_event("preference.set", user_id="alice", of="all", channel="email", how="now"),
    )
    return address


async def preview(cli: Command, *words: str) -> dict[str, Any]:
    """Return what a preview in a pipe says."""
    tenant = ("--tenant", cli.tidings.tenant)
    return json.loads(await cli.read_output("preview", *words, *tenant, **RELAY))


async def test_a_preview_shows_the_mail_that_would_leave_and_stores_nothing(
    tidings: Tidings, cli: Command, alice: str
) -> None:
    before = (await stream_state(tidings.runtime.jetstream, EVENTS)).last_sequence

    found = await preview(cli, *TASK)

    (told,) = found["notifications"]
    (mail,) = told["deliveries"]
    assert (told["user"], mail["channel"], mail["state"]) == ("alice", "email", "ordered")
    assert mail["address"] == f"a…@{alice.partition('@')[2]}"
    assert told["mail"]["subject"] == told["title"]
    assert "Aufgabe" in told["title"]
    assert "Water the seedlings" in told["mail"]["text"]
    assert "<html" in told["mail"]["html"]
    assert alice not in json.dumps(found)
    assert before == (await stream_state(tidings.runtime.jetstream, EVENTS)).last_sequence
    assert (await tidings.list_all("alice")) == []


async def test_a_preview_for_a_night_says_until_when_it_waits_and_why(
    tidings: Tidings, cli: Command, alice: str
) -> None:
    window = {"days": ALL_DAYS, "begin": "22:00", "until": "07:00"}
    await tidings.emit(make_event("quiet_hours.set", user_id="alice", windows=[window]))

    found = await preview(cli, *TASK, "--at", "2030-01-01T18:00")

    (mail,) = found["notifications"][0]["deliveries"]
    assert (mail["state"], mail["summary"]) == ("held", True)
    assert mail["until"] == "2030-01-02T01:15:00Z"
    assert mail["why"]["code"] == "quiet_hours"
    assert mail["why"]["event"] > 0


async def test_who_would_not_be_told_is_said_with_the_reason(
    tidings: Tidings, cli: Command, alice: str
) -> None:
    other = await preview(cli, *TASK, "--user", "bob")
    nobody = await preview(cli, "task.deleted", "task_id=7", "task_title=x")
    await tidings.emit(
        make_event(
            "preference.set", user_id="alice", of="category:task", channel="email", how="never"
        )
    )
    never = await preview(cli, *TASK)

    assert (other["total"], other["reason"]) == (0, "`bob` is not among the 1 who would be told")
    assert nobody["total"] == 0
    assert nobody["reason"].startswith("no user is in task:7#assignee")
    (mail,) = never["notifications"][0]["deliveries"]
    assert (mail["state"], mail["why"]["code"]) == ("dropped", "opted_out")
    assert mail["why"]["row"] == "user category:task email never"
    assert never["notifications"][0]["mail"] is None


async def test_the_members_of_a_relation_are_told_but_not_the_sender(
    tidings: Tidings, cli: Command, alice: str
) -> None:
    await tidings.emit(*make_room_joins("alice", "bob"))
    fields = ("message_id=1", "room_id=9", "sender_id=bob", "sender_name=Bob", "text=Hello")

    found = await preview(cli, "message.posted", *fields)

    assert [each["user"] for each in found["notifications"]] == ["alice"]


async def test_a_terminal_shows_it_and_a_file_gets_the_page(
    cli: Command, alice: str, tmp_path: Path
) -> None:
    page, event = tmp_path / "mail.html", tmp_path / "event.json"
    event.write_text(json.dumps(make_task_assigned(7)))
    words = ("preview", str(event), "--tenant", cli.tidings.tenant)

    broken = await cli.read_error("preview", "task.assigned", "user_id=alice", **RELAY)
    cli.environment = {**cli.environment, "FORCE_COLOR": "1", "COLUMNS": "100"}
    out = await cli.read_output(*words, "--html", str(page), **RELAY)

    assert "at once" in out
    assert "1 would be told; nothing was sent" in out
    assert "Water the seedlings" in page.read_text()
    assert "task_id" in broken


async def test_operators_preview_by_http(tidings: Tidings, chosen: Settings, alice: str) -> None:
    body = {"event": make_task_assigned(7), "user": "alice"}
    settings = {**RELAY, "smtp_port": 1}
    async with run_web(chosen, **settings) as web, make_driver_at(tidings, web.url) as edge:
        admin = tidings.headers("root", scope="admin")
        answer = await edge.http.post("/v1/preview", json=body, headers=admin)
        mine = await edge.http.post("/v1/preview", json=body, headers=tidings.headers("alice"))
        wrong = {**body, "event": make_event("task.assigned", task_id="7")}
        refused = await edge.http.post("/v1/preview", json=wrong, headers=admin)
        foreign = {**body, "event": {**make_task_assigned(7), "tenant": "another"}}
        elsewhere = await edge.http.post("/v1/preview", json=foreign, headers=admin)

    (told,) = answer.json()["notifications"]
    assert [each["state"] for each in told["deliveries"]] == ["ordered"]
    assert "Water the seedlings" in told["mail"]["text"]
    check_problem(mine, 403)
    check_problem(refused, 422)
    assert refused.json()["field"].startswith("event.data")
    check_problem(elsewhere, 422)
