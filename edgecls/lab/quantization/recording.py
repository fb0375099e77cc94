"""What a calibration pass found, as one file: enough to quantize again without the images."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from edgecls._lib.files import write_atomic
from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.quantization.histograms import BINS, Histogram
from edgecls.lab.quantization.observe import Halves
from edgecls.lab.quantization.ranges import METHODS, Range

SCHEMA = 1
MOVED_MAX = 0.20
UNREADABLE = (OSError, EOFError, ValueError, LookupError, TypeError, BadZipFile, zlib.error)
"""What numpy and zip say of an empty, cut or foreign file."""


@dataclass(frozen=True)
class Observed:
    """One float graph and what its activations did.

    Args:    sha256: of the graph's file; the histograms fit this graph only.
    """

    sha256: str
    halves: Halves

    def ranges(self, method: str) -> dict[str, Range]:
        """Return a range per tensor, by one of ranges.METHODS."""
        choose = METHODS[method]
        return {name: choose(even.merged(odd)) for name, (even, odd) in self.halves.items()}

    def moved(self, method: str) -> dict[str, float]:
        """Return the tensors whose range differs by more than 20 % between the two halves.

        The value is the difference of the spans over the larger one, 0 to 1.
        """
        choose = METHODS[method]
        found = {}
        for name, (even, odd) in self.halves.items():
            if not even.total or not odd.total:
                continue
            spans = [high - low for low, high in (choose(even), choose(odd))]
            change = abs(spans[0] - spans[1]) / max(*spans, 1e-12)
            if change > MOVED_MAX:
                found[name] = change
        return found


@dataclass(frozen=True)
class Recording:
    """Everything a calibration pass found.

    Args:    calibration_set: its name.   images: sha256 of every image used, in order.
             graphs: "tflite" and "onnx" -> what was observed.
             steps: the improvements of the float graph that was observed.
             shifts: what was added to the bias of each layer, by its name.
             rounding: by the name of a layer, the packed choices of `rounding.learned_rounding`.
    """

    calibration_set: str
    images: tuple[str, ...]
    graphs: Mapping[str, Observed]
    steps: tuple[str, ...] = ()
    shifts: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    rounding: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write a .npz of plain arrays (no pickles), the same bytes for the same content.

        Raises:  ConfigError when it cannot be written.
        """
        arrays: dict[str, Any] = {}  # Any: arrays of several dtypes
        listing: dict[str, Any] = {}  # Any: JSON
        for graph, seen in self.graphs.items():
            names = list(seen.halves)
            listing[graph] = {"sha256": seen.sha256, "tensors": names}
            flat = [half for name in names for half in seen.halves[name]]
            arrays[f"{graph}.counts"] = np.stack([half.counts for half in flat])
            arrays[f"{graph}.extremes"] = np.array([[h.limit, h.low, h.high] for h in flat])
        header = {
            "schema": SCHEMA,
            "calibration_set": self.calibration_set,
            "images": list(self.images),
            "graphs": listing,
            "steps": list(self.steps),
            "shifts": list(self.shifts),
            "rounding": list(self.rounding),
        }
        arrays.update({f"shift.{at}": shift for at, shift in enumerate(self.shifts.values())})
        arrays.update({f"round.{at}": bits for at, bits in enumerate(self.rounding.values())})
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        try:
            write_atomic(path, buffer.getvalue())
        except OSError as error:
            raise ConfigError(
                f"cannot write the recording {path}: {error.strerror or error}",
                hint="edgecls calibrate --out FILE writes it elsewhere",
            ) from error


def load(path: Path) -> Recording:
    """Read a recording.

    Raises:  CalibrationError for a file that is none, or of a newer edgecls.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            header = _header(arrays["header"].tobytes())
            graphs = {
                graph: _observed(listing, arrays[f"{graph}.counts"], arrays[f"{graph}.extremes"])
                for graph, listing in header["graphs"].items()
            }
            shifts = {name: arrays[f"shift.{at}"] for at, name in enumerate(header["shifts"])}
            rounded = header.get("rounding", ())  # older recordings have none
            rounding = {name: arrays[f"round.{at}"] for at, name in enumerate(rounded)}
            steps, images = tuple(header["steps"]), tuple(header["images"])
            named = header["calibration_set"]
    except UNREADABLE as error:
        raise CalibrationError(
            f"{path} is not a calibration recording: {error}",
            hint="edgecls calibrate writes one",
        ) from error
    return Recording(named, images, graphs, steps, shifts, rounding)


def _header(data: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(data)
    if header["schema"] != SCHEMA:
        raise ValueError(f"schema {header['schema']}, this edgecls reads {SCHEMA}")
    return header


def _observed(listing: dict[str, Any], counts: Any, extremes: Any) -> Observed:
    halves: Halves = {}
    if counts.shape[1] != BINS:
        raise ValueError(f"histograms of {counts.shape[1]} bins, expected {BINS}")
    for number, name in enumerate(listing["tensors"]):
        even, odd = (
            Histogram(counts[at].astype(np.uint64), *extremes[at].tolist())
            for at in (2 * number, 2 * number + 1)
        )
        halves[name] = (even, odd)
    return Observed(listing["sha256"], halves)
