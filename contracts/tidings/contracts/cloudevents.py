"""CloudEvents 1.0 in JSON, the format of events on the wire and in the log (cloudevents.io,
v1.0.2).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct
from tidings.contracts.ids import INTEGER_ID_SCHEMA, Id, event_key
from tidings.contracts.json_format import JSON_MEDIA_TYPE

Source = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00-\x20\x7f]+\Z")]
Type = Annotated[str, Meta(min_length=1, max_length=96, pattern=r"^[a-z0-9_]+(?:\.[a-z0-9_]+)*\Z")]
Actor = Annotated[Id, Meta(extra_json_schema=INTEGER_ID_SCHEMA)]
"""A user; as in the data of an event, an integer means its decimal text."""
JsonMediaType = Annotated[str, Meta(max_length=256, pattern=JSON_MEDIA_TYPE)]
Time = Annotated[datetime, Meta(tz=True)]

MEDIA_TYPE = "application/cloudevents+json"
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"
LINES_MEDIA_TYPE = "application/x-ndjson"

NO_DATA = Raw(b"{}")


class CloudEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The attributes of an event, and its data still encoded.

    Extensions that have no field here stay in the stored bytes.
    """

    specversion: Literal["1.0"]
    id: Id
    source: Source
    type: Type
    subject: Id | None = None
    time: Time | None = None
    datacontenttype: JsonMediaType | None = None
    tenant: Id | None = None
    actor: Actor | None = None
    correlationid: Id | None = None
    causationid: Id | None = None
    traceparent: Id | None = None
    data: Raw = NO_DATA

    def key_of(self, tenant: str) -> str:
        """Return the deduplication key of this event in a tenant."""
        return event_key(tenant, self.source, self.id)

    @property
    def entity(self) -> str | None:
        """Return the last part of the subject, the event's entity: `456` for `task/456`."""
        return self.subject.rpartition("/")[2] or None if self.subject else None
