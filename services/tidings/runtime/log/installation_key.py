"""The installation's key: a secret that every process of an installation reads, made once."""

from __future__ import annotations

import secrets

from tidings.client.appender import Appender, ExpectedSequence
from tidings.client.jetstream import JetStream
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import INSTALLATION_KEY_SUBJECT, NOTIFICATIONS
from tidings.runtime.errors import Unavailable, WrongSequence
from tidings.runtime.log.read import last_message

KEY_BYTES = 32
NEVER_EXPIRES = {"Nats-TTL": "never"}


async def installation_key(jetstream: JetStream) -> bytes:
    """Return the key, which the first process appends; raises Unavailable.

    It lies beside the positions: `NOTIFICATIONS` made anew has a new one, and nothing in it that
    the old one named.
    """
    stored = await last_message(jetstream, NOTIFICATIONS, INSTALLATION_KEY_SUBJECT)
    if stored:
        return stored.data
    key = secrets.token_bytes(KEY_BYTES)
    message = NewMessage(INSTALLATION_KEY_SUBJECT, key, headers=NEVER_EXPIRES)
    try:
        await Appender(jetstream).append_expecting(
            message, ExpectedSequence(INSTALLATION_KEY_SUBJECT, 0)
        )
    except WrongSequence:  # another process was faster
        stored = await last_message(jetstream, NOTIFICATIONS, INSTALLATION_KEY_SUBJECT)
        if stored is None:
            raise Unavailable("the installation's key was appended but cannot be read") from None
        return stored.data
    return key
