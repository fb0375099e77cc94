"""`edgecls-daemon CONFIG`: the daemon as a service runs it; see firmware_configs/systemd.

`edgecls run` does the same for people. This way in leaves out what only the command line needs: a
process that runs for years should not hold a help formatter in memory.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from pathlib import Path

from edgecls import __version__, logs
from edgecls import config as configuration
from edgecls._lib.allocator import return_freed_memory
from edgecls.config import Config
from edgecls.daemon.main import watch_door
from edgecls.errors import ConfigError, EdgeclsError

log = logging.getLogger("edgecls")

USAGE = "usage: edgecls-daemon CONFIG.toml"
BUG = 70


def main() -> None:
    """Run the daemon of the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Watch until SIGTERM; return the exit code of docs/exit-codes.md."""
    if arguments == ["--version"]:
        sys.stdout.write(f"edgecls {__version__}\n")
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(f"{USAGE}\n")
        return ConfigError.exit_code
    faulthandler.enable()  # a watchdog that ends a hanging daemon leaves every thread's traceback
    return_freed_memory()
    logs.configure(verbose=False)
    path = Path(arguments[0]).absolute()

    def read() -> Config:
        return configuration.load(path)

    try:
        summary = watch_door(read(), once=False, announce=log.info, reread=read)
    except EdgeclsError as error:
        hint = f" ({error.hint})" if error.hint else ""
        log.error("%s%s", error.message, hint)  # noqa: TRY400
        return error.exit_code
    except Exception:
        log.exception("this is a bug in edgecls: please report the traceback")
        return BUG
    if summary.restart:  # asked for by way of a sink; the service manager sees one process go on
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
    return 0


if __name__ == "__main__":
    main()
