"""Chats: what each product is posted, which no text can turn into markup, links or mentions."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from tidings.channels.chat.apprise_sender import open_apprise_sender
from tidings.channels.chat.bodies import BODIES, ChatText, chat_post
from tidings.contracts.graphemes import cut_text
from tidings.domains.addresses.events import AddressGiven
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels
from tests.services.channels.receiver import Trust, serve_receiver, with_webhooks
from tests.services.channels.test_webhook_lane import deliveries
from tests.waiting import wait_until

APPRISE_ADDRESS = "tgram://123456789:abcdefg_hijklmnop/12315544/"
URL = "https://chat.example.org/hooks/secret"
LINK = "https://example.org/tasks/7?a=1&b=>|x"
HOSTILE = ChatText(
    "@everyone <!channel> *bold* [x](https://evil.example)",
    "<@U1> @here `code` # head\n> quote __u__ ||spoiler|| &amp; <https://evil.example|ok>",
    LINK,
    5,
)


def body_for(service: str, text: ChatText) -> Any:
    """Return the decoded body of a post."""
    post = chat_post(service, URL, text)
    assert post and post.headers["content-type"] == "application/json"
    return json.loads(post.body)


def test_slack_gets_no_mention_and_no_link_but_ours() -> None:
    body = body_for("slack", HOSTILE)

    assert body["text"] == (
        "@everyone &lt;!channel&gt; *bold* [x](https://evil.example)\n"
        "&lt;@U1&gt; @here `code` # head\n"
        "&gt; quote __u__ ||spoiler|| &amp;amp; &lt;https://evil.example|ok&gt;\n"
        "<https://example.org/tasks/7?a=1&amp;b=%3E%7Cx>"
    )
    assert (body["mrkdwn"], body["link_names"]) == (False, False)


def test_teams_gets_blocks_that_know_no_markup() -> None:
    (attachment,) = body_for("teams", HOSTILE)["attachments"]
    card = attachment["content"]

    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert [block["inlines"][0]["text"] for block in card["body"]] == [
        HOSTILE.title,
        HOSTILE.message,
    ]
    assert card["actions"][0]["url"] == LINK


def test_discord_mentions_nobody_and_takes_the_length() -> None:
    body = body_for("discord", HOSTILE)
    longest = body_for("discord", ChatText("*" * 150, "_" * 5000, "https://e.org/" + "x" * 380))

    assert body["allowed_mentions"] == {"parse": []}
    assert r"\[x\]\(https\://evil\.example\)" in body["content"]
    assert r"\<https\://evil\.example\|ok\>" in body["content"]
    assert len(longest["content"]) <= 2000


def test_mattermost_gets_no_mention() -> None:
    text = body_for("mattermost", HOSTILE)["text"]

    assert "@everyone" not in text and "@here" not in text
    assert "@\u200beveryone" in text and r"\*bold\*" in text


def test_ntfy_gets_its_topic_at_the_root() -> None:
    post = chat_post("ntfy", "https://ntfy.example.org/base/my-topic?auth=abc", HOSTILE)

    assert post and post.url == "https://ntfy.example.org/base?auth=abc"
    assert json.loads(post.body) == {
        "topic": "my-topic",
        "title": HOSTILE.title,
        "message": HOSTILE.message,
        "priority": 5,
        "click": LINK,
    }
    assert chat_post("ntfy", "https://ntfy.example.org/", HOSTILE) is None


@pytest.mark.parametrize("service", BODIES)
def test_long_texts_are_cut_and_what_is_missing_left_out(service: str) -> None:
    long, bare = (
        body_for(service, ChatText("t", "x" * 100_000)),
        body_for(service, ChatText("", "")),
    )

    assert len(json.dumps(long)) < 3000 and cut_text("x" * 100_000, 10) != "x" * 11
    assert "http" not in json.dumps(bare).replace("application/vnd", "")


def test_a_product_without_a_body_is_not_posted_to() -> None:
    assert chat_post("pager", URL, HOSTILE) is None


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "sent"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/?verify=no", "url"),
        ("tgram://", "url"),
        *((f"{scheme}://10.0.0.1/x", "url") for scheme in ("json", "dbus", "mailto", "https")),
    ],
)
async def test_apprise_sends_to_products_of_the_list_only(
    monkeypatch: pytest.MonkeyPatch, address: str, expected: str
) -> None:
    sent = list[dict[str, Any]]()
    apprise = pytest.importorskip("apprise")

    def notify(_: Any, **given: Any) -> bool:
        sent.append(given)
        return True

    monkeypatch.setattr(apprise.Apprise, "notify", notify)
    sender = open_apprise_sender()
    assert sender

    result = await sender.send_text(address, HOSTILE)

    assert result.code == expected and len(sent) == (expected == "sent")
    assert not sent or (sent[0]["title"], sent[0]["body_format"]) == (HOSTILE.title, "text")


@pytest.mark.parametrize("address", ["json://10.0.0.1/", "https://chat.example.org/", "tgram://"])
def test_an_address_for_apprise_is_checked_when_it_is_given(address: str) -> None:
    given: dict[str, Any] = {"user_id": "u", "address_id": "a", "channel": "chat"}
    event = AddressGiven(**given, service="apprise", address=address)
    other = AddressGiven(**given, service="slack", address="tgram://1:a/2")

    assert [field for field, _ in event.faults()] == ["address"]
    assert [field for field, _ in other.faults()] == ["address"]


async def test_an_event_becomes_a_message_in_each_chat(
    tidings: Tidings, chosen: Settings, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # the extra is not installed
    trust, services = Trust(), [*BODIES, "apprise"]
    async with (
        serve_receiver(trust) as receiver,
        running_channels(with_webhooks(chosen, receiver.port), trust.client),
    ):
        await tidings.emit(
            make_event("user.joined", user_id="alice"),
            make_event("preference.set", user_id="alice", of="all", channel="chat", how="now"),
            *(
                make_event(
                    "address.given",
                    user_id="alice",
                    address_id=service,
                    channel="chat",
                    service=service,
                    address=APPRISE_ADDRESS
                    if service == "apprise"
                    else receiver.url(f"/{service}/topic"),
                    confirmed=True,
                )
                for service in services
            ),
            make_announcement("alice", title="Now <all> know"),
        )
        texts = {
            service: (await receiver.wait_for(path))[0].body.decode()
            for service in BODIES
            for path in [f"/{service}" if service == "ntfy" else f"/{service}/topic"]
        }
        await wait_until(lambda: apprise_failed(tidings))

    assert all("know" in text for text in texts.values())
    assert "&lt;all&gt;" in texts["slack"] and r"\\<all\\>" in texts["discord"]


async def apprise_failed(tidings: Tidings) -> bool:
    """Return whether what needs an extra that is not installed has failed, with that word."""
    codes = [(state, code) for state, _, code, _ in await deliveries(tidings)]
    return ("failed", "apprise_not_installed") in codes
