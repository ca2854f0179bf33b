"""Parameters of commands: values that are checked where they enter, and completed by the shell."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, is_id
from tidings.domains import EVENTS

SEQUENCE_LIMIT = 2**63 - 1

SEQUENCE = click.IntRange(0, SEQUENCE_LIMIT)


class IdType(click.ParamType[str]):
    """An id, such as a user or a tenant."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return a valid id; fails otherwise."""
        if not is_id(value):
            self.fail(
                f"{value!r} is not an id: 1 to {ID_LIMIT_CHARACTERS} characters, without control"
                " characters and without blanks at its ends",
                param,
                ctx,
            )
        return value


class EventType(click.ParamType[str]):
    """A type of event; unknown ones pass, as a log may have them."""

    name = "type"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the known types that begin as what was typed, with their job."""
        return [
            CompletionItem(shape.type, help=(shape.__doc__ or "").partition("\n")[0])
            for shape in EVENTS
            if shape.type.startswith(incomplete)
        ]


class FieldType(click.ParamType[str]):
    """FIELD=VALUE of an event whose type stands before it."""

    name = "field"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the fields of the type that begin as what was typed."""
        type_ = ctx.params.get("type_")
        fields = next((shape.__struct_fields__ for shape in EVENTS if shape.type == type_), ())
        return [CompletionItem(f"{field}=") for field in fields if field.startswith(incomplete)]


ID = IdType()
EVENT_TYPE = EventType()
FIELD = FieldType()
