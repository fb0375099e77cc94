"""`edgecls demo`: the whole daemon on a built-in door, with nothing to set up."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from edgecls.cli import output

SCENE_S = 4.0
PATIENCE_S = 120.0  # the built-in door cannot be unplugged, and a small board takes its time
LEAVE_AFTER_S = 1.5  # shorter than a scene, so that each visitor is seen to leave


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo found. `expected` is None where no whole pass was played."""

    visits: int
    expected: int | None
    seconds: float

    @property
    def exit_code(self) -> int:
        """1 when the classifier missed a visitor or saw one that was none."""
        return 0 if self.expected in (None, self.visits) else 1

    def as_json(self) -> dict[str, Any]:
        return {
            "visits": self.visits,
            "expected": self.expected,
            "seconds": round(self.seconds, 3),
        }

    def as_text(self) -> Text:
        noun = "visit" if self.visits == 1 else "visits"
        if self.expected is None:
            return Text(f"{self.visits} {noun} in {self.seconds:.0f} s. Stopped.")
        if self.exit_code:
            return Text(
                f"{self.visits} {noun}, {self.expected} expected: "
                "this classifier does not tell the demo's visitors from its cat and its path",
                style="bold red",
            )
        return Text(f"{self.visits} {noun}, {self.expected} expected: all well.", style="green")


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after one pass: 0 if its two visitors were found.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the page; 0 takes a free one.")
    ] = 8080,
    store: Annotated[
        Path | None, typer.Option(help="Keep the visits in this folder; else they go at the end.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Folder or .edgecls file; else the one that ships here.")
    ] = None,
    variant: Annotated[str, typer.Option(help='One of the bundle\'s, or "auto".')] = "auto",
    json: Annotated[
        bool, typer.Option("--json", help="At the end, print one JSON object.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every frame.")] = False,
) -> None:
    """Show the daemon at work on a built-in door: no camera, no set-up.

    It plays photographs that come with scikit-image: two visitors, a cat, and nobody in between.
    """
    from edgecls import config as configuration
    from edgecls import logs, plugins
    from edgecls._lib.allocator import return_freed_memory
    from edgecls.cameras import CAMERAS
    from edgecls.daemon.main import watch_door

    plugins.load("camera", CAMERAS, "demo")  # says at once when scikit-image is missing
    from edgecls.cameras.demo import STORY, VISITS_PER_PASS

    return_freed_memory()
    if verbose:
        logs.configure(verbose=True)

    def say(line: str) -> None:
        print(line, file=sys.stderr if json else sys.stdout, flush=True)

    with contextlib.ExitStack() as stack:
        if store is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgecls-demo-")))
        else:
            folder = store.expanduser().absolute()
        checked = configuration.from_mapping(
            {
                "camera": {
                    "kind": "demo",
                    "loop": not once,
                    "scene_s": SCENE_S,
                    "open_timeout_s": PATIENCE_S,
                    "frame_timeout_s": PATIENCE_S,
                },
                "model": {"bundle": bundle, "variant": variant},
                "visit": {"leave_after_s": LEAVE_AFTER_S},
                "store": {"folder": folder},
                "web": {"port": port, "login": False},
            },
            origin="the command line",
        )
        pass_s = SCENE_S * len(STORY)
        scenes = ", ".join(scene.shows for scene in STORY)
        say(f"The built-in door plays {len(STORY)} scenes in {pass_s:.0f} s: {scenes}.")
        say("Ctrl-C stops it." if once else "Then it starts again, until Ctrl-C.")
        say("")
        summary = watch_door(checked, once=once, announce=say)
        whole = once and summary.seconds >= pass_s
        say("")
        if store is not None:
            say(f"The visits are kept in {folder}")
    output.emit(
        DemoResult(summary.visits, VISITS_PER_PASS if whole else None, summary.seconds),
        as_json=json,
    )
