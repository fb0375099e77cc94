"""Whether the hosts that edgecls talks to answer."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from edgecls.doctor.finding import Finding, fail, ok, skip
from edgecls.doctor.patient import CONNECT_S, Patient

PORTS = {"http": 80, "https": 443}


def reach(patient: Patient, subject: str, host: str, port: int, *, what: str) -> Finding:
    """Open a TCP connection; nothing is sent."""
    where = f"{what} at {host}:{port}"
    try:
        patient.connect(host, port, CONNECT_S)
    except TimeoutError:
        return fail(
            subject,
            f"{where} does not answer within {CONNECT_S:g} s",
            fix=f"is it switched on, and in this network? ping {host}",
        )
    except OSError as error:
        return fail(
            subject,
            f"{where}: {error.strerror or error}",
            fix="check host and port in the configuration, and that it runs",
        )
    return ok(subject, f"{where} answers")


def check_sinks(patient: Patient) -> Iterator[Finding]:
    """Try each broker and web address of the configuration."""
    config = patient.config
    if config is None:
        yield skip("sinks", "no configuration given: edgecls doctor --config doorbell.toml")
        return
    targets = []
    for part in (*config.sinks, *config.triggers):
        if part.kind == "mqtt":
            targets.append((part.name, part.host, part.port_or_default, "MQTT broker"))
        elif part.kind == "webhook":
            url = urlsplit(part.url)
            targets.append(
                (part.name, url.hostname or "", url.port or PORTS[url.scheme], "webhook")
            )
    if not targets:
        yield skip("sinks", "none is configured")
    for name, host, port, what in dict.fromkeys(targets):
        yield reach(patient, f"sink {name}", host, port, what=what)
