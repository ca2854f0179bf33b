"""What requests about settings share: bodies, owners, and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response
from litestar.params import Parameter
from tidings.contracts.http_bodies.settings import SettingsChanged
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, ID_PATTERN
from tidings.contracts.subjects import Person
from tidings.projections.preferences.values import TENANT
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.http.guards import INBOX_SCOPE, identity_of
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response

BODY_LIMIT_BYTES = 64 * 1024
LAST_SEQUENCE = 2**53 - 1

AnyRequest = Request[Any, Any, Any]
Owner = Literal["user", "tenant"]
OwnerParameter = Annotated[
    Owner,
    Parameter(
        query="of",
        description="Whose settings: one's own, or the tenant's, for the scope `admin`.",
    ),
]
AfterParameter = Annotated[
    int,
    Parameter(
        ge=0,
        le=LAST_SEQUENCE,
        description="Wait until this event is included: the `sequence` that a change answered.",
    ),
]

IdParameter = Annotated[
    str,
    Parameter(min_length=1, max_length=ID_LIMIT_CHARACTERS, pattern=ID_PATTERN.replace(r"\Z", "$")),
]


class SettingsOwner:
    """Whose settings a request is about: those of its sender, or of the sender's tenant."""

    def __init__(self, request: AnyRequest, owner: Owner) -> None:
        """Raise MissingClaims if the sender may not."""
        identity = identity_of(request)
        identity.require_scope(ADMIN if owner == "tenant" else INBOX_SCOPE)
        self.sender = identity.person
        self.is_tenant = owner == "tenant"

    @property
    def user_id(self) -> str | None:
        """Return the user of events, None for the tenant."""
        return None if self.is_tenant else self.sender.user

    @property
    def person(self) -> Person:
        """Return the owner as `SettingsReader` reads it."""
        return Person(self.sender.tenant, TENANT) if self.is_tenant else self.sender


async def parse_body(request: AnyRequest, shape: Any) -> Any:
    """Return the body of a request, which must have a shape; raises Problem."""
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Problem(400, "bad body", str(error)) from None


def changed_response(sequence: int) -> Response[bytes]:
    """Answer a change with the sequence of its event."""
    return json_response(SettingsChanged(sequence=sequence))
