"""Compose a mail from one notification, or a summary of several; it reads no clock, does no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin

import msgspec
from tidings.channels.email.headers import (
    PreparedHeader,
    encode_line,
    encode_sender,
    header_label,
    text_digest,
)
from tidings.channels.email.message import encode_alternative
from tidings.channels.email.return_path import UNSUBSCRIBE_SUBJECT, ReturnPaths
from tidings.channels.templates import InvalidMail, MailTemplates
from tidings.channels.visible_text import clean_line, clean_link, clean_text
from tidings.channels.words import load_words
from tidings.contracts.graphemes import cut_text
from tidings.contracts.notifications import Notification
from tidings.contracts.page_addresses import safe_address
from tidings.domains.addresses.forms import email_fault
from tidings.projections.preferences.wanted import facts_of
from tidings.runtime.texts.times import format_moment
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens, Unsubscription

SUBJECT_LIMIT_CHARACTERS = 200
REASON_LIMIT_RELATIONS = 5
LINK_LIMIT_CHARACTERS = 900
"""A longer link does not fit into a line of a header."""
HTTPS = "https://"


class MailSender(NamedTuple):
    """Who sends mails: the operator's settings.

    `public_url`: the edge as people reach it; `product_url`: that of the product's pages.
    `return_paths`: where bounces go; None: to the sender.
    """

    address: str
    name: str
    product: str
    public_url: str
    product_url: str | None
    tokens: UnsubscribeTokens
    return_paths: ReturnPaths | None

    @property
    def domain(self) -> str:
        """The domain of message ids and lists."""
        return self.address.rpartition("@")[2]


class MailOrder(NamedTuple):
    """What a mail is to say, and to whom.

    `notifications`: one, or for a summary the newest of `total`, all of one person. `moment`: that
    of the decision, so that a repeated mail is the same. `required`: the person cannot turn off
    this category. `category`: what an unsubscription turns off; a summary may have several.
    `confirm_link`: the mail asks to confirm its address there, and has no other text.
    """

    delivery: str
    recipient: str
    notifications: tuple[Notification, ...]
    total: int
    moment: datetime
    category: str
    confirm_link: str | None = None
    locale: str = ""
    zone: str = ""
    required: bool = False
    summary: bool = False


class ComposedMail(NamedTuple):
    """A mail as a relay takes it: the envelope, and the message in ASCII with CRLF."""

    sender: str
    recipient: str
    content: bytes
    subject: str
    text: str
    html: str


class Composer:
    """Composes mails; the same order gives the same mail, except for its sealed link."""

    def __init__(self, sender: MailSender, templates: MailTemplates) -> None:
        self._sender = sender
        self._templates = templates
        self._words = load_words()

    def compose_mail(self, order: MailOrder) -> ComposedMail:
        """Return the mail; raises InvalidMail."""
        if fault := email_fault(order.recipient):
            raise InvalidMail(f"the recipient's address {fault}")
        link = self._unsubscribe_link(order)
        values = self._values(order, link)
        text, html = self._templates.render_parts(values)
        envelope = self._envelope_sender(order)
        headers = self._headers(order, values["subject"], link, envelope)
        content = encode_alternative(headers, text, html, text_digest("boundary", order.delivery))
        return ComposedMail(envelope, order.recipient, content, values["subject"], text, html)

    def _values(self, order: MailOrder, link: str | None) -> dict[str, Any]:
        locale = self._words.best_locale(order.locale)
        more = max(0, order.total - len(order.notifications))
        heading = (
            self._words.text("summary", locale, {"total": order.total}) if order.summary else ""
        )
        items = (
            [self._confirmation(order.confirm_link, locale)]
            if order.confirm_link
            else [self._item(each, order, locale) for each in order.notifications]
        )
        product = {"product": clean_line(self._sender.product)}
        return {
            "locale": locale,
            "subject": cut_text(heading or items[0]["title"] or "–", SUBJECT_LIMIT_CHARACTERS),
            "heading": heading,
            "items": items,
            "more": self._words.text("more", locale, {"more": more}) if more else "",
            "required": order.required,
            "unsubscribe_link": link,
            "words": {
                "open": self._words.text("confirm" if order.confirm_link else "open", locale),
                "unsubscribe": self._words.text("unsubscribe", locale),
                "required": self._words.text("required", locale),
                "because": self._words.text(
                    "because-confirm" if order.confirm_link else "because", locale, product
                ),
            },
        }

    def _item(self, notification: Notification, order: MailOrder, locale: str) -> dict[str, Any]:
        moment = notification.occurred or notification.created
        return {
            "title": clean_line(notification.title),
            "message": clean_text(notification.message),
            "link": self._link(notification),
            "time": format_moment(moment, locale, order.zone) if order.summary else "",
        }

    def _confirmation(self, link: str, locale: str) -> dict[str, Any]:
        product = {"product": clean_line(self._sender.product)}
        return {
            "title": self._words.text("confirm-title", locale),
            "message": self._words.text("confirm-text", locale, product),
            "link": link,
            "time": "",
        }

    def _link(self, notification: Notification) -> str | None:
        """Return the address of the page that a notification is about, None if it has none."""
        address = safe_address(notification.entity.url) if notification.entity else None
        if not address:
            return None
        base = self._sender.product_url
        return clean_link(address) or (clean_link(urljoin(base, address)) if base else None)

    def _unsubscribe_link(self, order: MailOrder) -> str | None:
        if order.required or order.confirm_link:
            return None
        first = order.notifications[0]
        content = Unsubscription(first.tenant, first.user, order.category, "email", order.delivery)
        if not order.summary:
            facts = facts_of(first)
            content = msgspec.structs.replace(
                content, type=facts.type, entity=facts.entity, group=facts.group
            )
        return f"{self._sender.public_url}/u/{self._sender.tokens.issue_token(content)}"

    def _envelope_sender(self, order: MailOrder) -> str:
        paths = self._sender.return_paths
        return paths.address_for(order.delivery) if paths else self._sender.address

    def _headers(
        self, order: MailOrder, subject: str, link: str | None, envelope: str
    ) -> Iterator[tuple[str, PreparedHeader]]:
        sender, first = self._sender, order.notifications[0]
        category, tenant = header_label(order.category), header_label(first.tenant)
        yield "From", encode_sender(clean_line(sender.name), sender.address)
        yield "To", PreparedHeader(order.recipient)
        yield "Subject", encode_line(subject, "Subject")
        yield "Date", PreparedHeader(format_datetime(order.moment))
        yield "Message-ID", PreparedHeader(f"<{order.delivery}@{sender.domain}>")
        if first.group and not order.summary:
            thread = PreparedHeader(f"<{text_digest(first.tenant, first.group)}@{sender.domain}>")
            yield "In-Reply-To", thread
            yield "References", thread
        yield "Auto-Submitted", PreparedHeader("auto-generated")
        yield "X-Auto-Response-Suppress", PreparedHeader("All")
        yield "List-Id", PreparedHeader(f"<{category}.{tenant}.{sender.domain}>")
        yield "Feedback-ID", PreparedHeader(f"{category}:{tenant}:notification:tidings")
        yield "X-Tidings-Reason", PreparedHeader(_reason(first, order.summary))
        yield from _list_headers(link, envelope if sender.return_paths else None)


def _list_headers(link: str | None, bounces: str | None) -> Iterator[tuple[str, PreparedHeader]]:
    """Yield the headers of RFC 2369 and RFC 8058, whose link must be one by https."""
    if link is None or len(link) > LINK_LIMIT_CHARACTERS:
        return
    by_mail = f",\r\n <mailto:{bounces}?subject={UNSUBSCRIBE_SUBJECT}>" if bounces else ""
    yield "List-Unsubscribe", PreparedHeader(f"<{link}>{by_mail}")
    if link.startswith(HTTPS):
        yield "List-Unsubscribe-Post", PreparedHeader("List-Unsubscribe=One-Click")


def _reason(notification: Notification, summary: bool) -> str:
    """Return the relations that made the person a recipient, percent-encoded."""
    if summary:
        return "summary"
    relations = notification.audience[:REASON_LIMIT_RELATIONS]
    return ",\r\n ".join(quote(each, safe=":#")[:LINK_LIMIT_CHARACTERS] for each in relations) or (
        "recipient"
    )
