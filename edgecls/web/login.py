"""Log in, log out, change the password."""

from __future__ import annotations

import math
import secrets
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edgecls.errors import AccountError
from edgecls.web.access import Access, Outcome, Visitor
from edgecls.web.gate import cookie_of
from edgecls.web.passwords import LENGTH_MIN
from edgecls.web.rendering import Renderer
from edgecls.web.wording import duration_text

FORM_COOKIE_S = 3600
WRONG = "That name and password do not belong together."


class LoginPages:
    """Serve /login, /logout and /account. Forms come as checked by `actions.py`."""

    def __init__(self, access: Access, renderer: Renderer) -> None:
        self._access = access
        self._renderer = renderer

    def form(self, request: Request) -> Response:
        """Show the login; whoever is logged in already goes on."""
        if _visitor(request) is not None:
            return RedirectResponse(_next(request.query_params.get("next")), 303)
        return self._login_page(request, request.query_params.get("next", ""))

    def log_in(self, request: Request, form: dict[str, str]) -> Response:
        """Begin a session. The form's token is bound to a cookie that the form's page has set."""
        bound_to = cookie_of(request.headers, self._form_cookie)
        if bound_to is None or not self._access.sessions.is_form_token(
            form.get("form_token", ""), bound_to
        ):
            return self._login_page(
                request, form.get("next", ""), "This form was too old. Please try again.", 403
            )
        name, password = form.get("name", ""), form.get("password", "")
        outcome = self._access.log_in(_address(request), name, password)
        if outcome.session is None:
            return self._refused(request, form.get("next", ""), outcome)
        response = RedirectResponse(_next(form.get("next")), 303)
        response.delete_cookie(self._form_cookie, path="/")
        self._set_cookie(response, self._access.cookie, outcome.session, None)
        return response

    def log_out(self, request: Request, form: dict[str, str]) -> Response:
        """End the session on both sides."""
        del form
        visitor = _visitor(request)
        if visitor is not None and visitor.session is not None:
            self._access.sessions.end(visitor.session)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(self._access.cookie, path="/")
        response.headers["Clear-Site-Data"] = '"cache"'  # pictures stay in no browser
        return response

    def account(self, request: Request) -> Response:
        """Show who is logged in, and the form for another password."""
        return self._account_page(request)

    def change_password(self, request: Request, form: dict[str, str]) -> Response:
        """Take a new password; every other session of the account ends."""
        visitor = _visitor(request)
        if visitor is None or visitor.account is None:
            raise HTTPException(404)
        old, new = form.get("old", ""), form.get("new", "")
        if new != form.get("again", ""):
            return self._account_page(request, "The two new passwords differ.", 422)
        if new == old:
            return self._account_page(request, "The new password is the old one.", 422)
        try:
            outcome = self._access.change_password(_address(request), visitor.account, old, new)
        except AccountError as error:
            return self._account_page(request, f"{str(error).capitalize()}.", 422)
        if outcome.session is None:
            message = _wait(outcome) or "The old password is not right."
            return self._account_page(request, message, 429 if outcome.wait_s else 403)
        response = RedirectResponse("/?said=password", 303)
        self._set_cookie(response, self._access.cookie, outcome.session, None)
        return response

    def _account_page(
        self, request: Request, problem: str | None = None, status: int = 200
    ) -> Response:
        visitor = _visitor(request)
        if visitor is None or visitor.account is None:
            raise HTTPException(404, "This page asks for no login, so there is no account.")
        return self._renderer.page(
            request,
            "account.html",
            status=status,
            problem=problem,
            must_change=visitor.must_change,
            length_min=LENGTH_MIN,
        )

    def _login_page(
        self, request: Request, back: str, problem: str | None = None, status: int = 200
    ) -> Response:
        bound_to = secrets.token_urlsafe(24)
        response = self._renderer.page(
            request,
            "login.html",
            status=status,
            problem=problem,
            back=back,
            login_token=self._access.sessions.form_token(bound_to),
        )
        self._set_cookie(response, self._form_cookie, bound_to, FORM_COOKIE_S)
        return response

    def _refused(self, request: Request, back: str, outcome: Outcome) -> Response:
        if not outcome.wait_s:
            return self._login_page(request, back, WRONG, 403)
        response = self._login_page(request, back, _wait(outcome), 429)
        response.headers["Retry-After"] = str(math.ceil(outcome.wait_s))
        return response

    @property
    def _form_cookie(self) -> str:
        return f"{self._access.cookie}-form"

    def _set_cookie(self, response: Response, name: str, value: str, age_s: int | None) -> None:
        lasts = math.ceil(self._access.sessions.max_s) if age_s is None else age_s
        response.set_cookie(
            name,
            value,
            max_age=lasts,
            path="/",
            secure=self._access.secure,
            httponly=True,
            samesite="strict",
        )


def _visitor(request: Request) -> Visitor | None:
    visitor: Visitor | None = request.state.visitor
    return visitor


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _wait(outcome: Outcome) -> str | None:
    if not outcome.wait_s:
        return None
    wait = duration_text(math.ceil(outcome.wait_s))
    return f"Too many attempts. Please try again in {wait}."


def _next(path: str | None) -> str:
    """Return where to go after the login: a path of ours, never another site."""
    if not path or not path.startswith("/") or path.startswith("//") or not path.isprintable():
        return "/"
    parts = urlsplit(path)
    return path if not parts.scheme and not parts.netloc and "\\" not in path else "/"
