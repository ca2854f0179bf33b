"""The entries about a tenant's endpoints: what each attempt to post an event came to.

The newest entry of an endpoint is its state: which events it has, and when the next is tried.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct
from tidings.contracts.codec import encode
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Moment
from tidings.contracts.subjects import Subjects

NEVER_EXPIRES = {"Nats-TTL": "never"}
AttemptState = Literal["waiting", "sent", "deferred", "failed", "suppressed"]


class EndpointAttempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an attempt to post an event to an endpoint came to; `waiting`: none was made.

    All events of the tenant up to `position`, a sequence of `EVENTS`, are settled: posted, given up
    or of another type. `event`, `type`: the event that was tried last; `attempts`: how often the
    one after `position` was tried, and `until` when it is tried again. `failing_since`: since then
    nothing was taken. `replay`: the sequence of the newest request to send events again.
    """

    position: int
    at: Moment
    state: AttemptState = "waiting"
    event: str | None = None
    type: str | None = None
    code: str | None = None
    attempts: int = 0
    until: Moment | None = None
    failing_since: Moment | None = None
    replay: int = 0


_decoder = msgspec.json.Decoder(EndpointAttempt)


def decode_endpoint_attempt(body: bytes) -> EndpointAttempt:
    """Decode an entry of an endpoint; raises msgspec.DecodeError."""
    return _decoder.decode(body)


def endpoint_message(
    subjects: Subjects, tenant: str, endpoint: str, attempt: EndpointAttempt
) -> NewMessage:
    """Return the message of an entry; the newest one of an endpoint is kept for ever."""
    subject = subjects.endpoint_subject(tenant, endpoint)
    return NewMessage(subject, encode(attempt), headers=NEVER_EXPIRES)
