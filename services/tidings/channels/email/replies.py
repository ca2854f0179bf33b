"""Replies of a relay: what each means for a delivery (RFC 5321, RFC 3463); pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from tidings.channels.results import Deferred, Failed, LanePaused, SendResult, scrub_reply

Phase = Literal["connect", "mail", "rcpt", "data"]

SERVICE_CLOSING = 421
LOGIN_NEEDED = (530, 534, 535, 538)
UNKNOWN_MAILBOX = (550, 551, 553)
"""At RCPT, without an enhanced code: the mailbox is unknown, not here or misspelt."""
SESSION_FAULTS = (500, 502, 503, 504)
"""The relay did not understand a command, or not at this point: that is no fault of the mail."""
LAST_CODE = 599
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\S)")
_MAILBOX_GONE = re.compile(r"5\.(?:1\.\d+|2\.1)\Z")
_SENDER_WRONG = ("5.1.7", "5.1.8")
"""These are of the family of wrong addresses, but of the sender's."""


class Reply(NamedTuple):
    """What a relay answered: three digits, and its text."""

    code: int
    text: str

    @property
    def enhanced_code(self) -> str | None:
        """Return the code of RFC 3463 before the text, such as 5.1.1."""
        match = _ENHANCED.match(self.text)
        return match[1] if match else None

    @property
    def name(self) -> str:
        """Return both codes: `550 5.1.1`."""
        return f"{self.code} {self.enhanced_code}" if self.enhanced_code else str(self.code)


def is_mailbox_gone(enhanced_code: str) -> bool:
    """Return whether a code says that the recipient's mailbox does not exist, or no longer."""
    return bool(_MAILBOX_GONE.match(enhanced_code)) and enhanced_code not in _SENDER_WRONG


def _is_final(reply: Reply) -> bool:
    return 500 <= reply.code <= LAST_CODE and reply.code not in SESSION_FAULTS


def refusal_result(reply: Reply, phase: Phase, recipient: str) -> SendResult:
    """Return what a refusal means: nothing of the mail was taken."""
    text = scrub_reply(reply.text, recipient)
    if reply.code in LOGIN_NEEDED and reply.enhanced_code != "5.1.1":
        return LanePaused(code=reply.name, reply=text)
    if not _is_final(reply) or phase == "connect":
        return Deferred(code=reply.name, reply=text)
    gone = phase == "rcpt" and (
        is_mailbox_gone(reply.enhanced_code)
        if reply.enhanced_code
        else reply.code in UNKNOWN_MAILBOX
    )
    return Failed(
        reason="gone" if gone else "refused",
        code=reply.name,
        reply=text,
        suppress="bounced" if gone else None,
    )
