"""`tidings bounces`: a mail server's pipe for what comes to the return paths."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
from rich.markup import escape
from tidings.cli.commands.shared import data_dir_option, error_console
from tidings.client.proxies import proxied_transport
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.errors import TidingsError, Unavailable
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import load_settings

SENDER = Person("tidings", "bounces")
SCOPE = "bounce"
TOKEN_SECONDS = 300
REQUEST_SECONDS = 60.0
MAIL_LIMIT_BYTES = 1024 * 1024
ACCEPTED = 202
TOO_LARGE = 413
USAGE_CODE = 64
RETRY_CODE = 75
"""Exit codes of `sysexits.h`. A mail server keeps a mail for the second, and gives up for others,
so it is the one for all that an operator can mend."""


class PipeCommand(click.Command):
    """A command whose exit codes are those that mail servers know."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments; wrong ones end the command with `USAGE_CODE`."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.show()
            ctx.exit(USAGE_CODE)


def _check_recipients(
    _context: click.Context, _parameter: click.Parameter, recipients: tuple[str, ...]
) -> tuple[str, ...]:
    for recipient in recipients:
        if not recipient.isascii() or not recipient.isprintable() or "@" not in recipient:
            raise click.BadParameter(f"`{recipient}` is not an address")
    return recipients


@click.command(cls=PipeCommand)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    callback=_check_recipients,
    help="The address it came to, if the mail server writes no Delivered-To or X-Original-To.",
)
@data_dir_option
def bounces(recipients: tuple[str, ...], data_dir: Path | None) -> None:
    """Take a mail to a return path from standard input, as the pipe of a mail server.

    Exits with 0 once it is taken, also if it changes nothing; with 75 if the mail server should try
    again.
    """
    mail = _read_mail()
    if len(mail) > MAIL_LIMIT_BYTES:
        click.echo("ignored: too_large")
        return
    try:
        settings = load_settings(data_dir=data_dir)
        receipt = asyncio.run(_post(settings, _with_recipients(mail, recipients)))
    except TidingsError as problem:
        error_console.print("[red]error:[/red]", escape(str(problem)), soft_wrap=True)
        sys.exit(RETRY_CODE)
    reason = receipt.get("reason")
    click.echo(f"{receipt['result']}: {reason}" if reason else receipt["result"])


def _read_mail() -> bytes:
    """Return what is on standard input, read to its end; what exceeds the limit is dropped."""
    source = sys.stdin.buffer
    mail = source.read(MAIL_LIMIT_BYTES + 1)
    while source.read(MAIL_LIMIT_BYTES):
        pass
    return mail


def _with_recipients(mail: bytes, recipients: tuple[str, ...]) -> bytes:
    """Return a mail without the line that begins it in a mailbox file, and with its recipients."""
    if mail.startswith(b"From "):
        mail = mail.partition(b"\n")[2]
    return b"".join(b"Delivered-To: %b\r\n" % each.encode() for each in recipients) + mail


async def _post(settings: Settings, mail: bytes) -> dict[str, Any]:
    """Hand a mail over; raises Unavailable, or InvalidSettings."""
    url = settings.base_url
    token = settings.client_token or issue_token(
        SENDER, SCOPE, settings.secret, time.time(), TOKEN_SECONDS
    )
    try:
        async with (
            asyncio.timeout(REQUEST_SECONDS),
            httpx.AsyncClient(
                base_url=url, timeout=REQUEST_SECONDS, transport=proxied_transport(url)
            ) as client,
        ):
            response = await client.post(
                "/v1/bounces",
                content=mail,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "message/rfc822",
                },
            )
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise Unavailable(f"{url} cannot be reached ({type(error).__name__})") from None
    if response.status_code == TOO_LARGE:
        return {"result": "ignored", "reason": "too_large"}
    if response.status_code != ACCEPTED:
        raise Unavailable(f"{url} does not take it: {response.status_code} {response.text[:500]}")
    return msgspec.json.decode(response.content, type=dict[str, Any])
