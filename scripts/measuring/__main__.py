"""Run the parts, print what they found, and write the page when all were asked for."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from scripts.measuring.machine import ROOT, describe_machine
from scripts.measuring.section import NotMeasured, Section

PAGE = ROOT / "docs" / "measurements.md"
PARTS = {
    "accuracy": "Accuracy",
    "quantization": "What int8 costs and gains",
    "foreign": "Models made by others",
    "overhead": "What edgecls adds to the interpreter",
    "startup": "Start",
    "rtsp": "A network camera's stream",
    "visits": "Visits in real clips",
}
HEAD = """# Measurements

Written by `scripts/measure`, never by hand: every figure is from one run, on the machine below.
A part that could not be measured there says why. On another machine run the command anew.
"""


def main() -> int:
    """Return 0, or 1 when a part failed (a part that cannot be measured here has not failed)."""
    parser = argparse.ArgumentParser(prog="scripts/measure", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join([*PARTS, "all"]))
    wanted = parser.parse_args().parts or ["all"]
    unknown = set(wanted) - {*PARTS, "all"}
    if unknown:
        parser.error(f"unknown part {', '.join(unknown)}, expected {', '.join(PARTS)} or all")
    everything = "all" in wanted

    sections = [Section("The machine", describe_machine())]
    _show(sections[0])
    failed = []
    for part in PARTS if everything else wanted:
        start = time.monotonic()
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        try:
            section = importlib.import_module(f"scripts.measuring.{part}").measure()
        except NotMeasured as reason:
            section = Section(PARTS[part], f"Not measured here: {reason}.")
        except Exception as error:
            failed.append(part)
            section = Section(PARTS[part], f"Failed: {type(error).__name__}: {error}")
        print(f"{part}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        sections.append(section)
        _show(section)
    if failed:
        print(f"failed: {', '.join(failed)}; nothing was written", file=sys.stderr)
        return 1
    if everything:
        text = "\n".join([HEAD, *(f"## {s.title}\n\n{s.text}\n" for s in sections)])
        PAGE.write_text(text, encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}", file=sys.stderr)
    return 0


def _show(section: Section) -> None:
    print(f"\n## {section.title}\n\n{section.text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
