"""The few calls of NVIDIA's CUDA runtime that inference needs, through ctypes.

A Jetson has libcudart but none of the Python packages that wrap it.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any

import numpy.typing as npt

from edgecls.errors import IncompleteDependencyError, InferenceError

LIBRARIES = ("libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0",
             "libcudart.so.10.2")  # fmt: skip
TO_DEVICE, TO_HOST = 1, 2
NO_DEVICE = (34, 35, 100)  # cudaErrorStubLibrary, cudaErrorInsufficientDriver, cudaErrorNoDevice
MAJOR, MINOR = 75, 76  # cudaDevAttrComputeCapabilityMajor and Minor


class Cuda:
    """One device's memory and one stream.

    Raises:  IncompleteDependencyError without a CUDA runtime, or a GPU and driver that it may use;
             InferenceError when a call fails.
    """

    def __init__(self) -> None:
        self._library = _load()
        stream = ctypes.c_void_p()
        self._call("cudaStreamCreate", ctypes.byref(stream))
        self._stream = stream

    @property
    def stream(self) -> int:
        """Return the stream's handle, as TensorRT wants it."""
        return self._stream.value or 0

    def compute_capability(self) -> str:
        """Return the first GPU's, for example "8.7" for an Orin."""
        parts = []
        for attribute in (MAJOR, MINOR):
            value = ctypes.c_int()
            self._call("cudaDeviceGetAttribute", ctypes.byref(value), attribute, 0)
            parts.append(value.value)
        return f"{parts[0]}.{parts[1]}"

    def allocate(self, size_bytes: int) -> int:
        """Return the address of `size_bytes` of device memory; give it back with `free`."""
        pointer = ctypes.c_void_p()
        self._call("cudaMalloc", ctypes.byref(pointer), ctypes.c_size_t(size_bytes))
        return pointer.value or 0

    def free(self, address: int) -> None:
        self._call("cudaFree", ctypes.c_void_p(address))

    def upload(self, address: int, array: npt.NDArray[Any]) -> None:  # Any: any dtype
        """Queue a copy of a C-contiguous array to the device; keep it until `wait`."""
        self._copy(address, array.ctypes.data, array.nbytes, TO_DEVICE)

    def download(self, array: npt.NDArray[Any], address: int) -> None:  # Any: any dtype
        """Queue a copy from the device into a C-contiguous array, filled after `wait`."""
        self._copy(array.ctypes.data, address, array.nbytes, TO_HOST)

    def wait(self) -> None:
        """Block until everything queued is done."""
        self._call("cudaStreamSynchronize", self._stream)

    def close(self) -> None:
        if self._stream:
            self._call("cudaStreamDestroy", self._stream)
            self._stream = ctypes.c_void_p()

    def _copy(self, target: int, source: int, size_bytes: int, direction: int) -> None:
        self._call(
            "cudaMemcpyAsync",
            ctypes.c_void_p(target),
            ctypes.c_void_p(source),
            ctypes.c_size_t(size_bytes),
            direction,
            self._stream,
        )

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            describe = self._library.cudaGetErrorString
            describe.restype = ctypes.c_char_p
            text = (describe(code) or b"unknown").decode(errors="replace")
            if code in NO_DEVICE:
                raise IncompleteDependencyError(
                    f"CUDA: {name} finds no GPU that it may use: {code} ({text})",
                    hint="in a container, use NVIDIA's container runtime",
                )
            raise InferenceError(
                f"CUDA: {name} failed with {code} ({text})", hint="edgecls doctor checks the GPU"
            )


def _load() -> ctypes.CDLL:
    for name in LIBRARIES:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    raise IncompleteDependencyError(
        f"no CUDA runtime found, tried {', '.join(LIBRARIES)}",
        hint="it comes with JetPack; in a container, use NVIDIA's container runtime",
    )
