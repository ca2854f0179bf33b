"""Templates of mails: Jinja2 files, which an operator's directory may replace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
)
from tidings.runtime.errors import InvalidSettings

FOLDER = Path(__file__).parent / "templates"
HTML, TEXT = "mail.html", "mail.txt"


class InvalidMail(ValueError):
    """A mail cannot be composed: an address that is none, or a template that fails on it."""


class MailTemplates:
    """The templates of both parts of a mail; raises InvalidSettings if one is invalid.

    What is written by people is only ever a value of a template, which HTML escapes.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        if overrides is not None and not overrides.is_dir():
            raise InvalidSettings(f"TIDINGS_TEMPLATES: `{overrides}` is not a directory")
        folders = (overrides, FOLDER) if overrides else (FOLDER,)
        environment = Environment(
            autoescape=lambda name: name != TEXT,
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self._html = _load_template(environment, HTML)
        self._text = _load_template(environment, TEXT)

    def render_parts(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Return text and HTML; raises InvalidMail."""
        try:
            return self._text.render(values), self._html.render(values)
        except Exception as error:  # an operator's template may raise anything
            raise InvalidMail(f"a template of mails failed: {type(error).__name__}") from error


def _load_template(environment: Environment, name: str) -> Template:
    try:
        return environment.get_template(name)
    except (TemplateError, OSError, ValueError) as error:
        raise InvalidSettings(f"TIDINGS_TEMPLATES: {name}: {error}") from None
