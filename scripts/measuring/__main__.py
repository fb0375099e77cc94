"""Run the parts, print what they found, and write the page when all were asked for."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from scripts.measuring.machine import ROOT, describe_machine
from scripts.measuring.page import PAGE, write_page, write_section
from scripts.measuring.section import NotMeasured, Section

PARTS = {
    "accuracy": "Accuracy",
    "quantization": "What int8 costs and gains",
    "foreign": "Models made by others",
    "overhead": "What edgecls adds to the interpreter",
    "startup": "Start",
    "rtsp": "A network camera's stream",
    "visits": "Visits in real clips",
}
YEARS = {
    "faults": "Camera faults",
    "kills": "Power cuts",
    "broker": "Broker away",
    "soak": "Accelerated soak",
    "motion": "Beside motion",
    "fuzz": "Fuzzing",
}
CARD = {"flash": "Preparing a card", "boot": "First boot, in emulation"}
APART = {
    "daemon": ("scripts.measuring.years", "Running for years", YEARS),
    "flash": ("scripts.measuring", "From a stock image to a doorbell", CARD),
}
"""Option -> package, section of the page, parts: taken at a time of their own."""


def main() -> int:
    """Return 0, or 1 when a part failed (a part that cannot be measured here has not failed)."""
    parser = argparse.ArgumentParser(prog="scripts/measure", description=__doc__)
    for option, (_, _, parts) in APART.items():
        parser.add_argument(
            f"--{option}", dest="apart", action="store_const", const=option, help=", ".join(parts)
        )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join([*PARTS, "all"]))
    options = parser.parse_args()
    whole = ("scripts.measuring", "", PARTS)
    package, title, known = APART.get(options.apart, whole)
    wanted = options.parts or ["all"]
    unknown = set(wanted) - {*known, "all"}
    if unknown:
        parser.error(f"unknown part {', '.join(unknown)}, expected {', '.join(known)} or all")
    everything = "all" in wanted

    sections = [Section("The machine", describe_machine())]
    _show(sections[0])
    failed = []
    for part in known if everything else wanted:
        start = time.monotonic()
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        try:
            section = importlib.import_module(f"{package}.{part}").measure()
        except NotMeasured as reason:
            section = Section(known[part], f"Not measured here: {reason}.")
        except Exception as error:
            failed.append(part)
            section = Section(known[part], f"Failed: {type(error).__name__}: {error}")
        print(f"{part}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        sections.append(section)
        _show(section)
    if failed:
        print(f"failed: {', '.join(failed)}; nothing was written", file=sys.stderr)
        return 1
    if everything:
        if options.apart:
            write_section(title, sections, option=options.apart)
        else:
            write_page(sections, kept=[title for _, title, _ in APART.values()])
        print(f"written: {PAGE.relative_to(ROOT)}", file=sys.stderr)
    return 0


def _show(section: Section) -> None:
    print(f"\n## {section.title}\n\n{section.text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
