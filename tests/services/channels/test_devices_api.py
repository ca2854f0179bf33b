"""The devices of a user over HTTP: registered, listed, tested, and no other user's."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tidings.runtime.settings import Settings
from tidings.runtime.vapid import VapidKey

from tests.driver import Tidings
from tests.services.channels.push_service import KEY, Browser, serve_pushes
from tests.web_processes import run_web

ORIGIN = "https://push.example.org"
DEVICES = "/v1/devices"


def phone(token: str = "token-1", **more: Any) -> dict[str, Any]:
    """Return the registration of a phone."""
    return {"kind": "fcm", "token": token, **more}


def registration_of(browser: Browser) -> dict[str, Any]:
    """Return what a browser registers."""
    found = browser.subscription
    fields = {key: getattr(found, key) for key in ("endpoint", "p256dh", "auth")}
    return {"kind": "webpush", "subscription": fields}


def browser(name: str = "alice", **changes: Any) -> dict[str, Any]:
    """Return the registration of a browser; `changes` are of its subscription."""
    body = registration_of(Browser(ORIGIN, name))
    return {**body, "subscription": {**body["subscription"], **changes}}


async def request(
    tidings: Tidings, method: str, path: str, user: str = "alice", body: Any = None
) -> httpx.Response:
    """Send a request of a user."""
    return await tidings.http.request(method, path, json=body, headers=tidings.headers(user))


async def register(tidings: Tidings, body: dict[str, Any], user: str = "alice") -> dict[str, Any]:
    """Register a device."""
    response = await request(tidings, "POST", DEVICES, user, body)
    assert response.status_code == 200, response.text
    return response.json()


async def listed(tidings: Tidings, after: int, user: str = "alice") -> list[dict[str, Any]]:
    """Return the devices of a user once an event is included."""
    return (await tidings.get(DEVICES, user, after=after))["devices"]


async def test_a_device_is_registered_once_and_its_token_is_never_shown(tidings: Tidings) -> None:
    first = await register(tidings, phone(app="Phone", locale="de", zone="Europe/Berlin"))
    (device,) = await listed(tidings, first["sequence"])
    again = await register(tidings, phone(app="Phone", locale="de", zone="Europe/Berlin"))

    assert again == first
    assert device == {
        "device_id": first["device_id"],
        "kind": "fcm",
        "app": "Phone",
        "locale": "de",
        "zone": "Europe/Berlin",
        "suppressed": None,
        "event": first["sequence"],
    }


async def test_it_is_known_when_a_device_was_registered(tidings: Tidings) -> None:
    registered = await register(tidings, phone())
    await listed(tidings, registered["sequence"])

    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute(
            "SELECT value FROM preferences.setting WHERE tenant = %s", (tidings.tenant,)
        )
        ((value,),) = await rows.fetchall()
    assert abs(json.loads(value)["registered"] - time.time()) < 60


async def test_a_device_is_of_its_user_alone(tidings: Tidings) -> None:
    registered = await register(tidings, phone())
    path = f"{DEVICES}/{registered['device_id']}"
    await listed(tidings, registered["sequence"])

    assert (await request(tidings, "DELETE", path, "bob")).status_code == 404
    assert (await request(tidings, "POST", f"{path}/test", "bob")).status_code == 404
    assert await listed(tidings, registered["sequence"], "bob") == []
    of_bob = await register(tidings, phone(), "bob")
    assert of_bob["device_id"] != registered["device_id"]

    answer = (await request(tidings, "DELETE", path)).json()
    assert await listed(tidings, answer["sequence"]) == []
    assert len(await listed(tidings, of_bob["sequence"], "bob")) == 1


async def test_one_device_too_many_replaces_the_oldest(tidings: Tidings) -> None:
    made = [await register(tidings, phone(f"token-{number}")) for number in range(21)]

    devices = await listed(tidings, made[-1]["sequence"])

    assert [each["device_id"] for each in devices] == [each["device_id"] for each in made[1:]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (browser(p256dh="B" + "A" * 86), "subscription.p256dh"),
        (browser(auth="YWFh"), "subscription.auth"),
        (browser(endpoint="http://push.example.org/a"), "subscription.endpoint"),
        (phone("x" * 5 * 1024), "token"),
        (phone("to ken"), "token"),
        ({"kind": "webpush", "token": "t"}, "subscription"),
        (phone(zone="Mars/Phobos"), "zone"),
    ],
)
async def test_what_cannot_be_pushed_to_is_refused_by_its_field(
    tidings: Tidings, body: dict[str, Any], field: str
) -> None:
    response = await request(tidings, "POST", DEVICES, body=body)

    assert response.status_code == 422 and response.json()["field"] == field, response.text


async def test_without_web_push_there_is_no_key_and_no_test(tidings: Tidings) -> None:
    registered = await register(tidings, browser())
    test = f"{DEVICES}/{registered['device_id']}/test"

    assert (await request(tidings, "GET", "/v1/webpush/key")).status_code == 404
    assert (await request(tidings, "POST", test)).status_code == 409


async def test_a_browser_subscribes_with_the_key_and_is_pushed_a_test(
    chosen: Settings,
    tidings: Tidings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve_pushes() as service:
        file = tmp_path / "trusted.pem"
        service.certificates.cert_pem.write_to_path(str(file))
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        settings = service.settings_for(chosen)
        names = ("vapid_private_key", "vapid_subject", "webhook_allow", "webhook_ports")
        async with (
            run_web(chosen, **{name: getattr(settings, name) for name in names}) as web,
            Tidings(web.url, tidings.runtime, tidings.tenant) as pushed,
        ):
            key = await pushed.get("/v1/webpush/key", "alice")
            alice = Browser(service.origin, "alice")
            registered = await register(pushed, registration_of(alice))
            path = f"{DEVICES}/{registered['device_id']}/test"
            answer = (await request(pushed, "POST", path)).json()

        (push,) = service.pushes
    assert key == {"key": VapidKey(KEY).public_text}
    assert answer == {"sent": True, "code": "201"}
    assert alice.read(push)["title"] == "Pushes work"
