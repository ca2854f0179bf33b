"""One click turns off one kind of mail, whoever has the link of the mail; reading it does not."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tidings.contracts.subjects import EVENTS
from tidings.runtime.log.read import read
from tidings.runtime.settings import Settings
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens, Unsubscription

from tests.acceptance.problems import check_problem
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import (
    ReceivedMail,
    running_channels,
    serve_mailbox,
    with_relay,
)
from tests.services.channels.mails import DELIVERY
from tests.services.channels.test_preferences_api import change, choice
from tests.web_processes import run_web

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
CATEGORY = "system_announcement"


def make_path(tidings: Tidings, user: str = "alice", **changes: Any) -> str:
    """Return the path of a link in a mail."""
    content = Unsubscription(tidings.tenant, user, "task", "email", DELIVERY)
    secret = tidings.runtime.settings.channel_key
    token = UnsubscribeTokens(secret).issue_token(Unsubscription(**{**_fields(content), **changes}))
    return f"/u/{token}"


async def press(tidings: Tidings, path: str, **fields: str) -> httpx.Response:
    """Post as the page does, without a token."""
    return await tidings.http.post(path, data=fields or ONE_CLICK)


async def stated(tidings: Tidings) -> list[dict[str, Any]]:
    """Return the tenant's events about preferences."""
    subject = f"{tidings.runtime.settings.subjects.event_prefix(tidings.tenant)}.preference.>"
    page = await read(tidings.runtime.jetstream, EVENTS, subject, after=0)
    return [json.loads(message.data) for message in page]


async def shown(tidings: Tidings, user: str = "alice") -> dict[str, Any]:
    """Return how mails about tasks are wanted, after all that was stated."""
    subject = f"{tidings.runtime.settings.subjects.event_prefix(tidings.tenant)}.>"
    page = await read(tidings.runtime.jetstream, EVENTS, subject, after=0)
    after = page[-1].sequence if page else 0
    return choice(await tidings.get("/v1/preferences", user, after=after), "task", "email")


async def test_the_link_of_a_mail_stops_mails_of_its_kind(tidings: Tidings) -> None:
    settings = tidings.runtime.settings
    address = f"alice-{tidings.tenant}@example.org"
    async with serve_mailbox() as (mailbox, port):
        relayed = with_relay(settings, port, public_url=tidings.url)
        async with running_channels(relayed):
            await tidings.emit(
                make_event("user.joined", user_id="alice", email=address),
                make_event("preference.set", user_id="alice", of="all", channel="email", how="now"),
                make_announcement("alice", title="First"),
            )
            (first,) = await mailbox.wait_for(address)
            link = _link(first)
            scanned = await tidings.http.get(link)
            await tidings.emit(make_announcement("alice", title="Second"))
            await mailbox.wait_for(address, 2)

            clicked = await tidings.http.post(link, data=ONE_CLICK)
            await tidings.emit(make_announcement("alice", title="Third"))
            await tidings.emit(
                make_event("task.assigned", user_id="alice", task_id="1", task_title="Another kind")
            )
            mails = await mailbox.wait_for(address, 3)

    assert scanned.status_code == clicked.status_code == 200
    assert not clicked.history
    assert [mail.subject for mail in mails] == ["First", "Second", "Task Assigned"]


async def test_ten_posts_are_one_event(tidings: Tidings) -> None:
    path = make_path(tidings)
    multipart = {name: (None, value) for name, value in ONE_CLICK.items()}

    answers = [await press(tidings, path) for _ in range(5)]
    answers += [await tidings.http.post(path, files=multipart) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    (event,) = await stated(tidings)
    said = {name: value for name, value in event["data"].items() if value}
    assert said.pop("by") == "alice"
    assert said == {
        "user_id": "alice",
        "of": "category:task",
        "channel": "email",
        "how": "never",
    }
    assert (await shown(tidings))["how"] == "never"


async def test_what_was_chosen_for_the_very_type_is_turned_off_too(tidings: Tidings) -> None:
    path = make_path(tidings, type="task.assigned", entity="task:1")
    await change(tidings, {"of": "type:task.assigned", "how": "now"})
    await change(tidings, {"of": "entity:task:1", "channel": "email", "how": "digest"})
    await change(tidings, {"of": "entity:task:2", "channel": "email", "how": "now"})

    for _ in range(2):
        await press(tidings, path)
    off, events = await own_choices(tidings), len(await stated(tidings))
    await press(tidings, path, undo="1")
    on = await own_choices(tidings)

    assert events == 3 + 3
    assert off == {
        ("category:task", "email"): "never",
        ("type:task.assigned", None): "now",
        ("type:task.assigned", "email"): "never",
        ("entity:task:1", "email"): "never",
        ("entity:task:2", "email"): "now",
    }
    assert on == {
        ("type:task.assigned", None): "now",
        ("entity:task:1", "email"): "digest",
        ("entity:task:2", "email"): "now",
    }


async def own_choices(tidings: Tidings) -> dict[tuple[str, str | None], str]:
    """Return all that Alice has chosen by scope and channel, after all that was stated."""
    await shown(tidings)
    found = (await tidings.get("/v1/preferences", "alice"))["preferences"]
    return {(each["of"], each.get("channel")): each["how"] for each in found}


async def test_reading_the_page_changes_nothing(tidings: Tidings) -> None:
    path = make_path(tidings)

    page = await tidings.http.get(path, headers={"Accept-Language": "de-AT,de;q=0.9"})
    head = await tidings.http.head(path)

    assert page.headers["content-type"].startswith("text/html")
    assert "Task abbestellen?" in page.text
    assert "<script" not in page.text
    assert head.status_code == 200
    assert page.headers["referrer-policy"] == "no-referrer"
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]
    assert await stated(tidings) == []


