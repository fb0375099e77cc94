"""Keep a long-running process small."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # glibc, malloc.h
LARGE_BYTES = 128 * 1024


def return_freed_memory() -> None:
    """Make glibc give large freed blocks back at once, and share one arena between threads.

    By default it learns from the first frames and model files it frees to keep blocks of that size
    for ever. Without effect where the C library has no mallopt (musl).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES)
    mallopt(M_ARENA_MAX, 1)
