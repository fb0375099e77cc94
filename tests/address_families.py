"""Run a Python module as the unit's RestrictAddressFamilies= lets it: other sockets are refused.

    python -m tests.address_families "AF_UNIX AF_INET AF_INET6" MODULE [ARGUMENT ...]

systemd does it by a filter on system calls, and so does this (seccomp(2), filters in classic BPF,
https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html).
"""

from __future__ import annotations

import ctypes
import errno
import platform
import runpy
import socket
import struct
import sys
from collections.abc import Sequence

SYS_SOCKET = {"x86_64": 41, "aarch64": 198}.get(platform.machine())
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT
NUMBER_AT, FAMILY_AT = 0, 16  # in struct seccomp_data: the call, its first argument


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(families: Sequence[int]) -> None:
    """Refuse sockets of other families to this process and its children, for good."""
    assert SYS_SOCKET is not None
    steps = [(LOAD, 0, 0, NUMBER_AT), (JUMP_IF_EQUAL, 0, len(families) + 2, SYS_SOCKET)]
    steps.append((LOAD, 0, 0, FAMILY_AT))
    steps += [(JUMP_IF_EQUAL, len(families) - at, 0, family) for at, family in enumerate(families)]
    steps += [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = Program(len(steps), code)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "this kernel takes no filter")


if __name__ == "__main__":
    restrict([getattr(socket, name) for name in sys.argv[1].split()])
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
