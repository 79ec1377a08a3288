"""The clock of a program under test, which a test moves ahead (tests/clock)."""

import struct

from harness import system

LIBRARY = system.BUILD / "tests" / "clock" / "clock_shift.so"


class Clock:
    def __init__(self, directory):
        self.seconds, self.file = 0, directory / "clock"
        self.advance(0)

    def advance(self, seconds):
        """What is due by then is seen when the program wakes up next."""
        self.seconds += seconds
        with open(self.file, "r+b" if self.file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("=q", self.seconds))

    def environment(self, world):
        """For the program whose clock it is."""
        asan = f"{world.env['ASAN_OPTIONS']}:verify_asan_link_order=0"
        return {"LD_PRELOAD": str(LIBRARY), "CLOCK_SHIFT_FILE": str(self.file),
                "ASAN_OPTIONS": asan}
