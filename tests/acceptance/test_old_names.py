"""The page of old names: each event it shows can be emitted, and no promised call is missing."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
import tidings.client
from tidings.client import Tidings as Client

from tests.driver import Tidings
from tests.streams import read_stored_events

PAGE = Path(tidings.client.__file__).with_name("OLD_NAMES.md").read_text()
HEAD, *SECTIONS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
PRODUCTS = re.findall(r"^## (?=All|S\d)(.*)$", PAGE, flags=re.MULTILINE)
CALLS = (
    "send_notification",
    "create_bulk_notifications",
    "send_location_message",
    "broadcast_to_users",
    "handle_work_order_update",
    "track_volunteer_hours",
)


@pytest.mark.parametrize(("product", "code"), [*zip(PRODUCTS, SECTIONS, strict=True)], ids=PRODUCTS)
async def test_every_event_of_the_page_can_be_emitted(
    tidings: Tidings, product: str, code: str
) -> None:
    async with Client(tidings.url, tidings.token(scope="emit"), source="/old-names") as client:
        names: dict[str, Any] = {"tidings": client}
        exec(HEAD, names)
        result = eval(compile(code, product, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.isawaitable(result):
            await result

    class_names = [
        name for name in re.findall(r"\b([A-Z]\w+)\(", code) if hasattr(names[name], "type")
    ]
    assert [json.loads(message.data)["type"] for message in await read_stored_events(tidings)] == [
        names[name].type for name in class_names
    ]


def test_every_call_is_on_the_page() -> None:
    assert [call for call in CALLS if f"# {call}" not in PAGE] == []
