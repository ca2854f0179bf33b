"""Bounces, through HTTP and the command line: who gets no mail any more, and who still does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.command import Command
from tests.acceptance.conftest import make_environment
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import (
    Mailbox,
    ReceivedMail,
    running_channels,
    serve_mailbox,
    with_relay,
)
from tests.services.channels.test_bounce import FORGED, read_mail
from tests.services.channels.test_mails import announce, join, own_events
from tests.waiting import wait_until

SOFT = "temporary_failure"


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def post_bounce(tidings: Tidings, mail: bytes, scope: str = "bounce") -> Any:
    """Hand a mail over by HTTP, as a mail server of another tenant."""
    headers = tidings.headers("mail-server", scope=scope, tenant="operations")
    return await tidings.http.post(
        "/v1/bounces", content=mail, headers={**headers, "Content-Type": "message/rfc822"}
    )


async def result_of(tidings: Tidings, name: str, mail: ReceivedMail) -> Any:
    """Hand over a report about a mail that was sent, and return the answer."""
    response = await post_bounce(tidings, read_mail(name, mail.sender))
    assert response.status_code == 202, response.text
    return response.json()


async def mail_about(
    tidings: Tidings, mailbox: Mailbox, address: str, title: str = "Hello"
) -> ReceivedMail:
    """Tell Alice something, and return the mail about it."""
    count = len(mailbox.of(address)) + 1
    await announce(tidings, title)
    return (await mailbox.wait_for(address, count))[-1]


async def has_state(tidings: Tidings, state: str, code: str) -> bool:
    """Return whether the tenant has a delivery in a state."""
    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute(
            "SELECT state, code FROM deliveries.delivery WHERE tenant = %s",
            (tidings.tenant,),
        )
        return (state, code) in await rows.fetchall()


@pytest.mark.parametrize("name", ["postfix_unknown", "exim_unspecific", "exchange_unknown"])
async def test_a_final_bounce_ends_the_mails(tidings: Tidings, mailbox: Mailbox, name: str) -> None:
    address = await join(tidings)
    mail = await mail_about(tidings, mailbox, address)

    assert await result_of(tidings, name, mail) == {"result": "suppressed"}
    again = await result_of(tidings, name, mail)
    await announce(tidings, "After it")

    other = await join(tidings, user="bob")
    await tidings.emit(make_announcement("bob"))
    await mailbox.wait_for(other)
    assert again == {"result": "counted", "reason": "address_changed"}
    assert len(mailbox.of(address)) == 1
    types = [event["type"] for event in await own_events(tidings)]
    assert sorted(types) == ["channel.suppressed", "delivery.failed"]


async def test_a_bounce_shows_in_the_bell(tidings: Tidings, mailbox: Mailbox) -> None:
    mail = await mail_about(tidings, mailbox, await join(tidings))

    await result_of(tidings, "postfix_unknown", mail)

    await wait_until(lambda: _is_told(tidings, "channel.suppressed"))


async def test_four_temporary_failures_end_the_mails(tidings: Tidings, mailbox: Mailbox) -> None:
    address = await join(tidings)
    mails = [await mail_about(tidings, mailbox, address) for _ in range(4)]

    results = [await result_of(tidings, SOFT, mail) for mail in (mails[0], *mails)]

    assert [each["result"] for each in results] == ["counted"] * 4 + ["suppressed"]
    await wait_until(lambda: has_state(tidings, "failed", "bounced 4.4.1"))


async def test_the_bounce_of_an_earlier_address_spares_the_new_one(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    mail = await mail_about(tidings, mailbox, await join(tidings))
    new = f"new-{tidings.tenant}@example.org"
    await tidings.emit(make_event("user.joined", user_id="alice", email=new))

    result = await result_of(tidings, "postfix_unknown", mail)

    assert result == {"result": "counted", "reason": "address_changed"}
    await mail_about(tidings, mailbox, new)


async def test_failures_before_an_address_was_restored_do_not_count(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings)
    mails = [await mail_about(tidings, mailbox, address) for _ in range(4)]
    for mail in mails:
        await result_of(tidings, SOFT, mail)
    restored = make_event("channel.restored", user_id="alice", address_id="profile")
    await tidings.emit(restored)
    mail = await mail_about(tidings, mailbox, address)

    assert await result_of(tidings, SOFT, mail) == {"result": "counted"}
    await mail_about(tidings, mailbox, address)


@pytest.mark.parametrize("name", ["complaint", "complaint_returned", "unsubscribe"])
async def test_a_complaint_turns_off_the_category(
    tidings: Tidings, mailbox: Mailbox, name: str
) -> None:
    address = await join(tidings)
    mail = await mail_about(tidings, mailbox, address)

    assert await result_of(tidings, name, mail) == {"result": "turned_off"}
    await announce(tidings, "After it")
    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="Another kind", user_id="alice")
    )
    _, other = await mailbox.wait_for(address, 2)

    assert "Another kind" in other.text
    (event,) = await own_events(tidings)
    data = event["data"]
    assert (data["user_id"], data["channel"], data["how"]) == ("alice", "email", "never")
    assert data["of"] == "category:system_announcement"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("delayed", "delayed"), ("out_of_office", "automatic")],
)
async def test_what_reports_no_failure_changes_nothing(
    tidings: Tidings, mailbox: Mailbox, name: str, reason: str
) -> None:
    mail = await mail_about(tidings, mailbox, await join(tidings))

    assert await result_of(tidings, name, mail) == {"result": "ignored", "reason": reason}
    assert await own_events(tidings) == []


async def test_a_forged_token_and_an_unknown_delivery_change_nothing(tidings: Tidings) -> None:
    forged = await post_bounce(tidings, read_mail("postfix_unknown", FORGED))
    unknown = await post_bounce(tidings, read_mail("postfix_unknown"))

    assert (forged.status_code, forged.json()["reason"]) == (202, "no_token")
    assert (unknown.status_code, unknown.json()["reason"]) == (202, "unknown_delivery")


async def test_a_request_needs_the_scope_and_a_mail(tidings: Tidings) -> None:
    mail = read_mail("postfix_unknown")
    other_scope = await post_bounce(tidings, mail, scope="inbox emit:* admin")
    too_large = await post_bounce(tidings, b"x" * (1024 * 1024 + 1))
    json = await tidings.http.post(
        "/v1/bounces", json={}, headers=tidings.headers("mail-server", scope="bounce")
    )

    assert (other_scope.status_code, too_large.status_code, json.status_code) == (403, 413, 415)
    assert "`bounce`" in other_scope.json()["detail"]


async def test_a_mail_server_pipes_to_the_command(
    tidings: Tidings, mailbox: Mailbox, chosen: Settings
) -> None:
    command = Command(tidings, make_environment(chosen, client_url=tidings.url))
    mail = await mail_about(tidings, mailbox, await join(tidings))
    report = read_mail("postfix_unknown", "bounces@mail.example.org")

    without = await command("bounces", stdin=report)
    ended = await command("bounces", "--recipient", mail.sender, stdin=b"From x\n" + report)
    large = await command("bounces", stdin=b"x" * 2_000_000)
    away = await command("bounces", stdin=report, client_url="http://127.0.0.1:9")
    wrong = await command("bounces", "--recipient", "a\nb@c", stdin=report)

    assert (without.code, without.out) == (0, "ignored: no_token\n")
    assert (ended.code, ended.out) == (0, "suppressed\n")
    assert (large.code, large.out) == (0, "ignored: too_large\n")
    assert (away.code, wrong.code) == (75, 64), (away.err, wrong.err)


async def _is_told(tidings: Tidings, type_: str) -> bool:
    response = await tidings.http.get("/v1/notifications", headers=tidings.headers("alice"))
    return type_ in [each["type"] for each in response.json()["notifications"]]
