"""Fixtures for all tests: NATS, Postgres and all services, started once per test process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest
from tidings.processes.up import run_everything
from tidings.runtime.embedded.servers import run_servers
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import load_settings

from tests.driver import SECRET, Tidings

NATS_IMAGE = "nats:2.15.1"
POSTGRES_IMAGE = "postgres:18"
BOUNCES = "bounces@mail.example.org"
CHANNEL_SECRET = "s" * 32
BROWSER_FOLDERS = ("web", "products")


class Servers(NamedTuple):
    """The addresses of NATS and Postgres."""

    nats_url: str
    postgres_dsn: str


hypothesis.settings.register_profile(
    "tests",
    deadline=None,  # no test is one of time
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    """Share one folder for bytecode among the processes that the tests start.

    Where Python may not write beside modules, each process would otherwise compile all of them.
    """
    cache = getattr(config, "cache", None)  # absent with `-p no:cacheprovider`
    if cache and os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = str(cache.mkdir("bytecode"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Alternate between files with browser tests and other files.

    A browser keeps every core busy, while most other tests wait; alternating keeps the cores evenly
    loaded.
    """
    files = {path: [*found] for path, found in groupby(items, key=lambda item: item.path)}
    browsers = [path for path in files if path.parent.name in BROWSER_FOLDERS]
    others = [path for path in files if path.parent.name not in BROWSER_FOLDERS]
    placed = [
        (place / len(kind), path) for kind in (others, browsers) for place, path in enumerate(kind)
    ]
    items[:] = [item for _, path in sorted(placed) for item in files[path]]


def docker() -> bool:
    """Return whether a Docker engine answers."""
    if not shutil.which("docker"):
        return False
    return (
        subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode
        == 0
    )


@pytest.fixture(scope="session")
def containers() -> Iterator[Servers | None]:
    """Start the servers in containers; None without Docker."""
    if not docker():
        yield None
        return
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    with ExitStack() as stack:
        conf = Path(__file__).parents[1] / "infra" / "nats" / "nats.conf"
        nats = (
            DockerContainer(NATS_IMAGE)
            .with_exposed_ports(4222)
            .with_volume_mapping(str(conf), "/etc/nats/nats.conf", "ro")
        )
        nats = stack.enter_context(nats.with_command("-c /etc/nats/nats.conf"))
        postgres = (
            DockerContainer(POSTGRES_IMAGE)
            .with_exposed_ports(5432)
            .with_env("POSTGRES_PASSWORD", "tests")
            .with_env("POSTGRES_DB", "tidings")
        )
        postgres = stack.enter_context(postgres)
        wait_for_logs(nats, "Server is ready")
        wait_for_logs(postgres, "listening on IPv4")
        host = nats.get_container_host_ip()
        dsn = f"postgresql://postgres:tests@{host}:{postgres.get_exposed_port(5432)}/tidings"
        yield Servers(f"nats://{host}:{nats.get_exposed_port(4222)}", dsn)


@pytest.fixture(scope="session")
async def servers(
    containers: Servers | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Servers]:
    """Start NATS and Postgres: in containers if Docker is available, embedded otherwise."""
    if containers:
        yield containers
        return
    async with run_servers(tmp_path_factory.mktemp("servers")) as running:
        yield Servers(running.nats_url, running.postgres_dsn)


@pytest.fixture(scope="session")
def chosen(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of all tests."""
    return load_settings(
        {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")},
        include_running=False,
        nats_url=servers.nats_url,
        postgres_dsn=servers.postgres_dsn,
        jwt_secret=SECRET,
        channel_secret=CHANNEL_SECRET,
        email_bounces=BOUNCES,
        mailbox=False,
        data_dir=tmp_path_factory.mktemp("tidings"),
        port=0,
        heartbeat_seconds=1.0,
        notifications_per_user=6000,
        stranger_rate="off",  # tests send many wrong requests from one address
        log_level="WARNING",
    )


@pytest.fixture(scope="session")
async def runtime(chosen: Settings) -> AsyncIterator[Runtime]:
    """Open the streams and Postgres, for tests of single parts."""
    async with open_runtime(chosen, "tests") as opened:
        yield opened


@pytest.fixture(scope="session")
async def url(chosen: Settings) -> AsyncIterator[str]:
    """Start every service in its own process; return the URL of the edge."""
    async with run_everything(chosen) as running:
        yield running


@pytest.fixture
async def tidings(url: str, runtime: Runtime) -> AsyncIterator[Tidings]:
    """Return a driver with a tenant of its own."""
    async with Tidings(url, runtime) as driver:
        yield driver
