"""The routes of the demonstration page: stories, signing in, playing a scene."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from tidings.contracts.ids import Id
from tidings.demo.backend import DemoBackend
from tidings.demo.stories import STORIES
from tidings.demo.story_views import story_views
from tidings.runtime.auth.access import RATE_STATUS
from tidings.runtime.auth.origin import OWN_ORIGIN, origin_of, states_its_origin
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import Bucket, Rate
from tidings.runtime.http.web import json_response
from tidings.runtime.process import Runtime

BODY_LIMIT_BYTES = 4096
REQUEST_RATE = Rate("requests", 240, 60)

AnyRequest = Request[Any, Any, Any]


class SignInRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user who signs in, and their story."""

    story: Id
    user: Id


_sign_in = msgspec.json.Decoder(SignInRequest)


def handlers(runtime: Runtime) -> list[Any]:
    """Return the route handlers of the demonstration page."""
    backend, bucket = DemoBackend(STORIES, runtime.settings), Bucket(REQUEST_RATE)

    def own_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Admit only pages of this very origin, and not too often."""
        if not states_its_origin(connection.headers) or origin_of(connection.headers) != OWN_ORIGIN:
            raise Problem(403, "forbidden", "this is for the demo's own page, which is at /")
        rate_status = connection.scope["state"][RATE_STATUS] = bucket.take_token(time.monotonic())
        rate_status.raise_if_exceeded()

    @get("/demo/stories", sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def stories() -> Response[bytes]:
        """Return the stories."""
        return json_response(story_views(STORIES))

    @post(
        "/demo/sign-in",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=UNDOCUMENTED_OPT,
        guards=[own_page],
    )
    async def sign_in(request: AnyRequest) -> Response[bytes]:
        """Sign in as a user of a story."""
        try:
            who = _sign_in.decode(await request.body())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(400, "bad request", str(error)) from None
        return json_response(
            await backend.sign_in(who.story, who.user), headers={"Cache-Control": "no-store"}
        )

    @post(
        "/demo/stories/{story:str}/scenes/{number:int}",
        status_code=200,
        opt=UNDOCUMENTED_OPT,
        guards=[own_page],
    )
    async def scene(story: str, number: int) -> Response[bytes]:
        """Play a scene and return its events as they are in the log."""
        return json_response(await backend.play_scene(story, number))

    return [stories, sign_in, scene]
