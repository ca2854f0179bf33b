"""Settings report: every setting with its value, origin and documentation; secrets are masked."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import fields
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import SettingsSources, variable_of

MASK = "***"
UNSET = "–"
SECRETS = (
    "jwt_secret",
    "ticket_secret",
    "client_token",
    "channel_secret",
    "smtp_password",
    "vapid_private_key",
)
ADDRESSES = ("nats_url", "postgres_dsn", "outbox_dsn", "jwks_url", "client_url")
_USER_INFO = re.compile(r"://((?:(?!,\w+://).)*)@", re.DOTALL)
"""From `://` to the last `@` of an address, so that a password with an `@` is masked whole."""
_PASSWORD_FIELD = re.compile(
    r"\b(\w*(?:password|passwd|token|secret))\s*=\s*('(?:\\.|[^'\\])*'?|(?:\\.|[^\s\\])*)",
    re.IGNORECASE | re.DOTALL | re.ASCII,  # libpq splits at ASCII blanks only
)
"""In a DSN of keywords and values, or in the query of a URL, whose rest is masked too."""


class SettingReport(NamedTuple):
    """One setting, for people and programs; `value` and `default` are JSON values."""

    name: str
    value: Any
    origin: str
    default: Any
    description: str


def report_settings(sources: SettingsSources) -> Iterator[SettingReport]:
    """Yield every setting in the order of their definition; raises InvalidSettings."""
    settings, descriptions = sources.settings(), setting_descriptions()
    for field in fields(Settings):
        yield SettingReport(
            variable_of(field.name),
            _json_value(mask_secrets(field.name, getattr(settings, field.name))),
            sources.origin_of(field.name),
            _json_value(field.default),
            descriptions[field.name],
        )


def setting_descriptions() -> dict[str, str]:
    """Return the string after each field of `Settings`, by the field's name.

    Python keeps no docstrings of fields at run time, so this parses the source of the class.
    """
    (definition,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: text.value.value
        for field, text in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def mask_secrets(name: str, value: Any) -> Any:
    """Return the value of a setting without its secret; at the worst, too much is masked."""
    if value is None:
        return None
    if name in SECRETS:
        return MASK
    if name not in ADDRESSES:
        return value
    return _PASSWORD_FIELD.sub(rf"\1={MASK}", _USER_INFO.sub(_masked_user_info, str(value)))


def markdown_table() -> str:
    """Return the table of the documentation: variable, default and meaning of every setting."""
    descriptions = setting_descriptions()
    rows = (
        f"| `{variable_of(field.name)}` | {_default_text(field.default)} |"
        f" {descriptions[field.name]} |"
        for field in fields(Settings)
    )
    return "\n".join(("| Setting | Default | Meaning |", "|---|---|---|", *rows))


def display_text(value: Any) -> str:
    """Return a value as the environment would give it; an unset or empty one is a dash."""
    if value is None or value == "":
        return UNSET
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default_text(value: Any) -> str:
    text = display_text(value)
    return text if text == UNSET else f"`{text}`"


def _masked_user_info(match: re.Match[str]) -> str:
    """Keep the user's name; without a colon it may be a token, as NATS has it."""
    user, colon, _ = match[1].partition(":")
    return f"://{user}:{MASK}@" if colon else f"://{MASK}@"


def _json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