async def test_it_is_taken_back_to_what_was_chosen_before(tidings: Tidings) -> None:
    path = make_path(tidings)
    sequence = await change(
        tidings, {"of": "category:task", "channel": "email", "how": "unread", "after_seconds": 60}
    )
    await tidings.get("/v1/preferences", "alice", after=sequence)

    page = await press(tidings, path)
    fields = dict(re.findall(r'name="(undo)" value="(\d+)"', page.text))
    restored = await press(tidings, path, **fields)
    back = await shown(tidings)
    await press(tidings, path)

    assert "Task is on" in restored.text
    assert (back["how"], back["after_seconds"]) == ("unread", 60)
    assert (await shown(tidings))["how"] == "never"


async def test_what_the_tenant_requires_stays_on(tidings: Tidings) -> None:
    required = {"of": "category:task", "channel": "email", "how": "now", "required": True}
    sequence = await change(tidings, required, of="tenant", scope="admin", user="root")
    await tidings.get("/v1/preferences", "alice", after=sequence)

    answer = await press(tidings, make_path(tidings))

    assert answer.status_code == 409
    assert "cannot be turned off" in answer.text
    assert len(await stated(tidings)) == 1


@pytest.mark.parametrize(
    "change_token", [lambda t: t[:-2], lambda t: t[:40] + t[41:], lambda _: "x" * 5000]
)
async def test_a_forged_link_is_unknown(tidings: Tidings, change_token: Any) -> None:
    path = make_path(tidings)
    forged = f"/u/{change_token(path.removeprefix('/u/'))}"

    check_problem(await tidings.http.get(forged), 404)
    check_problem(await press(tidings, forged), 404)
    page = await tidings.http.get(forged, headers={"Accept": "text/html"})

    assert page.status_code == 404
    assert "not valid" in page.text
    assert await stated(tidings) == []


async def test_a_body_that_is_no_click_changes_nothing(tidings: Tidings) -> None:
    path = make_path(tidings)

    check_problem(await press(tidings, path, something="else"), 400)
    check_problem(await tidings.http.post(path, content=b"x" * 10_000), 400, 413)
    check_problem(await tidings.http.post(path), 400)

    assert await stated(tidings) == []


def _link(mail: ReceivedMail) -> str:
    """Return the path of a mail's first address to unsubscribe at."""
    match = re.match(r"<(\S+?)>", str(mail.message["List-Unsubscribe"]))
    assert match
    return urlsplit(match[1]).path


def _fields(content: Unsubscription) -> dict[str, Any]:
    return {name: getattr(content, name) for name in content.__struct_fields__}


async def test_strangers_are_limited_and_other_hosts_refused(
    tidings: Tidings, chosen: Settings
) -> None:
    path = make_path(tidings)
    async with (
        run_web(
            chosen,
            channel_secret=chosen.channel_secret,
            stranger_rate="3/60",
            allowed_hosts="mail.example.org",
        ) as running,
        httpx.AsyncClient(base_url=running.url) as stranger,
    ):
        other_host = await stranger.get(path, headers={"Host": "evil.example"})
        answers = [
            await stranger.post(path, data=ONE_CLICK, headers={"Host": "mail.example.org"})
            for _ in range(4)
        ]

    check_problem(other_host, 421)
    assert answers[0].status_code == 200
    check_problem(answers[-1], 429)
