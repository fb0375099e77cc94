"""A real wheelhouse for an arm64 Debian Bookworm, downloaded once into the tests' cache."""

from __future__ import annotations

import pytest

from edgecls.boards.firmware import load_firmware
from edgecls.deploy.locks import image_for_python, lock_path, target_of
from edgecls.deploy.wheel_download import make_wheelhouse
from edgecls.deploy.wheelhouse import Wheelhouse
from edgecls.errors import DeployError
from tests.arm64_root import cache_folder

BOARD = "generic-aarch64"


def device_wheels(python: str, *, extra: str | None = "demo", board: str = BOARD) -> Wheelhouse:
    """Return the wheels of a board; skip the test where pip cannot get them."""
    firmware = load_firmware(board)
    target = target_of(firmware, image_for_python(firmware, python, board=board))
    folder = cache_folder() / f"wheelhouse-{target.name}-{extra or 'plain'}"
    try:
        return make_wheelhouse(folder, target, lock_path(target, extra), told=print)
    except DeployError as error:
        if "pip download failed" in error.message and _no_network(error.message):
            pytest.skip(f"wheels need a network: {error.message}")
        raise


def _no_network(said: str) -> bool:
    words = ("Connection", "connection", "resolve", "timed out", "Max retries", "unreachable")
    return any(word in said for word in words)
