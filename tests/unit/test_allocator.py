"""What a process frees goes back to the system."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, sys
if {wanted}:
    from edgecls._lib.allocator import return_freed_memory
    return_freed_memory()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before = resident()
for size in (4_000_000, 9_000_000):       # glibc learns to keep blocks of such sizes
    bytearray(size)
blocks = [bytearray(2_000_000) for _ in range(8)]
keep = bytearray(2_000_000)
del blocks
print(resident() - before)
"""


def grown_bytes(*, wanted: bool) -> int:
    program = PROGRAM.format(wanted=wanted)
    command = [sys.executable, "-c", program]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_freed_blocks_go_back_to_the_system() -> None:
    kept_bytes = 2_000_000
    assert grown_bytes(wanted=True) < kept_bytes + 2_000_000
    assert grown_bytes(wanted=True) < grown_bytes(wanted=False)
