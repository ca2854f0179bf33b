"""What the tests stand on: one NATS and one Postgres for all of them, and everything running once."""

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
from tidings.processes.up import up
from tidings.runtime.embedded import embedded
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings, settings

from tests.driver import SECRET, Tidings

NATS_IMAGE = "nats:2.15.1"
POSTGRES_IMAGE = "postgres:18"


class Servers(NamedTuple):
    """Where NATS and Postgres are."""

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
    """Where nothing may be written beside modules, each of the many processes would compile all of them: they share a folder for that."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None) and config.cache:
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.cache.mkdir("bytecode"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers keep every core busy, and much else waits: files of both kinds take turns, so that no core is overrun or idle."""
    files = {path: [*found] for path, found in groupby(items, key=lambda item: item.path)}
    browsers = [path for path in files if path.parent.name == "web"]
    others = [path for path in files if path.parent.name != "web"]
    placed = [
        (place / len(kind), path) for kind in (others, browsers) for place, path in enumerate(kind)
    ]
    items[:] = [item for _, path in sorted(placed) for item in files[path]]


def docker() -> bool:
    """Whether a Docker engine answers."""
    if not shutil.which("docker"):
        return False
    return (
        subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode
        == 0
    )


@pytest.fixture(scope="session")
def containers() -> Iterator[Servers | None]:
    """The servers in containers, where Docker is; None elsewhere."""
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
    """NATS and Postgres: in containers where Docker is, embedded everywhere else."""
    if containers:
        yield containers
        return
    async with embedded(tmp_path_factory.mktemp("servers")) as running:
        yield Servers(running.nats_url, running.postgres_dsn)


@pytest.fixture(scope="session")
def chosen(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the tests."""
    return settings(
        {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")},
        running=False,
        nats_url=servers.nats_url,
        postgres_dsn=servers.postgres_dsn,
        jwt_secret=SECRET,
        data_dir=tmp_path_factory.mktemp("tidings"),
        port=0,
        heartbeat_seconds=1.0,
        notifications_per_user=6000,
        log_level="WARNING",
    )


@pytest.fixture(scope="session")
async def runtime(chosen: Settings) -> AsyncIterator[Runtime]:
    """The streams and Postgres, for tests of the parts."""
    async with open_runtime(chosen, "tests") as opened:
        yield opened


@pytest.fixture(scope="session")
async def url(chosen: Settings) -> AsyncIterator[str]:
    """Everything running, each service in its own process: where it answers."""
    async with up(chosen) as running:
        yield running


@pytest.fixture
async def tidings(url: str, runtime: Runtime) -> AsyncIterator[Tidings]:
    """Tidings as its users see it, with a tenant of the test's own."""
    async with Tidings(url, runtime) as driver:
        yield driver
