"""The page as an application, with whatever doors a test wants open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from starlette.applications import Starlette

from edgecls.sections.web import WebSection
from edgecls.web.access import Access
from edgecls.web.accounts import Accounts
from edgecls.web.addresses import Hosts
from edgecls.web.app import Frontage, app_from_household
from edgecls.web.attempts import Attempts
from edgecls.web.server import PageServer
from edgecls.web.sessions import Sessions
from edgecls.web.source import Household
from tests.asgi_client import Answer, AsgiClient
from tests.household import AT

PASSWORD = "correct horse battery"
NOWHERE = Path("/nonexistent/edgecls")
"""No account can be there."""


@dataclass
class Clock:
    """Monotonic seconds that a test turns."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def access_for(
    folder: Path = NOWHERE, *, login: bool = False, clock: Clock | None = None
) -> Access:
    """Return who may do what; `login` False lets everybody in."""
    clock = clock or Clock()
    return Access(
        Accounts(folder),
        Sessions(idle_s=600, max_s=3600, clock=clock),
        Attempts(clock),
        now=lambda: AT,
        login=login,
    )


def app_of(
    household: Household,
    access: Access | None = None,
    *,
    clock: Callable[[], datetime] = lambda: AT,
    frontage: Frontage | None = None,
) -> Starlette:
    """Return the page of `household`, on loopback, at the household's own time."""
    frontage = frontage or Frontage(Hosts(loopback=True))
    return app_from_household(household, access or access_for(), frontage, clock=clock)


def page_at(household: Household, host: str = "127.0.0.1", port: int = 0) -> PageServer:
    """Return a server of the page that asks for no login."""
    return PageServer(household, WebSection(host=host, port=port, login=False), NOWHERE)


@dataclass
class Browser:
    """A client that keeps cookies and sends the forms that pages show."""

    app: Starlette
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"

    def get(self, target: str, **headers: str) -> Answer:
        return self._ask("GET", target, b"", headers)

    def post(self, target: str, *, token: str | None = None, **fields: str) -> Answer:
        """Send a form as our own page would; `token` None takes one from the home page."""
        if token is None:
            token = self.form_token("/")
        return self.send(target, {"form_token": token, **fields})

    def send(self, target: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send just these fields."""
        sent = {"content_type": "application/x-www-form-urlencoded", **headers}
        return self._ask("POST", target, urlencode(fields).encode(), sent)

    def form_token(self, page: str) -> str:
        """Return the token of a page's first form."""
        found = re.search(r'name="form_token" value="([^"]+)"', self.get(page).text)
        assert found is not None, page
        return found.group(1)

    def log_in(self, name: str = "anna", password: str = PASSWORD, back: str = "") -> Answer:
        """Open the login, and send it."""
        token = self.form_token("/login")
        return self.send(
            "/login", {"form_token": token, "name": name, "password": password, "next": back}
        )

    def _ask(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self.cookies:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"cookie": cookie, **headers}
        client = AsgiClient(self.app, address=self.address)
        answer = client.request(method, target, body=body, **headers)
        for line in answer.cookies:
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            if "Max-Age=0" in line or not value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer
