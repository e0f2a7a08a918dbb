# SPDX-License-Identifier: MIT
"""A page that all workers share with who has started them: what they are to do, and what they are at."""
import mmap
import struct

from rig import now

# Who changes something ends with ENDING, all others when the daemon does.
RUN, PAUSE, ENDING, DYING = range(4)
SLOT = struct.Struct("=dd79sB")  # since when (0: nothing), how long it may take, what; whether it pauses
HEAD = 8


class Board:
    def __init__(self, count):
        self.page = mmap.mmap(-1, HEAD + count * SLOT.size)

    @property
    def phase(self):
        return self.page[0]

    @phase.setter
    def phase(self, phase):
        self.page[0] = phase

    def begin(self, slot, patience_s, what):
        SLOT.pack_into(self.page, HEAD + slot * SLOT.size, now(), patience_s, what.encode()[:79], False)

    def rest(self, slot, paused=False):
        SLOT.pack_into(self.page, HEAD + slot * SLOT.size, 0, 0, b"", paused)

    def get(self, slot):
        """Since when, how long it may take, what."""
        since, patience_s, what, _ = SLOT.unpack_from(self.page, HEAD + slot * SLOT.size)
        return since, patience_s, what.rstrip(b"\0").decode(errors="replace")

    def paused(self, slot):
        return bool(SLOT.unpack_from(self.page, HEAD + slot * SLOT.size)[3])
