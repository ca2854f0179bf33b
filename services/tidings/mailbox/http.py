"""The HTTP side of the mailbox: its page, and the mails as JSON for tests and other services.

`GET /v1/mails?to=…&after=…&wait=…` lists them, `/v1/mails/{id}`, `…/html` and `…/source` are one
of them, and `DELETE /v1/mails` deletes all. There is no token: it listens on the loopback interface
alone, and pages of other origins cannot read it (no CORS). A mail's HTML is shown in a frame
without scripts, forms and a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get
from litestar.params import FromPath
from msgspec import Meta, Struct
from tidings.mailbox.mail import ListedMail, content_of, html_of
from tidings.mailbox.store import MailStore
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.static_file import PAGE_POLICY, StaticFile
from tidings.runtime.http.web import json_response

PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/mailbox.js": ("mailbox.js", "text/javascript; charset=utf-8"),
    "/mailbox.css": ("mailbox.css", "text/css; charset=utf-8"),
}
WAIT_LIMIT_SECONDS = 25
RECIPIENT_LIMIT_CHARACTERS = 254
MAIL_POLICY = "; ".join(
    (
        "sandbox allow-popups allow-popups-to-escape-sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
    )
)
"""The Content-Security-Policy of a mail's HTML: nothing of it runs, and nothing is loaded."""
OWN_WINDOW = '<base target="_blank">'
"""Links of a mail open a window of their own."""

AnyRequest = Request[Any, Any, Any]


class MailQuery(Struct, frozen=True, kw_only=True):
    """Which mails are asked for; with `after`, `wait` seconds for a newer version at most."""

    to: Annotated[str, Meta(max_length=RECIPIENT_LIMIT_CHARACTERS)] | None = None
    after: Annotated[int, Meta(ge=0)] | None = None
    wait: Annotated[int, Meta(ge=0, le=WAIT_LIMIT_SECONDS)] = 0


class MailList(Struct, frozen=True, kw_only=True):
    """The mails, the newest first, at a version of the mailbox."""

    version: int
    mails: list[ListedMail]


def handlers(store: MailStore) -> list[Any]:
    """Return the route handlers of a mailbox."""

    @get("/v1/mails", opt=UNDOCUMENTED_OPT)
    async def mails(request: AnyRequest) -> Response[bytes]:
        """Return the mails, or those to a recipient; with `after`, wait for a newer version."""
        query = _query_of(request)
        if query.after is not None:
            await store.wait_for_change(query.after, query.wait)
        answer = MailList(version=store.version, mails=[*store.mails(query.to)])
        return _private(json_response(answer))

    @get("/v1/mails/{id:str}", sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def mail(id: FromPath[str]) -> Response[bytes]:
        """Return headers and text of a mail."""
        return _private(json_response(content_of(_content(store, id))))

    @get("/v1/mails/{id:str}/html", sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def html(id: FromPath[str]) -> Response[bytes]:
        """Return the HTML of a mail, for a frame."""
        content = f"{OWN_WINDOW}{html_of(_content(store, id))}".encode(errors="replace")
        headers = {"Content-Security-Policy": MAIL_POLICY, "X-DNS-Prefetch-Control": "off"}
        return _private(Response(content, media_type="text/html; charset=utf-8"), headers)

    @get("/v1/mails/{id:str}/source", sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def source(id: FromPath[str]) -> Response[bytes]:
        """Return a mail as it came."""
        content = _content(store, id)
        return _private(Response(content, media_type="text/plain; charset=utf-8"))

    @delete("/v1/mails", status_code=204, opt=UNDOCUMENTED_OPT)
    async def delete_all(request: AnyRequest) -> None:
        """Delete all mails; pages of other origins may not."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Problem(403, "forbidden", "only the mailbox's own page may delete mails")
        store.delete_all()

    return [mails, mail, html, source, delete_all, *map(_page_file, PAGE_FILES)]


def _page_file(path: str) -> Any:
    name, media_type = PAGE_FILES[path]
    file = StaticFile.from_content(media_type, (PAGE_FOLDER / name).read_bytes())
    policy = f"{PAGE_POLICY}; frame-src 'self'"

    @get(path, sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def page_file(request: AnyRequest) -> Response[bytes]:
        """Return a file of the page."""
        return file.response(request, {"Content-Security-Policy": policy})

    return page_file


def _query_of(request: AnyRequest) -> MailQuery:
    try:
        return msgspec.convert(dict(request.query_params), MailQuery, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(400, "bad request", f"the query is not valid: {error}") from None


def _content(store: MailStore, id: str) -> bytes:
    content = store.content(id)
    if content is None:
        raise Problem(404, "not found", "there is no such mail; the oldest ones are deleted")
    return content


def _private(response: Response[bytes], more: Mapping[str, str] = {}) -> Response[bytes]:
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            **more,
        }
    )
    return response
