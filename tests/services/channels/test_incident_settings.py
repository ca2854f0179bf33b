"""Preferences and webhooks in the incidents' words: the same settings as everywhere."""

from __future__ import annotations

from typing import Any

import httpx
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.settings import Settings

from tests.acceptance.rooms import make_driver_at
from tests.builders import make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import serve_mailbox
from tests.waiting import wait_until
from tests.web_processes import run_web

BASE = "/api/v1/notifications"
HOOK = {
    "name": "Pager",
    "url": "https://hooks.example.org/pager",
    "subscribed_events": ["incident_created", "incident.assigned"],
}
WEBHOOK_KEYS = {
    *("id", "name", "description", "url", "method", "headers", "auth_type", "auth_config"),
    *("subscribed_events", "filters", "is_active", "last_triggered_at", "last_status"),
    *("last_error", "consecutive_failures", "total_deliveries", "total_failures"),
}


async def send(
    tidings: Tidings, method: str, path: str, body: Any = None, scope: str = "inbox"
) -> httpx.Response:
    """Send a request as the front end does."""
    tidings.dialect = "incidents"
    headers = tidings.headers("alice", scope=scope)
    return await tidings.http.request(method, f"{BASE}{path}", json=body, headers=headers)


async def change(tidings: Tidings, **fields: Any) -> dict[str, Any]:
    """Change preferences, and return what they are then."""
    response = await send(tidings, "PUT", "/preferences/me", fields)
    assert response.status_code == 200, response.text
    return response.json()


async def test_preferences_are_the_persons_settings(tidings: Tidings) -> None:
    before = (await send(tidings, "GET", "/preferences/me")).json()
    changed = {
        "email_enabled": True,
        "email_frequency": "daily",
        "quiet_hours_enabled": True,
        "quiet_hours_start": "22:00",
        "quiet_hours_end": "07:00",
        "quiet_hours_timezone": "Europe/Berlin",
        "channel_preferences": {"incident_assigned": ["in_app", "email"]},
    }
    after = await change(tidings, **changed)
    off = await change(tidings, notifications_enabled=False, quiet_hours_enabled=False)
    on = await change(tidings, notifications_enabled=True)
    own = await tidings.get("/v1/preferences", "alice")

    assert before["notifications_enabled"] and before["email_frequency"] == "instant"
    assert after == {**before, **changed}
    assert (off["notifications_enabled"], off["quiet_hours_enabled"]) == (False, False)
    assert on == {
        **after,
        "quiet_hours_enabled": False,
        "quiet_hours_start": None,
        "quiet_hours_end": None,
        "quiet_hours_timezone": "UTC",
    }
    rows = {(each["of"], each["channel"]): each["how"] for each in own["preferences"]}
    assert rows["all", "email"] == "digest"
    assert rows["type:incident.assigned", "email"] == "now"
    assert rows["type:incident.assigned", "push"] == "never"


async def test_what_has_no_meaning_here_is_refused_by_its_field(tidings: Tidings) -> None:
    for body, field in (
        ({"min_priority_sms": "high"}, "min_priority_sms"),
        ({"channel_preferences": {"incident_created": ["sms"]}}, "incident_created"),
        ({"quiet_hours_enabled": True, "quiet_hours_timezone": "Mars/Phobos"}, "quiet_hours"),
        ({"quiet_hours_enabled": True, "quiet_hours_start": "25:00"}, "quiet_hours"),
    ):
        response = await send(tidings, "PUT", "/preferences/me", body)
        assert response.status_code == 422 and field in response.text, response.text


async def test_webhooks_are_the_tenants_endpoints(tidings: Tidings) -> None:
    added = await send(tidings, "POST", "/webhooks", HOOK, ADMIN)
    listed = (await send(tidings, "GET", "/webhooks", scope=ADMIN)).json()
    url = "https://hooks.example.org/other"
    changed = await send(tidings, "PUT", "/webhooks/Pager", {**HOOK, "url": url}, ADMIN)
    shown = (await send(tidings, "GET", "/webhooks/Pager", scope=ADMIN)).json()
    deleted = await send(tidings, "DELETE", "/webhooks/Pager", scope=ADMIN)

    assert added.status_code == 201 and set(added.json()) == WEBHOOK_KEYS
    assert listed == [added.json()]
    assert added.json()["subscribed_events"] == ["incident_created", "incident_assigned"]
    assert changed.json() == shown and shown["url"] == url
    assert deleted.status_code == 200


async def test_webhooks_are_for_administrators_and_outside(tidings: Tidings) -> None:
    inside = {**HOOK, "url": "https://10.0.0.1/"}
    for scope, body, status in (
        ("inbox", HOOK, 403),
        (ADMIN, inside, 422),
        (ADMIN, {**HOOK, "headers": {"Authorization": "x"}}, 422),
        (ADMIN, {**HOOK, "method": "GET"}, 422),
    ):
        response = await send(tidings, "POST", "/webhooks", body, scope)
        assert response.status_code == status, response.text
    missing = await send(tidings, "PUT", "/webhooks/Missing", HOOK, ADMIN)
    assert missing.status_code == 404


async def test_a_test_says_what_went_wrong(tidings: Tidings) -> None:
    body = {"url": "https://127.0.0.1/hook"}
    result = await send(tidings, "POST", "/webhooks/test", body, ADMIN)
    status = await send(tidings, "GET", "/email/status")

    assert result.status_code == 200
    assert {**result.json(), "response_time_ms": 0} == {
        "success": False,
        "status_code": None,
        "response_time_ms": 0,
        "error": "forbidden_address",
    }
    assert status.json() == {"enabled": False}


async def test_a_test_mail_goes_to_ones_own_address_a_few_times(
    tidings: Tidings, chosen: Settings
) -> None:
    address = f"alice-{tidings.tenant}@example.org"
    async with (
        serve_mailbox() as (mailbox, port),
        run_web(chosen, smtp_host="127.0.0.1", smtp_port=port, channel_secret="s" * 32) as web,
        make_driver_at(tidings, web.url) as driver,
    ):
        without = await send(driver, "POST", "/email/test")
        await driver.emit(make_event("user.joined", user_id="alice", email=address))
        await wait_until(lambda: _has_mail(driver))
        answers = [(await send(driver, "POST", "/email/test")).status_code for _ in range(3)]
        mails = mailbox.of(address)

    assert without.status_code == 422
    assert [200, *answers] == [200, 200, 200, 429]
    assert [mail.subject for mail in mails] == ["Mails work"] * 3


async def _has_mail(tidings: Tidings) -> bool:
    return (await send(tidings, "POST", "/email/test")).status_code == 200
