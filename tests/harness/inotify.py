"""inotify(7), as much of it as the tests need."""

import ctypes
import os
import select
import struct

from harness.system import DEADLINE

HEADER = struct.Struct("iIII")


class Inotify:
    DELETE, DELETE_SELF, CREATE, MOVED_FROM = 0x200, 0x400, 0x100, 0x40

    def __init__(self, path, mask):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(path), mask) < 0:
            raise OSError(ctypes.get_errno(), f"inotify on {path}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def wait(self, deadline=DEADLINE):
        """The next events: [(mask, name)]."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        if not poller.poll(deadline * 1000):
            raise TimeoutError(f"no inotify event within {deadline} s")
        data, events = os.read(self.fd, 65536), []
        while data:
            _, mask, _, length = HEADER.unpack_from(data)
            name = data[HEADER.size:HEADER.size + length].rstrip(b"\0")
            events.append((mask, name.decode()))
            data = data[HEADER.size + length:]
        return events
