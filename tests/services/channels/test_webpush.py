"""Web push against a push service that checks the sender, and a browser that decrypts."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from tidings.channels.results import Deferred, Failed, LanePaused, SendResult, Sent
from tidings.channels.retry import is_stale_push
from tidings.channels.webpush.encrypt import PAYLOAD_LIMIT_BYTES, encrypt_push
from tidings.channels.webpush.sender import open_webpush_sender
from tidings.channels.webpush.vapid import KEPT_SECONDS, VapidTokens
from tidings.contracts.notifications import Action
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings
from tidings.runtime.vapid import VapidKey, check_vapid_subject, new_vapid_key

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.letters import make_device, make_letter
from tests.services.channels.mailbox import running_channels
from tests.services.channels.mails import MOMENT, make_notification
from tests.services.channels.push_service import SUBJECT, Browser, PushService, serve_pushes
from tests.waiting import wait_until


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    """Run a push service."""
    async with serve_pushes() as service:
        yield service


@pytest.fixture
def browser(service: PushService) -> Browser:
    """Return a browser that subscribed at the service."""
    return Browser(service.origin, "alice")


async def send(
    service: PushService,
    browser: Browser,
    *answers: tuple[int, dict[str, str]],
    settings: dict[str, Any] | None = None,
    **notification: Any,
) -> SendResult:
    """Push a notification to a browser whose push service answers so."""
    service.answers[browser.name] = list(answers)
    chosen = service.settings_for(Settings(), **(settings or {}))
    device = make_device(kind="webpush", subscription=browser.subscription)
    async with open_webpush_sender(chosen, service.trusted) as sender:
        return await sender.send(make_letter(device, make_notification(**notification)))


def test_the_vector_of_rfc_8291_is_met() -> None:
    private = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
    number = int.from_bytes(_decode(private))

    body = encrypt_push(
        b"When I grow up, I want to be a watermelon",
        _decode(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx"
            "aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        _decode("BTBZMqHH6r4Tts7J_aSIgg"),
        sender=derive_private_key(number, SECP256R1()),
        salt=_decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )

    assert body == _decode(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_the_longest_payload_fits_a_push_service() -> None:
    browser = Browser("https://push.example.org", "alice")
    keys = (_decode(browser.subscription.p256dh), _decode(browser.subscription.auth))

    body = encrypt_push(b"x" * PAYLOAD_LIMIT_BYTES, *keys)

    assert len(body) == 4096


async def test_a_browser_reads_what_it_is_pushed(service: PushService, browser: Browser) -> None:
    actions = (Action("done", "Done"),)

    result = await send(service, browser, actions=actions, priority="high", group="room:9")

    assert result == Sent(code="201")
    (push,) = service.pushes
    assert browser.read(push) == {
        "id": "00000000-0000-4000-8000-000000000001",
        "tag": "room:9",
        "device": "phone",
        "locale": "en",
        "title": "Task assigned",
        "body": "Water the seedlings",
        "url": "/tasks/456",
        "actions": [{"action": "done", "title": "Done"}],
    }
    assert (push.headers["ttl"], push.headers["urgency"]) == ("14400", "high")
    assert len(push.headers["topic"]) == 22


@pytest.mark.parametrize(
    ("status", "headers", "result"),
    [
        (202, {}, Sent(code="202")),
        (404, {}, Failed(reason="gone", code="404", suppress="gone")),
        (410, {}, Failed(reason="gone", code="410", suppress="gone")),
        (429, {"Retry-After": "90"}, Deferred(code="429", after_seconds=90)),
        (503, {"Retry-After": "-1"}, Deferred(code="503")),
        (500, {}, Deferred(code="500")),
        (301, {"Location": "https://localhost/"}, Deferred(code="301")),
    ],
)
async def test_each_answer_has_one_meaning(
    service: PushService,
    browser: Browser,
    status: int,
    headers: dict[str, str],
    result: SendResult,
) -> None:
    assert await send(service, browser, (status, headers)) == result


@pytest.mark.parametrize("status", [400, 403])
async def test_a_refused_key_stops_the_lane_and_is_named(
    service: PushService, browser: Browser, status: int
) -> None:
    result = await send(service, browser, (status, {}))

    assert isinstance(result, LanePaused) and "VAPID" in result.reply


async def test_what_is_too_large_is_pushed_again_by_its_id(
    service: PushService, browser: Browser
) -> None:
    assert await send(service, browser, (413, {})) == Sent(code="201")
    assert [browser.read(push).get("title") for push in service.pushes] == ["Task assigned", None]

    too_large = Failed(reason="invalid", code="413")
    assert await send(service, browser, (413, {}), (413, {})) == too_large


async def test_what_exceeds_a_push_is_sent_by_its_id(
    service: PushService, browser: Browser
) -> None:
    await send(service, browser, title="T", message="😀" * 1500, group="g" * 3000)

    (push,) = service.pushes
    assert "title" not in browser.read(push)


async def test_texts_stay_here_if_that_is_chosen(service: PushService, browser: Browser) -> None:
    await send(service, browser, settings={"push_id_only": True})

    (push,) = service.pushes
    assert set(browser.read(push)) == {"id", "tag", "device", "locale"}


async def test_a_push_lives_no_longer_than_its_notification(
    service: PushService, browser: Browser
) -> None:
    await send(service, browser, expires=MOMENT + timedelta(minutes=5))

    assert service.pushes[0].headers["ttl"] == "300"


async def test_no_push_goes_to_an_address_inside(service: PushService, browser: Browser) -> None:
    result = await send(service, browser, settings={"webhook_allow": ""})

    assert result == Deferred(code="forbidden_address") and not service.pushes


def test_a_push_is_given_up_after_four_hours() -> None:
    late = MOMENT + timedelta(hours=4)

    assert is_stale_push("webpush", late, first=MOMENT)
    assert not is_stale_push("webpush", late - timedelta(seconds=1), first=MOMENT)
    assert is_stale_push("fcm", MOMENT, first=MOMENT, expires=MOMENT)
    assert not is_stale_push("webhook", late, first=MOMENT)


def test_a_token_is_kept_for_half_a_day_for_each_origin() -> None:
    now = 1_000_000.0
    tokens = VapidTokens(VapidKey(new_vapid_key()), SUBJECT, lambda: now)
    first = tokens.authorization_for("https://push.example.org/a")

    assert tokens.authorization_for("https://push.example.org/b") == first
    assert tokens.authorization_for("https://other.example.org/b") != first
    now += KEPT_SECONDS
    assert tokens.authorization_for("https://push.example.org/a") != first


@pytest.mark.parametrize(
    "subject",
    [
        *("operator@example.org", "http://example.org", "mailto:operator@localhost"),
        *("https://localhost:8000", "mailto:a@b.invalid", "mailto:nobody", "https://x:y@a.org"),
    ],
)
def test_a_subject_that_reaches_nobody_is_refused(subject: str) -> None:
    with pytest.raises(InvalidSettings, match="TIDINGS_VAPID_SUBJECT"):
        check_vapid_subject(subject)


def test_a_demonstration_needs_no_real_subject() -> None:
    demo = Settings(demo=True, vapid_subject="mailto:me@localhost")

    assert demo.vapid_contact == "mailto:me@localhost"
    with pytest.raises(InvalidSettings, match="PRIVATE_KEY"):
        VapidKey("short")


async def test_an_event_becomes_a_push_and_a_browser_that_is_gone_gets_no_other(
    tidings: Tidings, chosen: Settings, service: PushService
) -> None:
    browser = Browser(service.origin, "alice")
    settings = service.settings_for(chosen)
    await register(tidings, browser)
    async with running_channels(settings, service.trusted):
        await tidings.emit(make_announcement("alice", title="Water the seedlings"))
        (push,) = await service.wait_for("alice")
        assert browser.read(push)["title"] == "Water the seedlings"
        await wait_until(lambda: _has_states(tidings, ["sent"]))

        service.answers["alice"] = [(410, {})]
        await tidings.emit(make_announcement("alice", title="Nobody is here"))
        await wait_until(lambda: _has_states(tidings, ["failed", "sent"]))
        await tidings.emit(make_announcement("alice", title="After it"))
        bob = Browser(service.origin, "bob")
        await register(tidings, bob, "bob")
        await tidings.emit(make_announcement("bob"))
        await service.wait_for("bob")

    assert len(await service.wait_for("alice")) == 2


async def test_a_push_that_may_go_only_when_it_is_stale_is_given_up(
    tidings: Tidings, chosen: Settings, service: PushService
) -> None:
    service.answers["alice"] = [(429, {"Retry-After": "20000"})]
    await register(tidings, Browser(service.origin, "alice"))
    async with running_channels(service.settings_for(chosen), service.trusted):
        await tidings.emit(make_announcement("alice"))

        await wait_until(lambda: _has_states(tidings, ["failed"]))


async def register(tidings: Tidings, browser: Browser, user: str = "alice") -> None:
    """Register a browser of a user."""
    subscription = {
        name: getattr(browser.subscription, name) for name in ("endpoint", "p256dh", "auth")
    }
    await tidings.emit(
        make_event(
            "device.registered",
            user_id=user,
            device_id=browser.name,
            kind="webpush",
            subscription=subscription,
        )
    )


async def _has_states(tidings: Tidings, expected: list[str]) -> bool:
    async with tidings.runtime.postgres.connection() as connection:
        rows = await connection.execute(
            "SELECT state FROM deliveries.delivery WHERE tenant = %s ORDER BY state",
            (tidings.tenant,),
        )
        return [state for (state,) in await rows.fetchall()] == expected


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
