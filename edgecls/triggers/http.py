"""POST /api/press: the page asks who may, and rings here."""

from __future__ import annotations

from edgecls.sections.triggers import HttpTriggerSection
from edgecls.triggers.waiting import WaitingPresses


class HttpTrigger(WaitingPresses):
    """A trigger that the page pulls."""

    def __init__(self, section: HttpTriggerSection) -> None:
        super().__init__(section.name)
