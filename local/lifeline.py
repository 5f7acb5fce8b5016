"""Ties a child to its parent: it ends when the parent does, `kill -9` of the parent included.

Linux does it in the kernel. Elsewhere this file also runs as a program between the two: it starts a
small watcher beside the command, then becomes the command, which keeps the process id.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY = 0.5


def tie(
    command: Sequence[str], ending: signal.Signals, *, by_kernel: bool = sys.platform == "linux"
) -> tuple[list[str], Callable[[], None] | None]:
    """The command to run and what Popen's `preexec_fn` must be, so that `ending` is sent in time.

    The kernel watches the thread that starts the child, so start children from a thread that stays.
    """
    if by_kernel:
        return list(command), _by_kernel(ending)
    # -I and -S: nothing of ours is imported, so the detour costs some 15 ms.
    return [sys.executable, "-IS", __file__, str(os.getpid()), str(int(ending)), *command], None


def _by_kernel(ending: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: after it, no imports

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(ending))
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return before_exec


def _run(parent: int, ending: int, command: list[str]) -> None:
    target = os.getpid()
    if os.fork() == 0:
        _watch(parent, target, ending)
        os._exit(0)
    os.execvp(command[0], command)  # noqa: S606 - becoming the command is the point


def _watch(parent: int, target: int, ending: int) -> None:
    os.setsid()  # a signal to the target's group, a sweep after its end included, is not for us
    while os.getppid() == target:
        if not _lives(parent):
            os.kill(target, ending)
            return
        time.sleep(_LOOK_EVERY)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    _run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
