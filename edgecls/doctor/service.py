"""The service that runs the daemon."""

from __future__ import annotations

from collections.abc import Iterator

from edgecls.doctor.finding import Finding, fail, ok, skip, warn
from edgecls.doctor.patient import Patient

UNIT = "edgecls.service"
PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,NRestarts,Result"


def check_service(patient: Patient) -> Iterator[Finding]:
    """Ask systemd how the unit stands."""
    said = patient.says("systemctl", "show", UNIT, f"--property={PROPERTIES}")
    if said is None:
        yield skip("service", "no systemd answers here")
        return
    state = {key: value for key, _, value in (line.partition("=") for line in said.splitlines())}
    if state.get("LoadState") == "not-found":
        yield skip("service", f"{UNIT} is not installed; edgecls runs by hand")
        return
    look = "journalctl -u edgecls -b --no-pager | tail -50"
    active, restarts = state.get("ActiveState", "unknown"), int(state.get("NRestarts") or 0)
    words = f"{active} ({state.get('SubState', '?')})"
    if active == "failed":
        yield fail("service", f"{words}: {state.get('Result')}", fix=look)
    elif active not in ("active", "reloading", "activating"):
        yield warn("service", words, fix="sudo systemctl enable --now edgecls")
    elif active == "activating" and restarts:
        yield fail("service", f"{words}, started {restarts} times again", fix=look)
    elif state.get("UnitFileState") not in ("enabled", "enabled-runtime", "static"):
        fix = "sudo systemctl enable edgecls"
        yield warn("service", f"{words}, but it will not start at boot", fix=fix)
    elif restarts:
        yield warn("service", f"{words}, started {restarts} times again", fix=look)
    else:
        yield ok("service", words)
