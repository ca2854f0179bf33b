"""An address gets one message until its person confirms it, and works again after a bounce."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.problems import check_problem
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import (
    Mailbox,
    ReceivedMail,
    running_channels,
    serve_mailbox,
    with_relay,
)
from tests.services.channels.test_mails import deliveries
from tests.services.channels.test_preferences_api import send
from tests.waiting import wait_until

NEVER = {"of": "all", "how": "never"}
NOW = {"of": "all", "channel": "email", "how": "now"}


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with (
        serve_mailbox() as (mailbox, port),
        running_channels(with_relay(chosen, port, public_url=url)),
    ):
        yield mailbox


async def give(tidings: Tidings, user: str = "alice", **more: Any) -> tuple[str, str]:
    """Give an address; return the address and its id."""
    address = f"{user}-{tidings.tenant}@example.org"
    body = {"channel": "email", "address": address, **more}
    answer = await send(tidings, "POST", "/v1/addresses", body, user=user)
    assert answer.status_code == 200, answer.text
    await tidings.get("/v1/addresses", user, after=answer.json()["sequence"])
    return address, answer.json()["id"]


async def own_address(tidings: Tidings, user: str = "alice") -> dict[str, Any]:
    """Return the only address of a user."""
    (found,) = (await tidings.get("/v1/addresses", user))["addresses"]
    return found


def path_in(mail: ReceivedMail) -> str:
    """Return the path of the confirming link of a mail."""
    match = re.search(r"https?://\S+/confirm/\S+", mail.text)
    assert match, mail.text
    return urlsplit(match[0]).path


async def test_nothing_but_the_confirming_mail_goes_to_an_unconfirmed_address(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    await send(tidings, "POST", "/v1/preferences", [NOW, {**NEVER, "of": "category:address"}])
    address, identifier = await give(tidings)
    (asking,) = await mailbox.wait_for(address)
    await tidings.emit(make_announcement("alice", title="Too early"))
    await tidings.wait_for_counts("alice", total=2)

    page = await tidings.http.get(path_in(asking))
    before = await own_address(tidings)
    confirmed = await tidings.http.post(path_in(asking), data={"confirm": "1"})
    await wait_until(lambda: _is_confirmed(tidings))
    await tidings.emit(make_announcement("alice", title="In time"))
    mails = await mailbox.wait_for(address, 2)

    assert asking.subject == "Confirm your address"
    assert asking.message["List-Unsubscribe"] is None
    assert page.status_code == confirmed.status_code == 200
    assert address not in page.text
    assert f"a…@{address.partition('@')[2]}" in page.text
    assert (before["id"], before["confirmed"]) == (identifier, False)
    assert [mail.subject for mail in mails] == ["Confirm your address", "In time"]
    assert "/confirm/" not in str(await tidings.list_all("alice"))


async def test_an_address_is_confirmed_by_its_own_person_only(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address, identifier = await give(tidings)
    _, other = await give(tidings, "bob")
    (asking,) = await mailbox.wait_for(address)
    token = path_in(asking).removeprefix("/confirm/")

    for user, path in (("bob", identifier), ("bob", other), ("alice", other)):
        refused = await send(
            tidings, "POST", f"/v1/addresses/{path}/confirm", {"token": token}, user=user
        )
        check_problem(refused, 404)
    for forged in (token[:60] + token[61:], "x"):
        check_problem(await tidings.http.post(f"/confirm/{forged}"), 404)
    assert not (await own_address(tidings))["confirmed"]
    done = await send(tidings, "POST", f"/v1/addresses/{identifier}/confirm", {"token": token})

    after = done.json()["sequence"]
    (found,) = (await tidings.get("/v1/addresses", "alice", after=after))["addresses"]
    assert found["confirmed"]


async def test_an_address_that_bounces_works_again_once_it_is_confirmed(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = f"carol-{tidings.tenant}@example.org"
    await tidings.emit(make_event("user.joined", user_id="carol", email=address))
    await send(tidings, "POST", "/v1/preferences", [NOW], user="carol")
    mailbox.refusals[address] = "550 5.1.1 no such user"
    await tidings.emit(make_announcement("carol", title="Bounces"))
    await tidings.wait_for_counts("carol", total=2)
    told, _ = await tidings.list_all("carol")
    del mailbox.refusals[address]

    assert (told["type"], told["actions"][0]["name"]) == ("channel.suppressed", "confirm")
    pressed = await send(
        tidings, "POST", f"/v1/notifications/{told['id']}/actions/confirm", user="carol"
    )
    assert pressed.status_code == 200, pressed.text
    (asking,) = await mailbox.wait_for(address)
    assert (await own_address(tidings, "carol"))["suppressed"]["reason"] == "bounced"
    await tidings.http.post(path_in(asking))
    await wait_until(lambda: _works(tidings, "carol"))
    await tidings.emit(make_announcement("carol", title="Arrives"))

    _, arrived = await mailbox.wait_for(address, 2)
    assert arrived.subject == "Arrives"


async def test_an_address_gets_three_confirming_mails_a_day(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    for count in range(3):
        address, _ = await give(tidings)
        await mailbox.wait_for(address, count + 1)
    await give(tidings)
    await wait_until(lambda: _is_capped(tidings))

    mails = mailbox.of(address)

    assert len(mails) == 3


async def test_withdrawn_addresses_cannot_be_confirmed(tidings: Tidings, mailbox: Mailbox) -> None:
    address, identifier = await give(tidings)
    (asking,) = await mailbox.wait_for(address)
    gone = await send(tidings, "DELETE", f"/v1/addresses/{identifier}")

    check_problem(await tidings.http.post(path_in(asking)), 404)
    check_problem(await send(tidings, "DELETE", "/v1/addresses/unknown"), 404)
    left = await tidings.get("/v1/addresses", "alice", after=gone.json()["sequence"])

    assert left["addresses"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"channel": "email", "address": "alice"}, "address"),
        ({"channel": "email", "address": "a@b.example\r\nBcc: c@d.example"}, "address"),
        ({"channel": "email", "address": f"{'a' * 300}@example.org"}, "address"),
        ({"channel": "webhook", "address": "http://example.org/"}, "address"),
        ({"channel": "webhook", "address": "https://u:p@example.org/"}, "address"),
        ({"channel": "webhook", "address": "https://example.org:22/"}, "address"),
        ({"channel": "webhook", "address": "https://127.0.0.1/"}, "address"),
        ({"channel": "webhook", "address": "https://2130706433/"}, "address"),
        ({"channel": "webhook", "address": "https://[::ffff:10.0.0.1]/"}, "address"),
        ({"channel": "webhook", "address": "https://a.localhost/"}, "address"),
        ({"channel": "chat", "address": "https://example.org/"}, "service"),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused(
    tidings: Tidings, body: dict[str, Any], field: str
) -> None:
    answer = await send(tidings, "POST", "/v1/addresses", body)

    assert check_problem(answer, 422)["field"] == field


async def test_the_21st_address_is_refused(tidings: Tidings) -> None:
    for number in range(20):
        body = {"channel": "email", "address": f"a{number}@example.org"}
        given = await send(tidings, "POST", "/v1/addresses", body)
    await tidings.get("/v1/addresses", "alice", after=given.json()["sequence"])

    again = await send(tidings, "POST", "/v1/addresses", body)
    one_more = await send(tidings, "POST", "/v1/addresses", {**body, "address": "b@example.org"})

    assert again.status_code == 200
    assert "20" in check_problem(one_more, 409)["detail"]


async def _is_confirmed(tidings: Tidings) -> bool:
    return (await own_address(tidings))["confirmed"]


async def _works(tidings: Tidings, user: str) -> bool:
    return (await own_address(tidings, user))["suppressed"] is None


async def _is_capped(tidings: Tidings) -> bool:
    return ("dropped", "capped") in await deliveries(tidings)
