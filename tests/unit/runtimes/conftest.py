"""A machine with TensorRT and a GPU, as far as edgecls can see."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import pytest

from edgecls.runtimes import cuda
from tests.unit.runtimes.fake_tensorrt import FakeCudart, FakeTensorRt

LEAF = "edgecls.runtimes.tensorrt"


class Jetson:
    """The stand-ins, and the leaf that was imported on top of them."""

    def __init__(self, trt: FakeTensorRt, gpu: FakeCudart, leaf: ModuleType) -> None:
        self.trt, self.gpu = trt, gpu
        self.leaf: Any = leaf


@pytest.fixture
def jetson(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, request: Any) -> Jetson:
    """Stand in for TensorRT 10.3 on an Orin; a parameter is another FakeTensorRt."""
    trt = getattr(request, "param", None) or FakeTensorRt("10.3.0")
    gpu = FakeCudart()
    monkeypatch.setattr(cuda, "_load", lambda: gpu.library)
    monkeypatch.setitem(sys.modules, "tensorrt", trt)
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, LEAF, ModuleType(LEAF))  # forgotten again afterwards
    del sys.modules[LEAF]
    return Jetson(trt, gpu, importlib.import_module(LEAF))
