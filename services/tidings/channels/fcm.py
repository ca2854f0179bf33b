"""FCM: pushes to Android by Firebase Cloud Messaging (HTTP v1), as a service account.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import jwt
import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from tidings.channels.decider.lane import Letter
from tidings.channels.push_content import PushContent, push_content, topic_of, ttl_seconds
from tidings.channels.results import Deferred, Failed, LanePaused, SendResult, Sent
from tidings.channels.retry_after import parse_retry_after
from tidings.channels.words import load_words
from tidings.contracts.codec import encode
from tidings.projections.preferences.settings import Device
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

CONNECTIONS = 100
"""More than the attempts that may be under way."""
TIMEOUT_SECONDS = 15.0
TOKEN_KEPT_SECONDS = 55 * 60
TOKEN_VALID_SECONDS = 3600
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PAYLOAD_LIMIT_BYTES = 4096
QUOTA_LEAST_SECONDS = 60.0
GONE = ("UNREGISTERED", "SENDER_ID_MISMATCH")
TOKEN_FIELD = "message.token"


class ServiceAccount(msgspec.Struct, frozen=True):
    """The file of a service account, as far as it is used."""

    project_id: str
    client_email: str
    private_key: str
    token_uri: str


class _Violation(msgspec.Struct, frozen=True):
    field: str = ""


class _Detail(msgspec.Struct, frozen=True, rename="camel"):
    error_code: str = ""
    field_violations: tuple[_Violation, ...] = ()


class _Error(msgspec.Struct, frozen=True):
    status: str = ""
    details: tuple[_Detail, ...] = ()


class _Body(msgspec.Struct, frozen=True):
    """The body of a refusal, as far as it is read."""

    error: _Error = _Error()


class FcmAnswer(NamedTuple):
    """Status, code and `Retry-After` of an answer; `is_token`: the device's token is wrong."""

    status: int
    code: str
    retry_after: str | None
    is_token: bool


