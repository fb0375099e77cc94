"""Engines are kept per TensorRT version, GPU and model; what fits no more is deleted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgecls.runtimes.tensorrt_cache import (
    ENGINES_KEPT,
    EngineCache,
    EngineKey,
    default_folder,
    key_for,
)


def key(tensorrt: str = "10.3.0", capability: str = "8.7", model: bytes = b"model") -> EngineKey:
    return key_for(model, tensorrt=tensorrt, compute_capability=capability)


def test_an_engine_comes_back_for_its_own_key_only(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines")
    assert cache.read(key()) is None
    cache.write(key(), b"engine", b"timing")
    assert cache.read(key()) == b"engine"
    assert cache.timing(key()) == b"timing"
    for other in (key(tensorrt="10.4.0"), key(capability="8.6"), key(model=b"changed")):
        assert cache.read(other) is None


def test_timings_are_shared_between_models_of_one_tensorrt_and_gpu(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    cache.write(key(), b"engine", b"timing")
    assert cache.timing(key(model=b"another")) == b"timing"
    assert cache.timing(key(tensorrt="8.5.2")) == b""


def test_engines_of_another_tensorrt_are_deleted(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    old = cache.write(key(tensorrt="8.5.2"), b"old", b"")
    cache.write(key(), b"new", b"")
    assert not old.exists()
    assert cache.read(key()) == b"new"


def test_the_least_recently_used_engines_go_first(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    keys = [key(model=bytes([number])) for number in range(ENGINES_KEPT + 1)]
    for number, one in enumerate(keys[:-1]):
        path = cache.write(one, b"engine", b"")
        os.utime(path, (1000 + number, 1000))
    os.utime(cache.path(keys[0]), (5000, 1000))
    cache.write(keys[-1], b"engine", b"")
    assert [one for one in keys if cache.path(one).is_file()] == [keys[0], *keys[2:]]


@pytest.mark.parametrize("given", ["/run/x", "/run/x:/run/y"])
def test_the_services_own_cache_folder_is_taken(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setenv("CACHE_DIRECTORY", given)
    assert default_folder() == Path("/run/x/engines")
