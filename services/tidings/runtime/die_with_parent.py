"""Becomes a command that dies with whoever started it: `python -I -S die_with_parent.py PARENT SIGNAL ACCOUNT COMMAND…`.

PARENT is the pid of who starts it, SIGNAL what the command receives when that one dies (also by `kill -9`), ACCOUNT `uid:gid`, or `-` to
stay who we are. A process of its own, because Python code between fork and exec (`preexec_fn`) is not safe once the parent has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>; Linux only, elsewhere the next start ends what was left over
CANNOT_EXECUTE = 126  # as a shell says it


def main(parent: str, number: str, account: str, *command: str) -> None:
    """Change the account, tie our life to the parent's, become the command."""
    libc = ctypes.CDLL(
        None, use_errno=True
    )  # loaded first: the account may not be allowed to read Python's own files
    if account != "-":
        _become(*(int(part) for part in account.split(":")))
    _die_with(libc, int(parent), signal.Signals(int(number)))
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(
            f"{command[0]} cannot be executed by uid {os.geteuid()}: {error.strerror}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(CANNOT_EXECUTE)


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with(libc: ctypes.CDLL, parent: int, number: signal.Signals) -> None:
    """Must come after the change of account, which clears it; and a parent that died before it will never signal us."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if number is not signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux" and libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
