"""Dead letters: the messages that a service cannot process, each stored once with the reason."""

from __future__ import annotations

import logging

from tidings.client.appender import Appender, ExpectedSequence
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import DEAD_LETTERS, dead_letter_subject
from tidings.runtime.errors import WrongSequence
from tidings.runtime.log.follow import StreamMessage

REASON_LIMIT_CHARACTERS = 500

log = logging.getLogger("tidings.dead_letters")


async def append_dead_letter(
    appender: Appender, service: str, partition: int, message: StreamMessage, reason: str
) -> bool:
    """Append a message to `DEAD_LETTERS` with the reason; return False if it is there already."""
    subject = dead_letter_subject(service, partition, message.sequence)
    headers = {
        "Tidings-Reason": " ".join(reason.split())[:REASON_LIMIT_CHARACTERS],
        "Tidings-Sequence": str(message.sequence),
        "Tidings-Subject": message.subject,
    }
    try:
        await appender.append_expecting(
            NewMessage(subject, message.data, headers=headers), ExpectedSequence(subject, 0)
        )
    except WrongSequence:
        log.debug("message %d is in %s already", message.sequence, DEAD_LETTERS)
        return False
    return True
