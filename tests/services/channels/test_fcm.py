"""FCM against a server with TLS: the account's token, what is sent, what each answer means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from tidings.channels.fcm import TOKEN_KEPT_SECONDS, open_fcm_sender
from tidings.channels.results import Deferred, Failed, LanePaused, SendResult, Sent
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

from tests.services.channels.letters import make_device, make_letter
from tests.services.channels.mails import make_notification
from tests.services.channels.push_servers import (
    Answer,
    PushServer,
    run_push_server,
    write_service_account,
)

SEND = "/v1/projects/greenhouse/messages:send"
PHONE = make_device(kind="fcm", token="token:1", locale="de")


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PushServer]:
    """Run a server of pushes."""
    async with run_push_server(tmp_path_factory.mktemp("fcm")) as server:
        yield server


@pytest.fixture
def account(server: PushServer, tmp_path: Path) -> tuple[Path, bytes]:
    """Return the file of a service account, and its public key."""
    server.requests.clear()
    server.answers["/token"] = [Answer(200, {"access_token": f"a-{n}"}) for n in range(1, 6)]
    return write_service_account(tmp_path, server.url)


async def send(
    server: PushServer, account: Path, *answers: Answer, count: int = 1, **more: Any
) -> SendResult:
    """Push a notification so many times, of which the server answers so."""
    server.answers[SEND] = list(answers)
    settings = Settings(fcm_account_file=account, fcm_url=server.url)
    async with open_fcm_sender(settings, server.trusted) as sender:
        letter = make_letter(PHONE, make_notification(**more))
        results = [await sender.send(letter) for _ in range(count)]
    return results[-1]


def refusal(status: int, name: str, *details: Any, retry_after: str | None = None) -> Answer:
    """Return a refusal as Google words it."""
    headers = (("retry-after", retry_after),) if retry_after else ()
    error = {"code": status, "status": name, "message": "token:1 …", "details": details}
    return Answer(status, {"error": error}, headers)


def of_fcm(code: str) -> dict[str, Any]:
    """Return the detail with the code of FCM."""
    return {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}


async def test_a_push_is_sent_with_the_token_of_the_account(
    server: PushServer, account: tuple[Path, bytes]
) -> None:
    result = await send(server, account[0], count=2, priority="critical")

    assert result == Sent(code="200")
    fetched, first, second = server.requests
    assertion = jwt.decode(
        fetched.form["assertion"],
        account[1].decode(),
        algorithms=["RS256"],
        audience=f"{server.url}/token",
    )
    assert assertion["iss"] == "tidings@greenhouse.example.org"
    assert assertion["exp"] - assertion["iat"] == 3600
    assert first.path == second.path == SEND
    assert first.headers["authorization"] == "Bearer a-1"
    message = first.json["message"]
    assert (message["token"], message["android"]["ttl"]) == ("token:1", "14400s")
    assert message["android"]["priority"] == "HIGH"
    assert message["notification"] == {"title": "Task assigned", "body": "Water the seedlings"}
    assert message["data"]["url"] == "/tasks/456"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (
            refusal(404, "NOT_FOUND", of_fcm("UNREGISTERED")),
            Failed(reason="gone", code="UNREGISTERED", suppress="gone"),
        ),
        (
            refusal(403, "PERMISSION_DENIED", of_fcm("SENDER_ID_MISMATCH")),
            Failed(reason="gone", code="SENDER_ID_MISMATCH", suppress="gone"),
        ),
        (
            refusal(
                400,
                "INVALID_ARGUMENT",
                {"fieldViolations": [{"field": "message.token"}]},
                of_fcm("INVALID_ARGUMENT"),
            ),
            Failed(reason="gone", code="INVALID_ARGUMENT", suppress="gone"),
        ),
        (
            refusal(400, "INVALID_ARGUMENT", of_fcm("INVALID_ARGUMENT")),
            Failed(reason="invalid", code="INVALID_ARGUMENT"),
        ),
        (
            refusal(429, "RESOURCE_EXHAUSTED", of_fcm("QUOTA_EXCEEDED"), retry_after="5"),
            Deferred(code="QUOTA_EXCEEDED", after_seconds=60),
        ),
        (
            refusal(503, "UNAVAILABLE", of_fcm("UNAVAILABLE"), retry_after="20"),
            Deferred(code="UNAVAILABLE", after_seconds=20),
        ),
        (Answer(500, {"error": "odd"}), Deferred(code="500")),
    ],
)
async def test_each_answer_has_one_meaning(
    server: PushServer, account: tuple[Path, bytes], answer: Answer, result: SendResult
) -> None:
    assert await send(server, account[0], answer) == result


async def test_a_refused_token_is_fetched_anew_once(
    server: PushServer, account: tuple[Path, bytes]
) -> None:
    refused = refusal(401, "UNAUTHENTICATED")

    assert await send(server, account[0], refused) == Sent(code="200")
    assert server.requests[-1].headers["authorization"] == "Bearer a-2"
    result = await send(server, account[0], refused, refused)
    assert isinstance(result, LanePaused)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(Answer(400, {"error": "invalid_grant"}), LanePaused), (Answer(503), Deferred)],
)
async def test_an_account_that_gets_no_token_sends_nothing(
    server: PushServer, account: tuple[Path, bytes], answer: Answer, kind: type
) -> None:
    server.answers["/token"] = [answer]

    assert isinstance(await send(server, account[0]), kind)
    assert [request.path for request in server.requests] == ["/token"]


async def test_a_token_is_kept_for_55_minutes(
    server: PushServer, account: tuple[Path, bytes]
) -> None:
    moments = iter((0.0, TOKEN_KEPT_SECONDS - 1, TOKEN_KEPT_SECONDS))
    now = 0.0
    settings = Settings(fcm_account_file=account[0], fcm_url=server.url)
    server.answers[SEND] = []
    letter = make_letter(PHONE)
    async with open_fcm_sender(settings, server.trusted, lambda: now) as sender:
        for now in moments:  # noqa: B007  the clock reads it
            await sender.send(letter)

    used = [each.headers.get("authorization") for each in server.requests if each.path == SEND]
    assert used == ["Bearer a-1", "Bearer a-1", "Bearer a-2"]


async def test_an_account_that_is_none_is_named_at_the_start(
    server: PushServer, tmp_path: Path
) -> None:
    file = tmp_path / "account.json"
    file.write_text('{"project_id": "greenhouse"}')

    with pytest.raises(InvalidSettings, match="TIDINGS_FCM_ACCOUNT_FILE"):
        await send(server, file)