class NoAccessToken(Exception):
    """No access token could be had; `result`: what that means for a push."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(result.code)
        self.result = result


class AccessTokens:
    """Fetches a token for the service account, and keeps it for 55 minutes."""

    def __init__(
        self, session: ClientSession, account: ServiceAccount, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._account = account
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept = (float("-inf"), "")

    async def token(self, other_than: str = "") -> str:
        """Return a token, a new one if the last one is old or was refused; raises NoAccessToken."""
        async with self._lock:
            fetched, token = self._kept
            if self._clock() - fetched >= TOKEN_KEPT_SECONDS or token == other_than:
                self._kept = (self._clock(), await self._fetch())
            return self._kept[1]

    async def _fetch(self) -> str:
        form = {"grant_type": GRANT, "assertion": self._assertion()}
        try:
            async with self._session.post(self._account.token_uri, data=form) as response:
                body = await response.read()
                if response.status == 200:
                    return msgspec.json.decode(body, type=dict[str, Any])["access_token"]
                status = response.status
        except (ClientError, OSError, ValueError, KeyError):
            raise NoAccessToken(Deferred(code="token")) from None
        if status == 429 or status >= 500:
            raise NoAccessToken(Deferred(code=f"token {status}"))
        reply = "the service account of TIDINGS_FCM_ACCOUNT_FILE is refused"
        raise NoAccessToken(LanePaused(code=f"token {status}", reply=reply))

    def _assertion(self) -> str:
        issued = int(self._clock())
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": self._account.token_uri,
            "iat": issued,
            "exp": issued + TOKEN_VALID_SECONDS,
        }
        return jwt.encode(claims, self._account.private_key, algorithm="RS256")


class FcmSender:
    """Sends pushes to Android."""

    def __init__(
        self,
        session: ClientSession,
        account: ServiceAccount,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._tokens = AccessTokens(session, account, clock)
        self._settings = settings
        self._url = f"{settings.fcm_url}/v1/projects/{account.project_id}/messages:send"
        self._words = load_words()
        self._clock = clock

    async def send(self, letter: Letter) -> SendResult:
        """Push to the device of a letter; raises nothing but cancellation."""
        device = letter.place
        if not isinstance(device, Device) or not device.value.token:
            return Failed(reason="invalid", code="token")
        content = push_content(
            letter,
            device,
            self._words,
            product_url=self._settings.product_url,
            id_only=self._settings.push_id_only,
        )
        body = self._body(letter, device.value.token, content)
        try:
            return self._meaning_of(await self._post(body))
        except NoAccessToken as error:
            return error.result
        except (ClientError, OSError, ValueError) as error:
            return Deferred(code="timeout" if isinstance(error, TimeoutError) else "unreachable")

    async def _post(self, body: bytes) -> FcmAnswer:
        """Post, and once more with a new token if FCM refuses ours."""
        token = await self._tokens.token()
        answer = await self._post_with(token, body)
        if answer.status == 401:
            answer = await self._post_with(await self._tokens.token(token), body)
        return answer

    async def _post_with(self, token: str, body: bytes) -> FcmAnswer:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        async with self._session.post(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as response:
            retry_after = response.headers.get("Retry-After")
            return _answer_of(response.status, await response.read(), retry_after)

    def _body(self, letter: Letter, token: str, content: PushContent) -> bytes:
        body = self._encode(letter, token, content)
        if len(body) <= PAYLOAD_LIMIT_BYTES:
            return body
        return self._encode(letter, token, content.short())

    def _encode(self, letter: Letter, token: str, content: PushContent) -> bytes:
        priority = letter.notifications[-1].priority
        title = content.title or self._words.text("push-title", content.locale)
        message = {
            "token": token,
            "notification": {"title": title, "body": content.body},
            "data": {"tidings": encode(content.short()).decode(), "url": content.url or ""},
            "android": {
                "priority": "HIGH" if priority in ("high", "critical") else "NORMAL",
                "ttl": f"{ttl_seconds(letter)}s",
                "collapse_key": topic_of(letter, content.tag),
                "notification": {"tag": topic_of(letter, content.tag)},
            },
        }
        return msgspec.json.encode({"message": message})

    def _meaning_of(self, answer: FcmAnswer) -> SendResult:
        status, code = answer.status, answer.code
        if status == 200:
            return Sent(code="200")
        if code in GONE or answer.is_token:
            return Failed(reason="gone", code=code, suppress="gone")
        if status == 429 or status >= 500:
            return Deferred(code=code, after_seconds=self._demanded(answer))
        if status in (401, 403):
            return LanePaused(code=code, reply="FCM refuses the account or its project")
        return Failed(reason="invalid", code=code)

    def _demanded(self, answer: FcmAnswer) -> float | None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        demanded = parse_retry_after(answer.retry_after, now)
        if answer.status != 429:
            return demanded
        return max(demanded or 0.0, QUOTA_LEAST_SECONDS)


@asynccontextmanager
async def open_fcm_sender(
    settings: Settings,
    tls_context: ssl.SSLContext | None = None,
    clock: Callable[[], float] = time.time,
) -> AsyncGenerator[FcmSender]:
    """Open a sender for the settings while the block lasts; raises InvalidSettings.

    `tls_context`: whose certificates are trusted, those of the system by default.
    """
    account = _read_account(settings)
    async with ClientSession(
        connector=TCPConnector(limit=CONNECTIONS, ssl=tls_context or True),
        timeout=ClientTimeout(total=TIMEOUT_SECONDS),
        cookie_jar=DummyCookieJar(),
        trust_env=False,
    ) as session:
        yield FcmSender(session, account, settings, clock)


def _answer_of(status: int, body: bytes, retry_after: str | None) -> FcmAnswer:
    """Return what an answer says: the code of FCM, else that of Google, else the status."""
    try:
        error = msgspec.json.decode(body, type=_Body).error
    except (msgspec.DecodeError, ValueError):
        error = _Error()
    codes = [each.error_code for each in error.details if each.error_code]
    fields = {field.field for each in error.details for field in each.field_violations}
    code = next(iter(codes), "") or error.status or str(status)
    return FcmAnswer(status, code, retry_after, TOKEN_FIELD in fields)


def _read_account(settings: Settings) -> ServiceAccount:
    file = settings.fcm_account_file
    if file is None:
        raise InvalidSettings("TIDINGS_FCM_ACCOUNT_FILE is needed to push to Android")
    try:
        account = msgspec.json.decode(file.read_bytes(), type=ServiceAccount)
        jwt.encode({}, account.private_key, algorithm="RS256")
    except OSError as error:
        raise InvalidSettings(f"TIDINGS_FCM_ACCOUNT_FILE: {file} {error.strerror}") from None
    except (ValueError, TypeError, jwt.PyJWTError):
        raise InvalidSettings(
            f"TIDINGS_FCM_ACCOUNT_FILE: {file} is not the key of a service account, as JSON"
        ) from None
    return account
