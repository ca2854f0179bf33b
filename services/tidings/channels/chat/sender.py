"""The sender of chats: posts notifications to the incoming webhooks of chat products."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urljoin

from tidings.channels.chat.bodies import ChatText, chat_post
from tidings.channels.confirmation_links import ConfirmationLinks
from tidings.channels.decider.lane import Letter
from tidings.channels.results import Deferred, Failed, SendResult
from tidings.channels.visible_text import clean_line, clean_link, clean_text
from tidings.channels.webhook.post import WebhookClient
from tidings.channels.words import Words
from tidings.contracts.notifications import Notification, Priority
from tidings.contracts.page_addresses import safe_address
from tidings.domains.addresses.events import APPRISE
from tidings.projections.preferences.settings import Address

PRIORITIES: Mapping[Priority, int] = MappingProxyType(
    {"low": 2, "normal": 3, "high": 4, "critical": 5}
)
NOT_FOUND = "404"
DELETED_ANSWERS: Mapping[str, str] = MappingProxyType({"discord": "", "slack": "no_service"})
"""What products answer with 404 for a webhook that was deleted: a part of their text."""
SUMMARY_LINES = 10


class TextSender(Protocol):
    """Sends a text to an address of many products."""

    async def send_text(self, address: str, text: ChatText) -> SendResult:
        """Send, and return what came of it; raises nothing but cancellation."""
        ...


class ChatSender:
    """Posts to chats; `others` sends to the products that have no body here, if it is installed."""

    def __init__(
        self,
        client: WebhookClient,
        words: Words,
        links: ConfirmationLinks,
        product: str,
        product_url: str | None,
        others: TextSender | None,
    ) -> None:
        self._client = client
        self._words = words
        self._links = links
        self._product = product
        self._product_url = product_url
        self._others = others

    async def send(self, letter: Letter) -> SendResult:
        """Post one message."""
        place = letter.place
        if not isinstance(place, Address) or place.value.service is None:
            return Failed(reason="invalid", code="no_address")
        service, text = place.value.service, self.text_of(letter)
        if service == APPRISE:
            if self._others is None:
                return Failed(reason="invalid", code="apprise_not_installed")
            return await self._others.send_text(place.value.address, text)
        post = chat_post(service, place.value.address, text)
        if post is None:
            return Failed(reason="invalid", code="url")
        result = await self._client.post(post.url, post.body, post.headers)
        return _deleted(result) if _is_deleted(service, result) else result

    def text_of(self, letter: Letter) -> ChatText:
        """Return what is said of a letter's notifications."""
        locale = self._words.best_locale(letter.settings.locale or "")
        if link := self._links.link_for(letter):
            product = {"product": clean_line(self._product)}
            return ChatText(
                self._words.text("confirm-title", locale),
                self._words.text("confirm-text", locale, product),
                link,
            )
        newest = letter.notifications[-1]
        if letter.summary:
            titles = [clean_line(each.title) for each in letter.notifications[-SUMMARY_LINES:]]
            heading = self._words.text("summary", locale, {"total": letter.total})
            return ChatText(heading, "\n".join(titles), clean_link(self._product_url))
        return ChatText(
            clean_line(newest.title) or "–",
            clean_text(newest.message),
            self._page_of(newest),
            PRIORITIES[newest.priority],
        )

    def _page_of(self, notification: Notification) -> str | None:
        """Return the address of a notification's page, None if it has no absolute one."""
        address = safe_address(notification.entity.url if notification.entity else None)
        if address is None:
            return None
        return clean_link(
            urljoin(f"{self._product_url}/", address) if self._product_url else address
        )


def _is_deleted(service: str, result: SendResult) -> bool:
    if not isinstance(result, Deferred) or result.code != NOT_FOUND:
        return False
    return service in DELETED_ANSWERS and DELETED_ANSWERS[service] in result.reply


def _deleted(result: SendResult) -> SendResult:
    return Failed(reason="gone", code=result.code, reply=result.reply, suppress="gone")
