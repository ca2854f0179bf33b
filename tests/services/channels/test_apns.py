"""APNs against a server of HTTP/2 with TLS: what is sent, who signs, what each answer means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from tidings.channels.apns import ApnsTokens, open_apns_sender
from tidings.channels.results import Deferred, Failed, LanePaused, SendResult, Sent
from tidings.projections.preferences.settings import Device
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

from tests.services.channels.letters import make_device, make_letter
from tests.services.channels.mails import DELIVERY, make_notification
from tests.services.channels.push_servers import (
    Answer,
    PushServer,
    run_push_server,
    write_apns_key,
)

TOKEN = "ab" * 32
REGISTERED = 1_700_000_000
HALF_HOUR = 1800


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PushServer]:
    """Run a server of pushes."""
    async with run_push_server(tmp_path_factory.mktemp("apns")) as server:
        yield server


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, bytes]:
    """Return the file of a key, and the public key."""
    return write_apns_key(tmp_path)


def settings_for(server: PushServer, key: Path) -> Settings:
    """Return settings by which pushes reach a server."""
    return Settings(
        apns_key_file=key,
        apns_key_id="ABC123DEFG",
        apns_team_id="DEF123GHIJ",
        apns_topic="org.example.greenhouse",
        apns_url=server.url,
    )


def phone(**value: Any) -> Device:
    """Return a phone."""
    return make_device(**{"kind": "apns", "token": TOKEN, "registered": REGISTERED, **value})


async def send(
    server: PushServer, key: Path, *answers: Answer, device: Device | None = None, **more: Any
) -> SendResult:
    """Push a notification, of which the server answers so."""
    server.requests.clear()
    server.answers["/3/device/"] = list(answers)
    async with open_apns_sender(settings_for(server, key), server.trusted) as sender:
        return await sender.send(make_letter(device or phone(), make_notification(**more)))


async def test_a_push_is_signed_and_says_what_it_is_about(
    server: PushServer, key: tuple[Path, bytes]
) -> None:
    result = await send(server, key[0], priority="high", group="room:9")

    assert result == Sent(code="200")
    (request,) = server.requests
    assert (request.version, request.path) == ("2", f"/3/device/{TOKEN}")
    token = request.headers["authorization"].removeprefix("bearer ")
    claims = jwt.decode(token, key[1].decode(), algorithms=["ES256"], issuer="DEF123GHIJ")
    assert claims["iat"] % HALF_HOUR == 0
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "ABC123DEFG"}
    headers = {name: request.headers[f"apns-{name}"] for name in ("id", "topic", "priority")}
    assert headers == {"id": DELIVERY, "topic": "org.example.greenhouse", "priority": "10"}
    assert len(request.headers["apns-collapse-id"]) == 22
    assert request.json["aps"]["alert"] == {
        "title": "Task assigned",
        "body": "Water the seedlings",
    }
    assert request.json["tidings"]["url"] == "/tasks/456"


def test_all_processes_make_the_same_token_within_half_an_hour() -> None:
    key = generate_private_key(SECP256R1())
    one, other = (ApnsTokens(key, "ABC123DEFG", "DEF123GHIJ") for _ in range(2))

    assert one.token_at(HALF_HOUR * 10) == other.token_at(HALF_HOUR * 11 - 1)
    assert one.token_at(HALF_HOUR * 11) != other.token_at(HALF_HOUR * 10)


def refusal(status: int, reason: str, **more: Any) -> Answer:
    """Return a refusal as APNs words it."""
    return Answer(status, {"reason": reason, **more})


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (
            refusal(410, "Unregistered", timestamp=REGISTERED * 1000 + 1),
            Failed(reason="gone", code="Unregistered", suppress="gone"),
        ),
        (
            refusal(410, "Unregistered", timestamp=REGISTERED * 1000 - 1),
            Failed(reason="gone", code="Unregistered"),
        ),
        (
            refusal(400, "BadDeviceToken"),
            Failed(reason="gone", code="BadDeviceToken", suppress="gone"),
        ),
        (
            refusal(400, "DeviceTokenNotForTopic"),
            Failed(reason="gone", code="DeviceTokenNotForTopic", suppress="gone"),
        ),
        (refusal(413, "PayloadTooLarge"), Failed(reason="invalid", code="PayloadTooLarge")),
        (refusal(429, "TooManyRequests"), Deferred(code="TooManyRequests")),
        (
            Answer(503, {"reason": "Shutdown"}, (("retry-after", "30"),)),
            Deferred(code="Shutdown", after_seconds=30),
        ),
        (Answer(500), Deferred(code="500")),
    ],
)
async def test_each_answer_has_one_meaning(
    server: PushServer, key: tuple[Path, bytes], answer: Answer, result: SendResult
) -> None:
    assert await send(server, key[0], answer) == result


async def test_a_token_that_apns_calls_old_is_made_anew_at_once(
    server: PushServer, key: tuple[Path, bytes]
) -> None:
    expired = refusal(403, "ExpiredProviderToken")

    assert await send(server, key[0], expired) == Sent(code="200")
    first, second = (request.headers["authorization"] for request in server.requests)
    assert first != second
    assert await send(server, key[0], expired, expired) == Deferred(code="ExpiredProviderToken")


async def test_a_refused_key_stops_the_lane(server: PushServer, key: tuple[Path, bytes]) -> None:
    result = await send(server, key[0], refusal(403, "InvalidProviderToken"))

    assert isinstance(result, LanePaused) and result.code == "InvalidProviderToken"


async def test_a_token_that_is_none_goes_into_no_address(
    server: PushServer, key: tuple[Path, bytes]
) -> None:
    result = await send(server, key[0], device=phone(token="../../other"))

    assert result == Failed(reason="invalid", code="token") and server.requests == []


async def test_what_is_too_long_is_pushed_by_its_id(
    server: PushServer, key: tuple[Path, bytes]
) -> None:
    await send(server, key[0], message="😀" * 600, group="g" * 3000)

    (request,) = server.requests
    assert request.json["aps"]["alert"] == {"title": "New notification", "body": ""}


@pytest.mark.parametrize("content", [None, b"not a key"])
async def test_a_key_that_is_none_is_named_at_the_start(
    server: PushServer, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "key.p8"
    if content:
        file.write_bytes(content)

    with pytest.raises(InvalidSettings, match="TIDINGS_APNS_KEY_FILE"):
        await send(server, file)
