"""The routes of the stage, for its own page alone: what is played, signing in, and making a scene happen."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from tidings.cli.terminal.stories import STORIES
from tidings.contracts.ids import Id
from tidings.demo.company import Company
from tidings.demo.programme import programme
from tidings.runtime.access import RATE
from tidings.runtime.openapi import UNDESCRIBED
from tidings.runtime.origin import OWN, origin_of, vouched
from tidings.runtime.problem import Problem
from tidings.runtime.process import Runtime
from tidings.runtime.rate import Bucket, Rate
from tidings.runtime.web import json

BODY_LIMIT_BYTES = 4096
REQUESTS = Rate("requests", 240, 60)

AnyRequest = Request[Any, Any, Any]


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs in, of which story."""

    story: Id
    user: Id


_sign_in = msgspec.json.Decoder(SignIn)


def handlers(runtime: Runtime) -> list[Any]:
    """The stage's route handlers."""
    company, bucket = Company(STORIES, runtime.settings, runtime.appender()), Bucket(REQUESTS)

    def own_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Let nobody in but pages of this very origin, and not too often."""
        if not vouched(connection.headers) or origin_of(connection.headers) != OWN:
            raise Problem(403, "forbidden", "this is for the demo's own page, which is at /")
        standing = connection.scope["state"][RATE] = bucket.take(time.monotonic())
        standing.check()

    @get("/demo/stories", sync_to_thread=False, opt=UNDESCRIBED)
    def stories() -> Response[bytes]:
        """What is played here."""
        return json(programme(STORIES))

    @post(
        "/demo/sign-in",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=UNDESCRIBED,
        guards=[own_page],
    )
    async def sign_in(request: AnyRequest) -> Response[bytes]:
        """Sign in as one of a story's people."""
        try:
            who = _sign_in.decode(await request.body())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(400, "bad request", str(error)) from None
        return json(
            await company.sign_in(who.story, who.user), headers={"Cache-Control": "no-store"}
        )

    @post(
        "/demo/stories/{story:str}/scenes/{number:int}",
        status_code=200,
        opt=UNDESCRIBED,
        guards=[own_page],
    )
    async def scene(story: str, number: int) -> Response[bytes]:
        """Make a scene happen: its events, as they stand in the log."""
        return json(await company.make_happen(story, number))

    return [stories, sign_in, scene]
