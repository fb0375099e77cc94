"""Read the configuration anew while the daemon runs: SIGHUP, `systemctl reload edgecls`.

What can change without a restart does. What cannot is named in the log and stays as it was. A file
with a fault changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgecls.config import Config
from edgecls.daemon.notify import Notifier
from edgecls.errors import ConfigError
from edgecls.sections.section import Section

log = logging.getLogger(__name__)

LIVE_TABLES = ("motion", "visit", "tamper")
LIVE_OF_STORE = ("bytes_max", "days_max", "free_bytes_min", "jpeg_quality")
LIVE_OF_CAMERA = ("masks", "zones", "min_size")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a changed file means for a daemon that runs.

    Args:    config: what it is to run with from now on.
             applied: dotted names of what changes at once.
             waiting: of what changes with the next start only.
    """

    config: Config
    applied: tuple[str, ...]
    waiting: tuple[str, ...]


def plan(running: Config, wanted: Config) -> Plan:
    """Sort what differs into what can change now and what waits for a restart."""
    update: dict[str, Any] = {name: getattr(wanted, name) for name in LIVE_TABLES}
    update["store"] = _with_live(running.store, wanted.store, LIVE_OF_STORE)
    named = {camera.name: camera for camera in wanted.cameras}
    update["cameras"] = tuple(
        _with_live(camera, named.get(camera.name, camera), LIVE_OF_CAMERA)
        for camera in running.cameras
    )
    next_config = running.model_copy(update=update)
    return Plan(next_config, _differences(running, next_config), _differences(next_config, wanted))


class Reloader:
    """Bring a changed file into force.

    Args:    config: what the daemon started with.   load: reads the file anew.
    """

    def __init__(self, config: Config, *, load: Callable[[], Config], notifier: Notifier) -> None:
        self._config = config
        self._load = load
        self._notifier = notifier
        self._apply: Callable[[Config], None] | None = None

    def begin(self, apply: Callable[[Config], None]) -> None:
        """Say that the daemon is ready. Args: apply: is given what to run with from then on."""
        self._apply = apply

    def reload(self) -> Plan | None:
        """Read, compare, apply and tell; return None when nothing can be read now."""
        if self._apply is None:
            log.warning("asked to read the configuration anew before the start was over: ignored")
            return None
        self._notifier.reloading()
        try:
            found = plan(self._config, self._load())
        except ConfigError as error:
            log.error("the configuration stays as it was: %s", error.message)  # noqa: TRY400
            self._notifier.ready("running with the old configuration: the new one has faults")
            return None
        if found.applied:
            self._apply(found.config)
            self._config = found.config
        log.info("configuration read anew: %s", _sentence(found))
        self._notifier.ready(f"configuration read anew: {_sentence(found)}")
        return found


def _sentence(found: Plan) -> str:
    parts = []
    if found.applied:
        parts.append(f"changed {', '.join(found.applied)}")
    if found.waiting:
        parts.append(f"only a restart changes {', '.join(found.waiting)}")
    return "; ".join(parts) or "nothing has changed"


def _with_live(running: Section, wanted: Section, names: tuple[str, ...]) -> Section:
    return running.model_copy(update={name: getattr(wanted, name) for name in names})


def _differences(old: Config, new: Config) -> tuple[str, ...]:
    before, after = _flat(old), _flat(new)
    absent = object()
    changed = [
        name for name in {**before, **after} if before.get(name, absent) != after.get(name, absent)
    ]
    return tuple(changed)


def _flat(config: Config) -> Mapping[str, object]:
    """Return every value by its dotted name; a list of tables by the names of its entries."""
    values: dict[str, object] = {}
    for table, section in config:
        if isinstance(section, Section):
            values.update({f"{table}.{name}": value for name, value in section})
            continue
        for place, entry in enumerate(section):
            own = getattr(entry, "name", place)
            values.update({f"{table}.{own}.{name}": value for name, value in entry})
    return values
