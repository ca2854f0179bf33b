"""The data directory: who holds it, and the ports and secrets it remembers."""

from __future__ import annotations

import fcntl
import os
import random
import secrets
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tidings.runtime.errors import Permanent

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)
PORT_ATTEMPTS = 100


class DataDirectoryInUse(Permanent):
    """Another process runs on this data directory."""


class DataDirectoryUnusable(Permanent):
    """This account cannot write to the data directory."""


@contextmanager
def held(data_dir: Path) -> Generator[Path]:
    """Hold a data directory, made when absent, against every other process; the absolute path.

    The system releases it when we die, however we die. Raises DataDirectoryInUse and DataDirectoryUnusable.
    """
    directory = data_dir.absolute()
    with _lock_file(directory) as lock:
        _hold(lock, directory)
        yield directory
        lock.truncate(0)


def _lock_file(directory: Path) -> TextIO:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+")
    except OSError as error:
        reason = f"data directory {directory} cannot be used by uid {os.geteuid()}: {error.strerror} ({error.filename})"
        raise DataDirectoryUnusable(
            f"{reason}; point TIDINGS_DATA_DIR to one this user may write, or run as its owner"
        ) from error


def _hold(lock: TextIO, directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = lock.read().strip() or "unknown"
        raise DataDirectoryInUse(
            f"data directory {directory} is in use by process {holder}; stop that process, or give this one another TIDINGS_DATA_DIR"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def remembered_port(directory: Path) -> int:
    """The port a server's directory remembers as long as nobody else has taken it, else a new one."""
    file = directory / "port"
    if file.exists() and file.read_text().isdigit() and free(port := int(file.read_text())):
        return port
    port = _new_port()
    _write(file, str(port))
    return port


def _new_port() -> int:
    """Below the ports systems hand out to outgoing connections, or a client calling a server that is away might be given that very port."""
    for port in random.sample(PORTS, PORT_ATTEMPTS):
        if free(port):
            return port
    raise DataDirectoryUnusable(
        f"no free port on {HOST}: tried {PORT_ATTEMPTS} of those from {PORTS.start} to {PORTS.stop - 1}"
    )


def free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def secret(directory: Path) -> str:
    """The password a server's directory keeps, made on first use; only its owner may read it."""
    file = directory / "password"
    if not file.exists():
        _write(file, secrets.token_urlsafe(24))
    return file.read_text()


def _write(file: Path, text: str) -> None:
    """Whole or not at all, and on the disk: a crash leaves no empty password behind."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    rename(new, file)


def rename(old: Path, new: Path) -> None:
    """Rename within a directory, on the disk when it returns."""
    old.rename(new)
    parent = os.open(new.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
