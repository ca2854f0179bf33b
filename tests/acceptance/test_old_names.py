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
from tidings.contracts.event import Event

from tests.driver import Tidings
from tests.streams import read_stored_events

PAGE = Path(tidings.client.__file__).with_name("OLD_NAMES.md").read_text()
HEAD, *SECTIONS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
PRODUCTS = re.findall(r"^## (?=All|S\d)(.*)$", PAGE, flags=re.MULTILINE)
CALLS = {
    "All products": ["broadcast_to_all"],
    "S0, field service": ["queue_notification", "handle_work_order_update"],
    "S1, barbershop platform": [
        "send_notification",
        "send_location_message",
        "send_team_update",
        "send_appointment_notification",
        "send_performance_alert",
    ],
    "S3, incidents": [
        "create_notification",
        "broadcast_notification",
        "broadcast_to_users",
        "broadcast_notification_to_users",
    ],
    "S4, volunteer projects": [
        "create_notification",
        "create_bulk_notifications",
        "event_bus.publish",
        "track_volunteer_hours",
    ],
}
"""The former calls of each product."""
BY_HAND = {
    "S0, field service",
    "S1, barbershop platform",
    "S3, incidents",
    "S4, volunteer projects",
}
"""The products that had a call for any text."""


@pytest.mark.parametrize(("product", "code"), [*zip(PRODUCTS, SECTIONS, strict=True)], ids=PRODUCTS)
async def test_every_event_of_the_page_can_be_emitted(
    tidings: Tidings, product: str, code: str
) -> None:
    async with Client(tidings.url, tidings.token(), source="/old-names") as client:
        names: dict[str, Any] = {"tidings": client}
        exec(HEAD, names)
        result = eval(compile(code, product, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.isawaitable(result):
            await result

    class_names = [
        name for name in re.findall(r"\b([A-Z]\w+)\(", code) if issubclass(names[name], Event)
    ]
    assert [json.loads(message.data)["type"] for message in await read_stored_events(tidings)] == [
        names[name].type for name in class_names
    ]


@pytest.mark.parametrize("product", CALLS)
def test_every_call_is_in_the_section_of_its_product(product: str) -> None:
    code = dict(zip(PRODUCTS, SECTIONS, strict=True))[product]
    comments = " ".join(line for line in code.splitlines() if line.startswith("# "))

    assert [call for call in CALLS[product] if call not in comments] == []


def test_each_product_that_could_send_any_text_still_can() -> None:
    sections = dict(zip(PRODUCTS, SECTIONS, strict=True))

    assert {name for name, code in sections.items() if "NotificationRequested(" in code} >= BY_HAND
