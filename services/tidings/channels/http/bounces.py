"""The route that takes what comes back: `POST /v1/bounces`, for the mail server of return paths."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from tidings.channels.email.bounce import MESSAGE_LIMIT_BYTES
from tidings.channels.email.return_path import ReturnPaths
from tidings.channels.http.bounce_intake import BounceIntake
from tidings.contracts.documents.schema import Schema, Schemas
from tidings.contracts.http_bodies.results import BounceReceipt
from tidings.runtime.auth.access import Access
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.process import Runtime

BOUNCE_SCOPE = "bounce"
MAIL_MEDIA_TYPE = "message/rfc822"


def mail_schema(_: Schemas) -> Schema:
    """A mail as it came."""
    return {"type": "string", "description": "A mail to the return path, as it came (RFC 5322)."}


TAKE_BOUNCE = Operation(
    BounceReceipt,
    status=202,
    bodies={MAIL_MEDIA_TYPE: mail_schema},
    scope=BOUNCE_SCOPE,
    problems=(409, 413, 415, 503),
    example="To: <bounces+token@example.org>\r\nSubject: unsubscribe\r\n\r\n",
)


def handler(runtime: Runtime, access: Access) -> Any:
    """Return the route handler of bounces; raises InvalidSettings."""
    settings, rate = runtime.settings, access.shared_buckets("event")
    intake = (
        BounceIntake(runtime, ReturnPaths(settings.channel_key, settings.email_bounces))
        if settings.email_bounces
        else None
    )

    @post(
        "/v1/bounces",
        status_code=202,
        request_max_body_size=MESSAGE_LIMIT_BYTES,
        opt=operation_opt(TAKE_BOUNCE),
    )
    async def bounces(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a mail that came to a return path: a bounce, a complaint, or an unsubscription.

        The token in its address names the delivery and proves that the mail answers it, whichever
        tenant's; without one of ours, nothing happens.
        """
        await access.authorize_request(request.scope, rate, BOUNCE_SCOPE)
        if intake is None:
            raise Problem(
                409, "conflict", "TIDINGS_EMAIL_BOUNCES is not set, so no mail has a return path"
            )
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != MAIL_MEDIA_TYPE:
            raise Problem(415, "media type", f"`{media_type}` is not taken; send {MAIL_MEDIA_TYPE}")
        receipt = await intake.take_mail(await request.body())
        return json_response(receipt, 202)

    return bounces
