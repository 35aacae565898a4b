"""Stops one thread of a daemon, so that a test can show what does not hang on it.

    with frozen(daemon, "scheduler"):
        ...                       # every other thread goes on

ptrace(2): SIGSTOP would stop them all. The thread that enters is the one that must leave.
"""

import contextlib
import ctypes
import os
import pathlib
import time

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def threads(daemon):
    """Thread ids by name; of several with one name, any."""
    tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task")
    return {(task / "comm").read_text().strip(): int(task.name) for task in tasks.iterdir()}


@contextlib.contextmanager
def frozen(daemon, name):
    found = threads(daemon)
    assert name in found, f"no thread {name} among {sorted(found)}"
    thread = found[name]
    trace(SEIZE, thread)
    trace(INTERRUPT, thread)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        trace(DETACH, thread)


def trace(request, thread):
    # A thread that has just been stopped may take a moment to be found so.
    for _ in range(100):
        if libc.ptrace(request, thread, None, None) == 0:
            return
        error = ctypes.get_errno()
        time.sleep(0.01)
    raise OSError(error, f"ptrace {request:#x}: {os.strerror(error)}")
