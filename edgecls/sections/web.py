"""The page."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edgecls.sections.section import Section


class WebSection(Section):
    """The page. It listens on this machine only."""

    enabled: bool = Field(True, description="Serve the page.")
    host: Literal["127.0.0.1", "::1", "localhost"] = Field(
        "127.0.0.1", description="Loopback only: the page has no accounts yet."
    )
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free port.")
