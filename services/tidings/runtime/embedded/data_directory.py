"""The data directory: its lock, and the ports and passwords stored in it."""

from __future__ import annotations

import fcntl
import os
import random
import secrets
import socket
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from tidings.runtime.errors import Permanent
from tidings.runtime.quoting import shell_words

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)
PORT_ATTEMPTS = 100
LOCK_ATTEMPTS = 3
LOCK_PAUSE_SECONDS = 0.05
SECRET_FILES = (
    *("jwt_secret", "channel_secret", "vapid_private_key", "running.json"),
    *("nats/password", "postgres/password"),
)
OTHERS_WRITE = 0o002
OTHERS_ACCESS = 0o006
"""A group is not meant: volumes of clusters belong to a group of the process alone."""


class DataDirectoryInUse(Permanent):
    """Another process runs on this data directory."""


class DataDirectoryUnusable(Permanent):
    """This account cannot write to the data directory."""


@contextmanager
def locked(data_dir: Path) -> Generator[Path]:
    """Create a data directory if absent and lock it; yield its absolute path.

    The system releases the lock when this process ends, however it ends. Raises DataDirectoryInUse
    or DataDirectoryUnusable.
    """
    directory = data_dir.absolute()
    with _lock_file(directory) as lock:
        _lock(lock, directory)
        yield directory
        lock.truncate(0)


def _lock_file(directory: Path) -> TextIO:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_modes(directory)
        return os.fdopen(os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+")
    except OSError as error:
        raise DataDirectoryUnusable(
            f"data directory {directory} cannot be used by uid {os.geteuid()}: {error.strerror}"
            f" ({error.filename}); point TIDINGS_DATA_DIR to one this user may write, or run as its"
            " owner"
        ) from error


def _check_modes(directory: Path) -> None:
    """Raise DataDirectoryUnusable if other accounts could replace our files, or read a secret."""
    modes = {
        path: _mode(path) for path in (directory, *(directory / name for name in SECRET_FILES))
    }
    if (mode := modes.pop(directory) or 0) & OTHERS_WRITE:
        raise DataDirectoryUnusable(
            f"data directory {directory} may be written by every account (mode {mode:04o});"
            f" run `{shell_words('chmod', 'go-w', directory)}`, or point TIDINGS_DATA_DIR to a"
            " directory inside it"
        )
    for path, mode in modes.items():
        if mode is not None and mode & OTHERS_ACCESS:
            raise DataDirectoryUnusable(
                f"{path} holds a secret that other accounts may read (mode {mode:04o});"
                f" run `{shell_words('chmod', '600', path)}`, or delete it if it may be known"
            )


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _lock(lock: TextIO, directory: Path) -> None:
    try:
        _try_lock(lock)
    except BlockingIOError:
        holder = lock.read().strip() or "unknown"
        raise DataDirectoryInUse(
            f"data directory {directory} is in use by process {holder}; stop that process, or give"
            " this one another TIDINGS_DATA_DIR"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def holder_has_ended(data_dir: Path) -> bool:
    """Return whether the process that locked a data directory last does not run any more.

    The lock tells it, as the pid may belong to another process, or be one of another container.
    False if that is not known: without a lock file, or if another account owns it.
    """
    try:
        with (data_dir / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _try_lock(lock: TextIO) -> None:
    """Lock a file, waiting a moment for a command that only asks whether it is locked."""
    for _ in range(LOCK_ATTEMPTS):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOCK_PAUSE_SECONDS)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remembered_port(directory: Path) -> int:
    """Return the port stored in a server's directory if it is free, else store a new one."""
    file = directory / "port"
    if file.exists() and file.read_text().isdigit() and is_port_free(port := int(file.read_text())):
        return port
    port = _new_port()
    _write_durably(file, str(port))
    return port


def _new_port() -> int:
    """Return a free port below those that systems give to outgoing connections.

    Otherwise a client that retries while the server is away could be given the server's port.
    """
    for port in random.sample(PORTS, PORT_ATTEMPTS):
        if is_port_free(port):
            return port
    raise DataDirectoryUnusable(
        f"no free port on {HOST}: tried {PORT_ATTEMPTS} of those from {PORTS.start} to"
        f" {PORTS.stop - 1}"
    )


def is_port_free(port: int) -> bool:
    """Whether a server can listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def remembered_password(directory: Path) -> str:
    """Return the password stored in a server's directory (mode 600), created on first use."""
    file = directory / "password"
    if not file.exists():
        _write_durably(file, secrets.token_urlsafe(24))
    return file.read_text()


def _write_durably(file: Path, text: str) -> None:
    """Write a file atomically and to the disk: a crash must not leave an empty password."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    rename_durably(new, file)


def rename_durably(old: Path, new: Path) -> None:
    """Rename within a directory and sync it to the disk."""
    old.rename(new)
    parent = os.open(new.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
