"""The bodies that chat products take, escaped so that no text can format, link or mention; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.graphemes import cut_text
from yarl import URL

MESSAGE_LIMIT_CHARACTERS = 1200
LINK_LIMIT_CHARACTERS = 400
"""Discord takes 2000 characters in all, escapes included, and refuses what is longer."""
INVISIBLE = "\u200b"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>:&$])")
_MENTION = re.compile(r"@(?=\w)|[@#](?=[!&<])")
_JSON = MappingProxyType({"content-type": "application/json"})


class ChatText(NamedTuple):
    """What is said: a title, a message of lines, and a link by http(s) or none.

    `priority`: from 1 to 5, the highest.
    """

    title: str
    message: str
    link: str | None = None
    priority: int = 3


class ChatPost(NamedTuple):
    """A request to a chat product."""

    url: str
    body: bytes
    headers: Mapping[str, str]


def chat_post(service: str, url: str, text: ChatText) -> ChatPost | None:
    """Return what is posted to a product's address, None if the product has no such way."""
    body_of = BODIES.get(service)
    if body_of is None:
        return None
    cut = text._replace(message=cut_text(text.message, MESSAGE_LIMIT_CHARACTERS))
    if service == "ntfy":
        return _ntfy_post(url, cut)
    return ChatPost(url, msgspec.json.encode(body_of(cut)), _JSON)


def slack_body(text: ChatText) -> Any:
    """Return a message without formatting: only `<…>` could link or mention, and is escaped."""
    lines = [_slack(text.title), _slack(text.message)]
    if text.link:
        lines.append(f"<{_slack(_bracketed(text.link))}>")
    return {"text": _lines(lines), "mrkdwn": False, "link_names": False, "unfurl_links": False}


def teams_body(text: ChatText) -> Any:
    """Return an adaptive card (workflows); a `RichTextBlock` knows no markup and no mention."""

    def block(content: str, weight: str) -> Any:
        run = {"type": "TextRun", "text": content, "weight": weight}
        return {"type": "RichTextBlock", "inlines": [run]}

    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            block(each, weight)
            for each, weight in ((text.title, "bolder"), (text.message, "default"))
            if each
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "→", "url": text.link}]
        if text.link
        else [],
    }
    content_type = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": content_type, "content": card}]}


def discord_body(text: ChatText) -> Any:
    """Return a message in Markdown that mentions nobody, whatever it says."""
    lines = [
        f"**{_markdown(text.title)}**",
        cut_text(_markdown(text.message), MESSAGE_LIMIT_CHARACTERS),
    ]
    link = text.link if text.link and len(text.link) < LINK_LIMIT_CHARACTERS else None
    content = _lines([*lines, f"<{_bracketed(link)}>" if link else ""])
    return {"content": content, "allowed_mentions": {"parse": []}}


def mattermost_body(text: ChatText) -> Any:
    """Return a message in Markdown; an invisible character after `@` keeps it from mentioning."""
    lines = [f"**{_markdown(_unmentioned(text.title))}**", _markdown(_unmentioned(text.message))]
    return {"text": _lines([*lines, f"<{_bracketed(text.link)}>" if text.link else ""])}


def ntfy_body(text: ChatText) -> Any:
    """Return a message in plain text; the topic is added from the address."""
    body = {"title": text.title, "message": text.message or text.title, "priority": text.priority}
    return {**body, "click": text.link} if text.link else body


BODIES: Mapping[str, Callable[[ChatText], Any]] = MappingProxyType(
    {
        "slack": slack_body,
        "teams": teams_body,
        "discord": discord_body,
        "mattermost": mattermost_body,
        "ntfy": ntfy_body,
    }
)


def _ntfy_post(url: str, text: ChatText) -> ChatPost | None:
    """Post to the server's root: only there does it take JSON, which has room for any title."""
    address = URL(url)
    topic = address.name
    if not topic:
        return None
    body = msgspec.json.encode({"topic": topic, **ntfy_body(text)})
    return ChatPost(str(address.parent.with_query(address.query)), body, _JSON)


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bracketed(link: str) -> str:
    """Return a link that stays within `<…>`."""
    return link.replace(">", "%3E").replace("<", "%3C").replace("|", "%7C")


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _unmentioned(text: str) -> str:
    return _MENTION.sub(lambda found: found[0] + INVISIBLE, text)


def _lines(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line)
