"""The machines we run on: key -> class. The leaf is imported only when it is chosen."""

from __future__ import annotations

from collections.abc import Mapping

BOARDS: Mapping[str, str] = {
    "host": "edgecls.boards.host:HostBoard",
    "raspberry_pi": "edgecls.boards.raspberry_pi:RaspberryPiBoard",
    "jetson": "edgecls.boards.jetson:JetsonBoard",
}
