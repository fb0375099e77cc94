"""`edgecls run`: watch a door until stopped."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from edgecls.cli import output

if TYPE_CHECKING:
    from edgecls.config import Config
    from edgecls.daemon.main import Summary


@dataclass(frozen=True, slots=True)
class RunResult:
    """What `run` prints at its end, for programs only; people have read it line by line."""

    summary: Summary
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        counters = self.summary.counters
        return {
            "visits": self.summary.visits,
            "seconds": round(self.summary.seconds, 3),
            "frames": counters.frames,
            "moved": counters.moved,
            "judged": counters.judged,
            "classifications": counters.classifications,
        }

    def as_text(self) -> Text:
        noun = "visit" if self.summary.visits == 1 else "visits"
        return Text(f"{self.summary.visits} {noun} in {self.summary.seconds:.0f} s")


@dataclass(frozen=True, slots=True)
class UnpublishResult:
    """The names of the sinks that show this device no more."""

    sinks: tuple[str, ...]
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"unpublished": list(self.sinks)}

    def as_text(self) -> Text:
        if not self.sinks:
            return Text("no sink shows this device: there was nothing to take back")
        return Text(f"taken back: {', '.join(self.sinks)}")


def run(
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="The device's TOML file.")
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            help="rtsp://..., http://..., /dev/video0, or a folder, image or video file to play."
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Folder or .edgecls file; else the one that ships here.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help='One of the bundle\'s, or "auto".')] = None,
    store: Annotated[Path | None, typer.Option(help="Folder for visits and snapshots.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Of the page; 0 takes a free one.")
    ] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Serve no page.")] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Play a folder or file once and end with it.")
    ] = False,
    unpublish: Annotated[
        bool,
        typer.Option("--unpublish", help="Take this device back from Home Assistant, and end."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="At the end, print one JSON object.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every frame.")] = False,
) -> None:
    """Watch a camera and say who comes: edgecls run --camera rtsp://door.local/stream

    A flag wins over the file. Stop it with Ctrl-C or SIGTERM: an open visit is ended and kept.
    """
    from edgecls import logs
    from edgecls._lib.allocator import return_freed_memory
    from edgecls.cli.run_config import config_from_flags
    from edgecls.daemon.main import watch_door

    def read() -> Config:
        return config_from_flags(
            config,
            camera=camera,
            bundle=bundle,
            variant=variant,
            store=store,
            port=port,
            no_page=no_page,
            once=once,
        )

    checked = read()
    if unpublish:
        output.emit(_unpublished(checked), as_json=json)
        return
    return_freed_memory()
    logs.configure(verbose=verbose)

    def announce(line: str) -> None:
        print(line, file=sys.stderr if json else sys.stdout, flush=True)

    # a terminal that is closed sends SIGHUP too, and means an end
    reread = None if config is None or sys.stdin is None or sys.stdin.isatty() else read
    summary = watch_door(checked, once=once, announce=announce, reread=reread)
    output.emit(RunResult(summary), as_json=json)
    if summary.restart:  # asked for by way of a sink; a service manager sees one process go on
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def _unpublished(config: Config) -> UnpublishResult:
    """Let every sink that shows this device take it back."""
    from edgecls.daemon.telling import retracted

    return UnpublishResult(retracted(config.sinks, [camera.name for camera in config.cameras]))
