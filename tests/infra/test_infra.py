"""The files in `infra/` agree with each other and with what runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tidings.runtime.settings import Settings

INFRA = Path(__file__).parents[2] / "infra"
COMPOSE = yaml.safe_load((INFRA / "compose.yaml").read_text())
NGINX = (INFRA / "nginx" / "nginx.conf").read_text()


def test_every_upstream_of_nginx_is_a_service_of_compose() -> None:
    upstreams = set(re.findall(r"server ([\w-]+):\d+;", NGINX))
    assert upstreams == {"edge-lower", "edge-upper", "gateway"}
    assert upstreams <= set(COMPOSE["services"])


def test_every_file_that_compose_mounts_is_there() -> None:
    mounts = [
        mount.split(":")[0]
        for service in COMPOSE["services"].values()
        for mount in service.get("volumes", ())
        if mount.startswith("./")
    ]
    assert mounts
    assert all((INFRA / mount).exists() for mount in mounts)


def test_compose_runs_every_service_with_settings_that_exist() -> None:
    services = [each for each in COMPOSE["services"].values() if "build" in each]
    names = {name for each in services for name in each["environment"]}

    assert {each["command"][0] for each in services} == {
        "notifier",
        "projector",
        "channels",
        "gateway",
        "edge",
    }
    assert {name.removeprefix("TIDINGS_").lower() for name in names} <= {
        *Settings.__struct_fields__
    }


def test_the_edges_of_compose_serve_each_partition_once() -> None:
    served = [
        number
        for service in COMPOSE["services"].values()
        for number in service.get("environment", {}).get("TIDINGS_EDGE_PARTITIONS", "").split(",")
        if number
    ]
    assert sorted(map(int, served)) == list(range(16))


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(nginx).exists():
        pytest.skip("needs nginx")
    here = re.sub(r"server (?:edge-\w+|gateway):(\d+);", r"server 127.0.0.1:\1;", NGINX)
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\n{here}")
    found = subprocess.run(
        [nginx, "-t", "-c", str(file), "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert found.returncode == 0, found.stderr
