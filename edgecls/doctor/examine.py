"""Every check, in the order in which a person would look."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgecls.doctor.cameras import check_cameras
from edgecls.doctor.finding import Finding
from edgecls.doctor.hardware import (
    check_gpio,
    check_power_mode,
    check_strain,
    check_temperature,
)
from edgecls.doctor.inference import check_int8, check_model, check_runtimes, check_tensorrt
from edgecls.doctor.network import check_sinks
from edgecls.doctor.patient import Patient
from edgecls.doctor.service import check_service
from edgecls.doctor.system import check_clock, check_disk, check_python, check_system

CHECKS: tuple[Callable[[Patient], Iterable[Finding]], ...] = (
    check_system,
    check_python,
    check_runtimes,
    check_tensorrt,
    check_int8,
    check_model,
    check_cameras,
    check_gpio,
    check_temperature,
    check_strain,
    check_power_mode,
    check_disk,
    check_clock,
    check_sinks,
    check_service,
)


def examine(patient: Patient) -> tuple[Finding, ...]:
    """Run every check; it takes some seconds where hosts or programs do not answer."""
    return tuple(finding for check in CHECKS for finding in check(patient))
