"""Become a command that dies with its parent process.

    python -I -S die_with_parent.py PARENT SIGNAL ACCOUNT COMMAND…

PARENT is the pid of the process that starts this, SIGNAL what the command receives when that one
dies (also by `kill -9`), ACCOUNT is `uid:gid`, or `-` to keep the account. This is a program of its
own because Python code between fork and exec (`preexec_fn`) is not safe if the parent has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>; Linux only, elsewhere the next start ends the server
CANNOT_EXECUTE = 126  # the exit code of shells


def main(parent: str, number: str, account: str, *command: str) -> None:
    """Change the account, set the death signal, and execute the command."""
    # Before the change of account, which may not be allowed to read Python's own files.
    libc = ctypes.CDLL(None, use_errno=True)
    if account != "-":
        _change_account(*(int(part) for part in account.split(":")))
    _set_death_signal(libc, int(parent), signal.Signals(int(number)))
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(
            f"{command[0]} cannot be executed by uid {os.geteuid()}: {error.strerror}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(CANNOT_EXECUTE)


def _change_account(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _set_death_signal(libc: ctypes.CDLL, parent: int, number: signal.Signals) -> None:
    """Have the kernel signal this process when its parent dies.

    A change of account clears the setting, so it comes after that. A parent that died earlier
    causes no signal, so that case exits at once.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if number is not signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux" and libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
