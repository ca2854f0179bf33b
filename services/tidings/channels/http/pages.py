"""Pages that links in mails open: static HTML without a script, in the language of the browser."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from tidings.channels.visible_text import clean_line
from tidings.channels.words import FALLBACK_LOCALE, Words
from tidings.contracts.rules import TemplateValues
from tidings.runtime.http.problem import Problem
from tidings.runtime.settings import Settings

FOLDER = Path(__file__).parent
STYLE = (FOLDER / "page.css").read_text(encoding="utf-8").strip()
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
HTML = "text/html"
LANGUAGE_LIMIT_CHARACTERS = 35

AnyRequest = Request[Any, Any, Any]


class Button(NamedTuple):
    """The button of a page: the name of its label, and the field that it posts."""

    label: str
    field: str
    value: str


class Page(NamedTuple):
    """A page: the name of its title and its text, the values in them, and its button."""

    name: str
    values: TemplateValues | None = None
    button: Button | None = None
    status: int = 200


class Pages:
    """Shows pages; raises Permanent if their texts are not complete."""

    def __init__(self, settings: Settings) -> None:
        self._product = clean_line(settings.product_name)
        self._choices = settings.product_url or "/"
        files = (FOLDER / "texts").glob("*.ftl")
        self._words = Words({file.stem: file.read_text(encoding="utf-8") for file in files})
        environment = Environment(
            autoescape=True,
            loader=FileSystemLoader(FOLDER),
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        self._template = environment.get_template("page.html")

    def show(self, request: AnyRequest, page: Page) -> Response[bytes]:
        """Answer a request with a page."""
        locale = self._words.best_locale(_language(request))
        values = {"product": self._product, **(page.values or {})}
        content = self._template.render(
            locale=locale,
            style=STYLE,
            title=self._words.text(f"{page.name}-title", locale, values),
            text=self._words.text(f"{page.name}-text", locale, values),
            button=page.button
            and page.button._replace(label=self._words.text(page.button.label, locale)),
            link=self._choices,
            link_text=self._words.text("all-choices", locale),
        )
        return Response(content.encode(), status_code=page.status, media_type=HTML, headers=HEADERS)

    def refuse(self, request: AnyRequest) -> Response[bytes]:
        """Answer a link that is not valid: a browser gets a page; raises Problem for all others."""
        if HTML in request.headers.get("accept", ""):
            return self.show(request, Page("invalid", status=404))
        raise Problem(404, "not found", "this link is not valid")


def _language(request: AnyRequest) -> str:
    """Return the language that a browser asks for first."""
    first = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0]
    return first.strip()[:LANGUAGE_LIMIT_CHARACTERS] or FALLBACK_LOCALE
