"""The sender of mails: composes each one and hands it to the relay of the settings."""

from __future__ import annotations

import logging
from email.utils import parseaddr

from tidings.channels.confirmation_links import ConfirmationLinks, open_confirmation_links
from tidings.channels.decider.lane import Letter
from tidings.channels.email.compose import Composer, MailOrder, MailSender
from tidings.channels.email.relay import Relay, Tls
from tidings.channels.email.return_path import ReturnPaths
from tidings.channels.email.smtp import SmtpClient
from tidings.channels.results import Failed, SendResult
from tidings.channels.templates import InvalidMail, MailTemplates
from tidings.client.addresses import http_url, is_loopback
from tidings.projections.preferences.settings import Address
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens

log = logging.getLogger("tidings.channels")


class EmailSender:
    """Sends mails over the connections that the settings allow."""

    def __init__(self, composer: Composer, links: ConfirmationLinks, client: SmtpClient) -> None:
        self._composer = composer
        self._links = links
        self._client = client

    async def send(self, letter: Letter) -> SendResult:
        """Compose and send one mail; one that cannot be composed has failed."""
        if not isinstance(letter.place, Address):
            return Failed(reason="invalid", code="no_address")
        try:
            order = order_of(letter, letter.place, self._links.link_for(letter))
            mail = self._composer.compose_mail(order)
        except InvalidMail as error:
            log.warning("delivery %s cannot be composed: %s", letter.delivery, error)
            return Failed(reason="invalid", code="invalid")
        return await self._client.send_mail(mail)

    async def aclose(self) -> None:
        """Take leave of the relay; mails that are being sent are not waited for."""
        await self._client.aclose()


def open_email_sender(settings: Settings) -> EmailSender:
    """Return a sender for the settings; raises InvalidSettings."""
    return EmailSender(
        open_composer(settings, UnsubscribeTokens(settings.channel_key)),
        open_confirmation_links(settings),
        SmtpClient(relay_of(settings)),
    )


def open_composer(settings: Settings, tokens: UnsubscribeTokens) -> Composer:
    """Return a composer of mails by the settings; raises InvalidSettings.

    `tokens`: those of the links that turn mails off.
    """
    name, address = parseaddr(settings.email_from)
    if "@" not in address:
        raise InvalidSettings(
            f"TIDINGS_EMAIL_FROM is `{settings.email_from}`; it needs an address, such as"
            " `Tidings <tidings@example.org>`"
        )
    sender = MailSender(
        address=address,
        name=name or settings.product_name,
        product=settings.product_name,
        public_url=(settings.public_url or settings.base_url).rstrip("/"),
        product_url=settings.product_url,
        tokens=tokens,
        return_paths=(
            ReturnPaths(settings.channel_key, settings.email_bounces)
            if settings.email_bounces
            else None
        ),
    )
    return Composer(sender, MailTemplates(settings.templates))


def relay_of(settings: Settings) -> Relay:
    """Return the relay of the settings; raises InvalidSettings."""
    if settings.smtp_host is None:
        raise InvalidSettings("TIDINGS_SMTP_HOST is needed to send mails")
    return Relay(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=_tls_of(settings, settings.smtp_host),
        user=settings.smtp_user,
        password=_password_of(settings),
        connections=settings.smtp_connections,
    )


def _tls_of(settings: Settings, host: str) -> Tls:
    if settings.smtp_tls != "auto":
        return settings.smtp_tls
    return "off" if is_loopback(http_url(host, 0)) else "starttls"


def _password_of(settings: Settings) -> str | None:
    file = settings.smtp_login_file
    if file is None:
        return settings.smtp_password
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"TIDINGS_SMTP_LOGIN_FILE: {file}: {error}") from None


def order_of(letter: Letter, to: Address, confirm_link: str | None) -> MailOrder:
    """Return the mail that a letter asks for."""
    newest = letter.notifications[-1]
    return MailOrder(
        delivery=letter.delivery,
        recipient=to.value.address,
        notifications=letter.notifications,
        total=letter.total,
        moment=letter.at,
        category=newest.category,
        confirm_link=confirm_link,
        locale=letter.settings.locale or "",
        zone=next(iter(letter.settings.zones), ""),
        required=letter.required,
        summary=letter.summary,
    )
