"""What an event must fulfil beyond its shape: unique names, pages to link, usable values.

The log may hold events from before a check, so what is used is checked again at its use.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tidings.contracts.messages import NewMessage
from tidings.runtime.settings import Settings

from tests.acceptance.problems import BATCH, LINES, ONE, check_problem, post_events
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_stored_events
from tests.web_processes import run_web


def encode(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


async def refused_field(tidings: Tidings, event: dict[str, Any], *statuses: int) -> str:
    """Emit an event that must be refused, and return the field at fault."""
    problem = check_problem(await post_events(tidings, encode(event)), *(statuses or (400,)))
    assert await read_stored_events(tidings) == []
    return problem["field"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"id": "1"', '"id": "1", "id": "2"', "id"),
        ('"type": ', '"type": "task.deleted", "type": ', "type"),
        ('"title": "Hello"', '"title": "Hello", "title": "Bye"', "data.title"),
        ('"title": "Hello"', '"title": "Hello", "ti\\u0074le": "Bye"', "data.title"),
        ('"users": ["alice"]', '"users": ["alice"], "users": ["bob"]', "data.to.users"),
        ('"message": "there"', '"message": "", "n": [{"a": 1, "a": 1}]', "data.n.a"),
    ],
)
@pytest.mark.parametrize("media_type", [ONE, BATCH, LINES])
async def test_a_name_that_occurs_twice_is_refused_and_named(
    tidings: Tidings, media_type: str, old: str, new: str, field: str
) -> None:
    body = json.dumps(make_announcement("alice", identifier="1"))
    assert old in body
    twice = body.replace(old, new)

    answer = await post_events(
        tidings, (f"[{twice}]" if media_type == BATCH else twice).encode(), media_type
    )

    assert check_problem(answer, 400)["field"] == field
    assert await read_stored_events(tidings) == []


async def test_an_attribute_that_occurs_twice_in_headers_is_refused(tidings: Tidings) -> None:
    event = make_announcement("alice")
    headers = [
        *tidings.headers().items(),
        ("Content-Type", "application/json"),
        *((f"ce-{name}", value) for name, value in event.items() if name != "data"),
        ("ce-type", "task.deleted"),
    ]

    answer = await tidings.http.post("/v1/events", content=encode(event["data"]), headers=headers)

    assert check_problem(answer, 400)["field"] == "ce-type"


async def test_the_same_name_in_two_objects_is_no_repetition(tidings: Tidings) -> None:
    event = make_announcement("alice", a={"b": 1}, b={"a": [{"c": 1}, {"c": 1.50}]})

    assert (await tidings.emit(event))["appended"] == 1


NO_PAGES = (
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "https://user@evil.example/",
    "https:///evil.example",
    " /a",
    "/a\nb",
    "java\tscript:alert(1)",
    "/" + "a" * 2048,
)


def events_with_address(address: str) -> dict[str, dict[str, Any]]:
    """Return an event for each field that leads to a page, by the path of the field."""
    incident = {"incident_id": "1", "number": 1, "title": "x", "severity": "high"}
    requested = {"to": {"users": ["alice"]}, "title": "a", "message": "b"}
    requested_about = {**requested, "entity": {"type": "a", "id": "1", "url": address}}
    return {
        "data.entity_url": make_announcement("alice", entity_url=address),
        "data.action_url": make_event("notification.requested", **requested, action_url=address),
        "data.entity.url": make_event("notification.requested", **requested_about),
        "data.data.action_url": make_event(
            "notification.requested", **requested, data={"action_url": address}
        ),
        "data.entity_url ": make_event("incident.created", **incident, entity_url=address),
        "data.action_url ": make_event(
            "task.deleted", task_id="1", task_title="x", action_url=address
        ),
    }


@pytest.mark.parametrize("field", [*events_with_address("")])
async def test_an_address_of_no_page_is_refused_in_every_field(
    tidings: Tidings, field: str
) -> None:
    for address in NO_PAGES:
        event = events_with_address(address)[field]
        assert await refused_field(tidings, event) == field.strip(), address


@pytest.mark.parametrize("field", [*events_with_address("")])
async def test_the_page_of_a_host_that_is_not_allowed_is_refused(
    tidings: Tidings, field: str
) -> None:
    for address in ("https://evil.example/a", "http://evil.example", "https://[::1]:80/"):
        event = events_with_address(address)[field]
        assert await refused_field(tidings, event, 403) == field.strip(), address
    assert (await tidings.emit(events_with_address("/tasks/7?a=b#c")[field]))["appended"] == 1


@pytest.fixture(scope="module")
async def linking_url(chosen: Settings, url: str) -> AsyncIterator[str]:
    """Run an edge that admits links to two hosts, one of them of an allowed origin."""
    assert url
    origin = "https://app.example.org:8443"
    async with run_web(chosen, link_hosts="docs.example.org", allowed_origins=origin) as edge:
        yield edge.url


@pytest.mark.parametrize("host", ["docs.example.org", "app.example.org:8443", "docs.example.org:1"])
async def test_the_page_of_an_allowed_host_is_linked(
    tidings: Tidings, linking_url: str, host: str
) -> None:
    address = f"https://{host}/a"
    async with make_driver_at(tidings, linking_url) as linking:
        await linking.emit(make_announcement("alice", entity_url=address))
        await linking.wait_for_counts("alice", total=1)

        (notification,) = await linking.list_all("alice")

    assert notification["entity"]["url"] == address


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//evil.example"])
async def test_an_address_of_no_page_that_is_in_the_log_is_not_handed_on(
    tidings: Tidings, address: str
) -> None:
    event = make_announcement("alice", entity_url=address, tenant=tidings.tenant)
    subject = tidings.runtime.settings.subjects.event_subject(tidings.tenant, event["type"], None)
    await tidings.runtime.appender().append(NewMessage(subject, encode(event)))

    await tidings.wait_for_counts("alice", total=1)

    (notification,) = await tidings.list_all("alice")
    assert "url" not in notification["entity"]


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("email", "amira@example.org\r\nBcc: all@example.org", 400),
        ("email", "a" * 100_000 + "@example.org", 400),
        ("email", "amira", 400),
        ("email", "", 400),
        ("timezone", "Mars/Phobos", 422),
        ("timezone", "../../etc/passwd", 400),
        ("timezone", "x" * 1000, 400),
        ("locale", "de\n", 400),
        ("locale", "d" * 100, 400),
        ("name", "Amira\r\n", 400),
        ("name", "A" * 257, 400),
    ],
)
async def test_what_cannot_be_used_about_a_user_is_refused(
    tidings: Tidings, field: str, value: str, status: int
) -> None:
    event = make_event("user.joined", user_id="amira", **{field: value})

    assert await refused_field(tidings, event, status) == f"data.{field}"


async def test_what_can_be_used_about_a_user_is_accepted(tidings: Tidings) -> None:
    known = {"email": "a.b+c@sub.example.org", "timezone": "America/Argentina/Ushuaia"}
    events = [
        make_event("user.joined", user_id="a", name="Zoë O’Neil", locale="pt-BR", **known),
        make_event("user.joined", user_id="b", locale="de_AT.UTF-8", timezone="UTC"),
        make_event("user.joined", user_id="c"),
    ]

    assert (await tidings.emit(*events))["appended"] == 3


async def test_a_user_in_the_log_whose_values_cannot_be_used_is_a_member_all_the_same(
    tidings: Tidings,
) -> None:
    odd = {"email": "\r\n", "timezone": "Mars/Phobos", "locale": "?", "name": "\x01"}
    event = make_event("user.joined", user_id="amira", tenant=tidings.tenant, **odd)
    subject = tidings.runtime.settings.subjects.event_subject(tidings.tenant, event["type"], None)
    await tidings.runtime.appender().append(NewMessage(subject, encode(event)))

    await tidings.emit(make_announcement(to={"everyone": True}))

    await tidings.wait_for_counts("amira", total=1)
