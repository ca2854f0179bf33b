"""Bounces: what a mail to the return path says about the delivery that its address names; pure.

Only a token that was made here counts (`return_path`): nobody else can make a delivery bounce.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from typing import Literal, cast

from msgspec import Struct
from tidings.channels.email.return_path import UNSUBSCRIBE_SUBJECT, ReturnPaths
from tidings.channels.results import scrub_reply

MESSAGE_LIMIT_BYTES = 1024 * 1024
"""More is not read: reports return the head of a mail, or a mail of ours, which is small."""
TOKEN_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
"""Where mail servers write the address that a message was delivered to."""
RETURNED_HEADERS = ("Return-Path", "Original-Mail-From")
NOT_THE_ADDRESS = ("5.1.7", "5.1.8", "5.2.2", "5.2.3", "5.3.4")
"""Final, but the fault of the sender or of the mail, or only until the mailbox has room."""
NOT_THE_ADDRESS_FAMILIES = ("5.6.", "5.7.")
"""The content, and policy: a relay that signs wrongly gets these for every recipient."""
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
Ignored = Literal["no_token", "automatic", "delayed", "too_large", "unreadable"]


class Bounced(Struct, frozen=True, kw_only=True):
    """A mail could not be delivered. `final`: it never will be, so the address is suppressed."""

    delivery: str
    final: bool
    code: str
    reply: str = ""


class Complained(Struct, frozen=True, kw_only=True):
    """The person called the mail spam (RFC 5965): its category is turned off."""

    delivery: str
    kind: str


class UnsubscribedByMail(Struct, frozen=True, kw_only=True):
    """The person used the mailto link of `List-Unsubscribe`."""

    delivery: str


class IgnoredMail(Struct, frozen=True, kw_only=True):
    """The mail changes nothing, such as an automatic reply."""

    reason: Ignored


BounceReport = Bounced | Complained | UnsubscribedByMail | IgnoredMail


def parse_bounce(
    content: bytes, return_paths: ReturnPaths, recipients: Iterable[str] = ()
) -> BounceReport:
    """Return what a mail says. `recipients`: those of the envelope, if the mail server tells them.

    It reads delivery status notifications (RFC 3464), feedback reports (RFC 5965), and mails of the
    mailto link. Nothing is ever answered, so there is no loop.
    """
    if len(content) > MESSAGE_LIMIT_BYTES:
        return IgnoredMail(reason="too_large")
    try:
        return _read_report(content, return_paths, recipients)
    except (RecursionError, LookupError, ValueError, TypeError, AttributeError):
        # The parser of the standard library raises these on some malformed messages.
        return IgnoredMail(reason="unreadable")


def _read_report(
    content: bytes, return_paths: ReturnPaths, recipients: Iterable[str]
) -> BounceReport:
    message = message_from_bytes(content, policy=default)
    parts = {part.get_content_type(): part for part in reversed([*message.walk()])}
    if feedback := parts.get("message/feedback-report"):
        return _complaint(feedback, message, return_paths, recipients)
    delivery = _delivery_of(_addresses(message, TOKEN_HEADERS, recipients), return_paths)
    if delivery is None:
        return IgnoredMail(reason="no_token")
    if status := parts.get("message/delivery-status"):
        return _bounce(delivery, status)
    if _is_unsubscription(message):
        return UnsubscribedByMail(delivery=delivery)
    return IgnoredMail(reason="automatic")


def _bounce(delivery: str, status: Message) -> BounceReport:
    """Return the first failed recipient of a report, of which ours have one."""
    for fields in _blocks(status):
        if _field(fields, "Action").lower() == "failed":
            status_code = _STATUS.match(_field(fields, "Status"))
            code = status_code[0] if status_code else ""
            return Bounced(
                delivery=delivery,
                final=_is_final(code),
                code=code,
                reply=scrub_reply(
                    _field(fields, "Diagnostic-Code"),
                    _field(fields, "Final-Recipient").rpartition(";")[2].strip(),
                ),
            )
    return IgnoredMail(reason="delayed")


def _complaint(
    feedback: Message, message: Message, return_paths: ReturnPaths, recipients: Iterable[str]
) -> BounceReport:
    """Return a complaint about the mail that a report returns, or that its address names."""
    fields = next(iter(_blocks(feedback)), feedback)
    kind = _field(fields, "Feedback-Type").lower()
    addresses = (
        *_addresses(fields, RETURNED_HEADERS),
        *(address for part in message.walk() for address in _addresses(part, RETURNED_HEADERS)),
        *_addresses(message, TOKEN_HEADERS, recipients),
    )
    delivery = _delivery_of(addresses, return_paths)
    if delivery is None:
        return IgnoredMail(reason="no_token")
    if kind == "not-spam":
        return IgnoredMail(reason="automatic")
    return Complained(delivery=delivery, kind=kind[:32])


def _is_final(code: str) -> bool:
    return (
        code.startswith("5.")
        and code not in NOT_THE_ADDRESS
        and not code.startswith(NOT_THE_ADDRESS_FAMILIES)
    )


def _is_unsubscription(message: Message) -> bool:
    """Return whether a person sent the mail of the mailto link; no automatic mail is one."""
    return (
        _field(message, "Subject").lower() == UNSUBSCRIBE_SUBJECT
        and _field(message, "Auto-Submitted").lower() in ("", "no")
        and isinstance(message, EmailMessage)
    )


def _blocks(part: Message) -> list[Message]:
    """Return the blocks of fields of a report's part, which the parser makes messages of."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return cast("list[Message]", payload)
    return [message_from_bytes(str(payload).encode(errors="replace"), policy=default)]


def _addresses(message: Message, names: Iterable[str], more: Iterable[str] = ()) -> Iterator[str]:
    yield from more
    for name in names:
        for value in message.get_all(name, []):
            yield from str(value).replace("<", " ").replace(">", " ").replace(",", " ").split()


def _delivery_of(addresses: Iterable[str], return_paths: ReturnPaths) -> str | None:
    found = (return_paths.delivery_of(address) for address in addresses)
    return next((delivery for delivery in found if delivery), None)


def _field(message: Message, name: str) -> str:
    return str(message.get(name, "")).strip()
