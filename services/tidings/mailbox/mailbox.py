"""The mailbox's process: SMTP and HTTP on two ports of the loopback interface."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from tidings.client.addresses import http_url
from tidings.mailbox import http
from tidings.mailbox.smtp_server import serve_smtp
from tidings.mailbox.store import MailStore
from tidings.runtime.embedded.data_directory import locked
from tidings.runtime.http.allowed_hosts import AllowedHosts
from tidings.runtime.http.connections.peers import peers_of
from tidings.runtime.http.listener import ListenerNames, bind_listener
from tidings.runtime.http.web import create_application, serve_application
from tidings.runtime.metrics.metrics import Metrics
from tidings.runtime.settings import Settings

LOOPBACK = "127.0.0.1"
MAIL_FOLDER = "mail"


class MailboxAddresses(NamedTuple):
    """Where a mailbox is reached: the port that takes mails, and the URL of its page."""

    smtp_port: int
    url: str


async def run_mailbox(
    settings: Settings,
    directory: Path,
    smtp_port: int,
    port: int,
    ready: Callable[[MailboxAddresses], None],
) -> None:
    """Serve until cancelled; 0 chooses a free port.

    Raises InvalidSettings, DataDirectoryInUse, DataDirectoryUnusable.
    """
    own = msgspec.structs.replace(settings, host=LOOPBACK, allowed_hosts="", trusted_proxies="")
    idle_seconds = settings.idle_peer_timeout_seconds
    with (
        locked(directory) as folder,
        bind_listener(
            LOOPBACK, smtp_port, idle_seconds, names=ListenerNames(port="--smtp-port")
        ) as smtp,
        bind_listener(LOOPBACK, port, idle_seconds, names=ListenerNames(port="--port")) as listener,
    ):
        url = http_url(LOOPBACK, listener.getsockname()[1])
        store = MailStore(folder)
        application = create_application(http.handlers(store), list[str], lambda app: app)
        async with serve_smtp(store, smtp):
            ready(MailboxAddresses(smtp.getsockname()[1], url))
            await serve_application(
                AllowedHosts(application, own), listener, peers_of(own, Metrics()), store.end_waits
            )
