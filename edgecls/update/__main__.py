"""`python -m edgecls.update`: what `edgecls push` calls on the device, with a release's Python."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgecls.errors import UpdateError
from edgecls.update.releases import FOLDER, Releases
from edgecls.update.service import PAUSE_S, Service
from edgecls.update.trial import HEALTHY_WITHIN_S, Returned, roll_back, settle, try_release

CONFIG = Path("/etc/edgecls/doorbell.toml")


def main(words: list[str] | None = None) -> int:
    """Return 0, or 4 when a release was not well: the last line of standard error says what now."""
    parser = argparse.ArgumentParser(prog="python -m edgecls.update", description=__doc__)
    parser.add_argument("verb", choices=["try", "settle", "rollback"])
    parser.add_argument("release", nargs="?")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--seconds", type=float, default=HEALTHY_WITHIN_S)
    parser.add_argument("--pause", type=float, default=PAUSE_S)
    told = parser.parse_args(words)
    releases = Releases(told.folder)
    service = Service(told.config, pause_s=told.pause, root=told.root)
    lines = []
    try:
        if told.verb == "try":
            if told.release is None:
                parser.error("try needs a release")
            try_release(releases, told.release, service, seconds=told.seconds)
        elif told.verb == "settle":
            settle(releases, service, seconds=told.seconds)
        else:
            lines = _rolled_back(roll_back(releases, service, seconds=told.seconds))
    except UpdateError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        return error.exit_code
    print(releases.current, *lines, sep="\n")  # noqa: T201
    return 0


def _rolled_back(back: Returned) -> list[str]:
    """Say, a line each, what came back with the release and what did not."""
    return [
        back.units or "its unit files are back too",
        "the configuration and its model stay as they are",
    ]


if __name__ == "__main__":
    sys.exit(main())
