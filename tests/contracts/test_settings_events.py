"""Events about settings: what a new one may not state, with the field and the near names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tidings.contracts.acceptance import UnknownValue
from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.messages import ReservedEvent, accept_event
from tidings.domains import RESERVED_EVENTS

from tests.contracts.golden import read_bytes, read_wire

EVENT = {"specversion": "1.0", "id": "1", "source": "/tests", "tenant": "acme"}
PREFERENCE = {"user_id": "u-7", "of": "all", "how": "now"}
WINDOW = {"days": ["mon"], "begin": "22:00", "until": "07:00"}
ADDRESS = {"user_id": "u-7", "address_id": "a-1", "channel": "email", "address": "a@example.org"}
HOOK = {**ADDRESS, "channel": "webhook", "address": "https://example.org/in"}
DEVICE = read_wire("device.registered")["data"]
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("preference.set", {**PREFERENCE, "of": "categry:task"}, "of", "did you mean category?"),
    ("preference.set", {**PREFERENCE, "of": "category:taks"}, "of", "did you mean task"),
    ("preference.set", {**PREFERENCE, "of": "entity:task"}, "of", "must be `all`"),
    ("preference.set", {**PREFERENCE, "of": "type:a\nb"}, "of", "must be `all`"),
    ("preference.set", {**PREFERENCE, "channel": "emial"}, "channel", "did you mean email?"),
    ("preference.set", {**PREFERENCE, "how": "often"}, "how", "Invalid enum value"),
    ("preference.set", {**PREFERENCE, "after_seconds": 1}, "after_seconds", "unread"),
    ("preference.set", {**PREFERENCE, "how": "unread", "after_seconds": -1}, "after_seconds", ""),
    (
        "preference.set",
        {**PREFERENCE, "how": "unread", "after_seconds": 7 * 86_400 + 1},
        "after_seconds",
        "<= 604800",
    ),
    ("preference.set", {**PREFERENCE, "required": True}, "required", "only a tenant"),
    ("preference.cleared", {"of": "everything"}, "of", "must be `all`"),
    ("quiet_hours.set", {"windows": []}, "windows", "length >= 1"),
    (
        "quiet_hours.set",
        {"windows": [{**WINDOW, "until": "22:00"}]},
        "windows[0].until",
        "must differ",
    ),
    ("quiet_hours.set", {"windows": [{**WINDOW, "begin": "25:00"}]}, "windows[0].begin", ""),
    ("quiet_hours.set", {"zone": "Europe/Berln", "windows": [WINDOW]}, "zone", "Europe/Berlin"),
    ("user.joined", {"user_id": "u-7", "timezone": "Europe/Berln"}, "timezone", "Europe/Berlin"),
    ("tenant.configured", {"timezone": "Mars/Phobos"}, "timezone", "such as Europe/Berlin"),
    ("user.joined", {"user_id": "u-7", "email": "a@b.example\r\nBcc: c@d.e"}, "email", ""),
    ("user.joined", {"user_id": "u-7", "email": "a" * 260 + "@b.example"}, "email", ""),
    *(
        ("address.given", {**ADDRESS, "address": address}, "address", "")
        for address in (
            "nobody",
            "a@b\r\nBcc: c@d.example",
            "a@b\0.example",
            f"{'a' * 64}@{'b.' * 100}example",
            "Ann <a@b.example>",
            "a@b.example,c@d.example",
            "a..b@example.org",
            "a@xn--example.org",
        )
    ),
    *(
        ("address.given", {**HOOK, "address": address}, "address", "")
        for address in (
            "http://example.org/in",
            "https://user:password@example.org/in",
            "https://example.org:22/in",
            "https://example.org:99999/in",
            "https:///in",
            "https://example.org/in#x",
            "https://example.org/a b",
            f"https://example.org/{'x' * 2048}",
        )
    ),
    ("address.given", {**HOOK, "service": "slack"}, "service", "channel: chat"),
    ("device.registered", {**DEVICE, "kind": "fcm"}, "subscription", ""),
    ("device.registered", {**DEVICE, "token": "t"}, "token", ""),
    (
        "device.registered",
        {"user_id": "u-7", "device_id": "d-1", "kind": "fcm", "token": "x" * 5120},
        "token",
        "length <= 4096",
    ),
    *(
        (
            "device.registered",
            {**DEVICE, "subscription": {**DEVICE["subscription"], name: value}},
            f"subscription.{name}",
            reason,
        )
        for name, value, reason in (
            ("endpoint", "http://push.example.org/x", "by https"),
            ("p256dh", "BA", "65 bytes"),
            ("p256dh", "B" + "A" * 86, "curve"),
            ("auth", "AAAA", "16 bytes"),
        )
    ),
    ("channel.restored", {"user_id": "u-7"}, "address_id", "one of"),
    ("channel.restored", {"endpoint_id": "e-1", "user_id": "u-7"}, "user_id", ""),
    (
        "endpoint.registered",
        {"endpoint_id": "e-1", "url": "http://example.org", "types": ["a.b"]},
        "url",
        "by https",
    ),
    (
        "announcement.rescheduled",
        {"schedule_id": "s-1", "at": {"local": "2026-02-30T09:00", "zone": "UTC"}},
        "at.local",
        "a day that exists",
    ),
    ("announcement.rescheduled", {"schedule_id": "s-1"}, "at", "is needed"),
]


def encode_event(type_: str, data: dict[str, Any]) -> bytes:
    return json.dumps({**EVENT, "type": type_, "data": data}).encode()


@pytest.mark.parametrize(("type_", "data", "field", "reason"), REFUSED, ids=lambda each: str(each))
def test_what_cannot_be_used_is_refused_with_its_field(
    type_: str, data: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidEvent) as refused:
        accept_event(encode_event(type_, data))

    assert refused.value.field == f"data.{field}"
    assert reason in refused.value.reason
    assert isinstance(refused.value, UnknownValue) == ("did you mean" in refused.value.reason) or (
        field in ("of", "timezone")
    )


def test_a_category_of_a_notification_written_by_hand_may_be_any_other_word() -> None:
    accept_event(encode_event("preference.set", {**PREFERENCE, "of": "category:greenhouse"}))


def test_a_user_with_any_address_and_zone_in_the_log_is_still_read() -> None:
    data = {"user_id": "u-7", "email": "a\r\nBcc: b", "timezone": "Mars/Phobos"}

    recorded = decode_recorded_event(encode_event("user.joined", data), 1, 1)

    assert (recorded.event.email, recorded.event.timezone) == ("a\r\nBcc: b", "Mars/Phobos")


@pytest.mark.parametrize("type_", [event.type for event in RESERVED_EVENTS])
def test_what_tidings_alone_states_is_refused_from_outside(type_: str) -> None:
    with pytest.raises(ReservedEvent):
        accept_event(read_bytes(type_))

    accept_event(read_bytes(type_), restores=True)
