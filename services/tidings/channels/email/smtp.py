"""SMTP: hand mails to a relay over kept connections, in phases that tell what was taken.

Whatever fails before the final dot is safe to repeat. Only if the answer to the dot is lost, nobody
knows whether the mail was taken (RFC 1047): that alone is doubtful.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiosmtplib import SMTP, SMTPException, SMTPNotSupported, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol
from tidings.channels.email.compose import ComposedMail
from tidings.channels.email.relay import Relay, RelayGreeting
from tidings.channels.email.replies import SERVICE_CLOSING, Phase, Reply, refusal_result
from tidings.channels.results import (
    Deferred,
    Doubtful,
    LanePaused,
    SendResult,
    Sent,
    scrub_reply,
)

NO_STARTTLS = "the relay offers no STARTTLS; TIDINGS_SMTP_TLS=off sends without encryption"
START_INPUT = 354


class SmtpClient:
    """Sends mails over at most `relay.connections` connections; close it with `aclose`."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay._replace(tls_context=relay.tls_context or ssl.create_default_context())
        self._free = asyncio.Semaphore(relay.connections)
        self._idle: list[_Connection] = []

    async def send_mail(self, mail: ComposedMail) -> SendResult:
        """Send one mail; it waits for a free connection, and raises nothing.

        A kept connection that turns out to be closed is replaced once.
        """
        async with self._free:
            kept = self._take_idle()
            if kept is None:
                return await self._send_over_new_connection(mail)
            result = await self._send_and_keep(kept, mail)
            if kept.is_stale:
                return await self._send_over_new_connection(mail)
            return result

    async def greet(self) -> RelayGreeting | SendResult:
        """Connect, encrypt and log in; return what the relay offers, or what prevented it."""
        connection = _Connection(self._relay)
        async with connection.closed_on_error():
            problem = await connection.open()
            if problem is None:
                greeting = connection.greeting
                await connection.quit()
                return greeting
        connection.close()
        return problem

    async def aclose(self) -> None:
        """Close the idle connections; mails that are being sent are not waited for."""
        while self._idle:
            await self._idle.pop().quit()

    async def _send_over_new_connection(self, mail: ComposedMail) -> SendResult:
        connection = _Connection(self._relay)
        async with connection.closed_on_error():
            problem = await connection.open()
        if problem:
            connection.close()
            return problem
        return await self._send_and_keep(connection, mail)

    async def _send_and_keep(self, connection: _Connection, mail: ComposedMail) -> SendResult:
        async with connection.closed_on_error():
            result = await connection.send(mail)
        if connection.is_reusable:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            await connection.quit()
        return result

    def _take_idle(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh:
                return connection
            connection.close()
        return None


class _Connection:
    """One connection to the relay; it carries one mail after the other."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._timeouts = relay.timeouts
        self._smtp = SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=relay.local_name,
            timeout=relay.timeouts.connect_seconds,
            use_tls=relay.tls == "implicit",
            start_tls=False,
            tls_context=relay.tls_context,
        )
        self._mails = 0
        self.idle_since = 0.0
        self._broken = False
        self.is_stale = False
        """It was closed by the relay before it took anything of the last mail."""

    @property
    def is_reusable(self) -> bool:
        """Whether another mail may follow."""
        return (
            not self._broken and self._smtp.is_connected and self._mails < self._relay.mails_limit
        )

    @property
    def greeting(self) -> RelayGreeting:
        """What the relay offers on an open connection."""
        size = self._smtp.esmtp_extensions.get("size", "")
        return RelayGreeting(self._relay.tls != "off", int(size) if size.isdecimal() else 0)

    @property
    def is_fresh(self) -> bool:
        """Whether an idle connection is likely to be open still."""
        idle_seconds = asyncio.get_running_loop().time() - self.idle_since
        return self._smtp.is_connected and idle_seconds < self._relay.idle_seconds

    async def open(self) -> SendResult | None:
        """Connect, encrypt and log in; return what prevented it."""
        try:
            async with asyncio.timeout(self._timeouts.connect_seconds):
                await self._smtp.connect()
                await self._smtp.ehlo()
                if self._relay.tls == "starttls":
                    if not self._smtp.supports_extension("starttls"):
                        return LanePaused(code="no_starttls", reply=NO_STARTTLS)
                    await self._smtp.starttls(tls_context=self._relay.tls_context)
                    await self._smtp.ehlo()
                if self._relay.user is not None:
                    await self._smtp.login(self._relay.user, self._relay.password or "")
        except SMTPResponseException as error:
            return refusal_result(Reply(error.code, error.message), "connect", "")
        except SMTPNotSupported as error:
            return LanePaused(code="not_supported", reply=scrub_reply(str(error)))
        except (SMTPException, OSError, ValueError) as error:
            return Deferred(code=_error_code(error), reply=scrub_reply(str(error)))
        return None

    async def send(self, mail: ComposedMail) -> SendResult:
        """Send a mail in its phases."""
        first = self._mails == 0
        self._mails += 1
        phase: Phase = "mail"
        try:
            for phase, command in _commands(mail):
                reply = await self._command(*command)
                if not _is_accepted(reply, phase):
                    return await self._refused(reply, phase, mail, first)
        except (SMTPException, OSError, ValueError) as error:
            self._broken = True
            self.is_stale = phase == "mail" and not first and not isinstance(error, TimeoutError)
            return Deferred(code=_error_code(error), reply=scrub_reply(str(error), mail.recipient))
        return await self._send_content(mail)

    async def quit(self) -> None:
        """Take leave of the relay, for a second at most, and close."""
        try:
            if self._smtp.is_connected and not self._broken:
                await self._smtp.quit(timeout=1)
        except (SMTPException, OSError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Close without leave."""
        self._smtp.close()

    @asynccontextmanager
    async def closed_on_error(self) -> AsyncGenerator[None]:
        """Close when the task is cancelled, for the relay would wait for the rest of a mail."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    async def _command(self, *words: bytes) -> Reply:
        answer = await self._smtp.execute_command(*words, timeout=self._timeouts.command_seconds)
        return Reply(answer.code, answer.message)

    async def _refused(
        self, reply: Reply, phase: Phase, mail: ComposedMail, first: bool
    ) -> SendResult:
        """Return what a refusal means, and make the connection ready for another mail."""
        if reply.code == SERVICE_CLOSING:
            self._broken = True
            self.is_stale = not first
        else:
            await self._reset()
        return refusal_result(reply, phase, mail.recipient)

    async def _reset(self) -> None:
        try:
            self._broken = not _is_completed(await self._command(b"RSET"))
        except (SMTPException, OSError):
            self._broken = True

    async def _send_content(self, mail: ComposedMail) -> SendResult:
        """Send the content and the dot, and return what the answer to it means.

        `SMTP.data` would not tell whether an answer was lost before or after the dot.
        """
        protocol = self._smtp.protocol
        if protocol is None:
            self._broken = True
            return Deferred(code="disconnected")
        try:
            reply = await self._final_reply(protocol, mail.content)
        except (SMTPException, OSError) as error:
            self._broken = True
            return Doubtful(code=_error_code(error), reply=scrub_reply(str(error), mail.recipient))
        if _is_completed(reply):
            return Sent(code=reply.name, reply=scrub_reply(reply.text, mail.recipient))
        self._broken = reply.code == SERVICE_CLOSING
        return refusal_result(reply, "data", mail.recipient)

    async def _final_reply(self, protocol: SMTPProtocol, content: bytes) -> Reply:
        protocol.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        answer = await protocol.read_response(timeout=self._timeouts.dot_seconds)
        return Reply(answer.code, answer.message)


def _commands(mail: ComposedMail) -> tuple[tuple[Phase, tuple[bytes, ...]], ...]:
    return (
        ("mail", (b"MAIL", b"FROM:<%b>" % mail.sender.encode("ascii"))),
        ("rcpt", (b"RCPT", b"TO:<%b>" % mail.recipient.encode("ascii"))),
        ("data", (b"DATA",)),
    )


def _is_accepted(reply: Reply, phase: Phase) -> bool:
    return reply.code == START_INPUT if phase == "data" else _is_completed(reply)


def _is_completed(reply: Reply) -> bool:
    return 200 <= reply.code < 300


def _error_code(error: Exception) -> str:
    """Return one word for what went wrong: that of a class of errors."""
    if isinstance(error, TimeoutError):
        return "timeout"
    cause = error.__cause__
    if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        return "tls"
    if isinstance(error, SMTPResponseException):
        return "malformed_reply"
    return "disconnected"
