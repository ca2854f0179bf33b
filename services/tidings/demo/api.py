"""The routes of the demonstration page: stories, signing in, playing a scene."""

from __future__ import annotations

import time
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Meta
from tidings.contracts.ids import Id
from tidings.demo.backend import DemoBackend, Run
from tidings.demo.mailbox_reader import MailboxReader
from tidings.demo.stories import STORIES
from tidings.demo.story_views import story_views
from tidings.runtime.auth.access import RATE_STATUS
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.origin import OWN_ORIGIN, states_its_origin
from tidings.runtime.http.idempotency.middleware import UNSTORED_OPT
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import Bucket, Rate
from tidings.runtime.http.web import json_response
from tidings.runtime.process import Runtime

BODY_LIMIT_BYTES = 4096
REQUEST_RATE = Rate("requests", 240, 60)

AnyRequest = Request[Any, Any, Any]
Requested = TypeVar("Requested")


class RunRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run that a page has chosen for itself, by default the common one, and how it begins."""

    run: Annotated[str, Meta(pattern=r"^[0-9a-z-]{0,40}\Z")] = ""
    from_start: bool = False

    def chosen(self) -> Run:
        """Return the run."""
        return Run(self.run, self.from_start)


class SignInRequest(RunRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user who signs in, and their story."""

    story: Id
    user: Id


_sign_in = msgspec.json.Decoder(SignInRequest)
_run = msgspec.json.Decoder(RunRequest)


def handlers(runtime: Runtime) -> list[Any]:
    """Return the route handlers of the demonstration page."""
    settings, proxies = runtime.settings, runtime.settings.proxies
    backend, bucket = DemoBackend(STORIES, settings), Bucket(REQUEST_RATE)
    mailbox = MailboxReader(settings.mailbox_url)

    def own_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Admit only pages of this very origin, and not too often."""
        handshake = HandshakeInfo.from_scope(connection.scope, proxies, settings.forwarded_header)
        if not states_its_origin(handshake.headers) or handshake.origin != OWN_ORIGIN:
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
        opt=UNDOCUMENTED_OPT | UNSTORED_OPT,
        guards=[own_page],
    )
    async def sign_in(request: AnyRequest) -> Response[bytes]:
        """Sign in as a user of a story."""
        who = await _decode(request, _sign_in)
        session = await backend.sign_in(who.story, who.user, who.chosen())
        return json_response(session, headers={"Cache-Control": "no-store"})

    @post(
        "/demo/stories/{story:str}/scenes/{number:int}",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=UNDOCUMENTED_OPT,
        guards=[own_page],
    )
    async def scene(request: AnyRequest, story: str, number: int) -> Response[bytes]:
        """Play a scene and return its events as they are in the log."""
        run = await _decode(request, _run)
        return json_response(await backend.play_scene(story, number, run.chosen()))

    return [stories, sign_in, scene, *_mail_handlers(backend, mailbox, own_page)]


def _mail_handlers(backend: DemoBackend, mailbox: MailboxReader, guard: Any) -> list[Any]:
    @get("/demo/mails/{story:str}/{user:str}", opt=UNDOCUMENTED_OPT, guards=[guard])
    async def user_mails(story: str, user: str, run: str = "") -> Response[bytes]:
        """Return the mails of a story's user, the newest first, and where the mailbox is."""
        chosen = msgspec.convert({"run": run}, RunRequest).chosen()
        address = backend.address_of(story, user, chosen)
        answer = await mailbox.mails_to(address)
        return json_response(answer, headers={"Cache-Control": "no-store"})

    @get("/demo/mails/{story:str}/{user:str}/{id:str}", opt=UNDOCUMENTED_OPT, guards=[guard])
    async def user_mail(story: str, user: str, id: str, run: str = "") -> Response[bytes]:
        """Return headers and text of a mail of a story's user."""
        chosen = msgspec.convert({"run": run}, RunRequest).chosen()
        content = await mailbox.mail_to(backend.address_of(story, user, chosen), id)
        return json_response(content, headers={"Cache-Control": "no-store"})

    @get(
        "/demo/mails/{story:str}/{user:str}/{id:str}/html",
        opt=UNDOCUMENTED_OPT,
        guards=[guard],
    )
    async def user_mail_html(story: str, user: str, id: str, run: str = "") -> Response[bytes]:
        """Return the HTML of a mail of a story's user, for a frame of the page."""
        chosen = msgspec.convert({"run": run}, RunRequest).chosen()
        page = await mailbox.html_to(backend.address_of(story, user, chosen), id)
        headers = {"Content-Security-Policy": page.policy, "Cache-Control": "no-store"}
        return Response(page.content, media_type="text/html; charset=utf-8", headers=headers)

    return [user_mails, user_mail, user_mail_html]


async def _decode(request: AnyRequest, decoder: msgspec.json.Decoder[Requested]) -> Requested:
    """Return the body of a request, an empty one as an empty object; raises Problem."""
    try:
        return decoder.decode(await request.body() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "bad request", str(error)) from None
