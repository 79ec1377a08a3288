"""Stops one thread of a program under test, so that what it has to do piles up."""

import ctypes
import errno
import os
from contextlib import contextmanager

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WALL = 0x40000000


def ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, tid, None, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {errno.errorcode[number]}")


@contextmanager
def stopped(tid):
    """By the thread that enters it, which has to be the one that leaves it."""
    ptrace(PTRACE_ATTACH, tid)
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH, tid)
