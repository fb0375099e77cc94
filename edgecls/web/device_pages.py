"""The HTML pages of the device: its health, its history, its sinks, and its model."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from edgecls.web.charts import charts
from edgecls.web.device_views import health_view, model_view, sinks_view
from edgecls.web.rendering import Renderer
from edgecls.web.source import Household


class DevicePages:
    """Render the device's condition for people."""

    def __init__(self, household: Household, renderer: Renderer) -> None:
        self._household = household
        self._renderer = renderer

    def device(self, request: Request) -> Response:
        """Show health, history, and who is told of events."""
        sound = self._household.soundness()
        return self._renderer.page(
            request,
            "device.html",
            reasons=sound.reasons,
            health=health_view(self._household.health()),
            charts=charts(self._household.history()),
            sinks=sinks_view(tuple(self._household.sinks())),
        )

    def model(self, request: Request) -> Response:
        """Show what the model is, and how each of its variants was measured."""
        model = self._household.model()
        return self._renderer.page(
            request,
            "model.html",
            manifest=model.manifest,
            variants=model_view(model),
        )
