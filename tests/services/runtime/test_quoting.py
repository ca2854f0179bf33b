"""Text in the languages of others: real servers and shells read back what was meant."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tidings.client.errors import Unauthorised
from tidings.client.jetstream import connect
from tidings.runtime.embedded.nats_server import NatsServer, find_nats_server
from tidings.runtime.quoting import nats_configuration, shell_words, url_part

from tests.ports import find_free_port

STRANGE = [
    "jürgen 日本 🦊",
    "quote\" and 'quote' and \\ backslash",
    "$HOME %s {#} [x]; include ./x",
    "line\nbreak\ttab",
    os.fsdecode(b"\xff\xfe"),
]


@pytest.mark.parametrize("name", STRANGE)
async def test_nats_keeps_its_data_in_a_directory_of_any_name(tmp_path: Path, name: str) -> None:
    server = NatsServer(tmp_path / name, find_free_port())

    await server.start()
    try:
        async with connect(server.url, "test") as jetstream:
            await jetstream.call_api("INFO")
    finally:
        await server.stop()

    assert (tmp_path / name / "nats" / "jetstream").is_dir()


@pytest.mark.parametrize("name", [name for name in STRANGE if "\udcff" not in name])
def test_a_shell_reads_back_each_word(name: str) -> None:
    printed = subprocess.run(
        ("/bin/sh", "-c", shell_words("printf", "%s", name)), capture_output=True, check=True
    )

    assert printed.stdout.decode() == name


PASSWORD = "p@ss/w:rd#%41é?&,"


async def test_nats_credentials_of_any_characters_are_given_in_its_url(tmp_path: Path) -> None:
    port, configuration = find_free_port(), tmp_path / "nats.conf"
    configuration.write_text(
        nats_configuration(
            {
                "listen": f"127.0.0.1:{port}",
                "authorization": {"users": [{"user": "a:b", "password": PASSWORD}]},
                "jetstream": {"store_dir": tmp_path},
            }
        )
    )
    process = await asyncio.create_subprocess_exec(
        find_nats_server(), "-c", str(configuration), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        url = f"nats://{url_part('a:b')}:{url_part(PASSWORD)}@127.0.0.1:{port}"
        async with connect(url, "test") as jetstream:
            await jetstream.call_api("INFO")
        with pytest.raises(Unauthorised):
            async with connect(f"nats://{url_part('a:b')}:wrong@127.0.0.1:{port}", "test"):
                pass
    finally:
        process.kill()
        await process.wait()


def test_a_part_of_a_url_is_read_back() -> None:
    from tidings.client.addresses import credentials_of

    parts = urlsplit(f"nats://{url_part('a:b')}:{url_part(PASSWORD)}@h:1")

    assert credentials_of(parts.username, parts.password) == ("a:b", PASSWORD)
