"""Logging in and out, and that nothing is shown or changed without."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from edgecls.web.access import Access
from edgecls.web.accounts import FILE_NAME
from edgecls.web.attempts import FREE
from tests.asgi_client import AsgiClient
from tests.household import AT, FakeHousehold, past_happenings, past_visits, with_frames
from tests.page import PASSWORD, Browser, Clock, access_for, app_of

FAR = "192.168.1.77"
PAGES = ["/", "/visits", "/visits/2", "/presses", "/device", "/model", "/account", "/nowhere"]
OTHERS = ["/latest.jpg", "/live", "/snapshots/x.jpg", "/api/now", "/api/visits", "/api/visits/2",
          "/api/openapi.json", "/api/session", "/api/nowhere", "/metrics"]  # fmt: skip
POSTS = ["/visits/2/keep", "/visits/2/correct", "/visits/2/delete", "/device/requeue", "/logout",
         "/account/password", "/api/visits/2", "/api/press", "/api/sinks/requeue"]  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path: Path, clock: Clock) -> Access:
    access = access_for(tmp_path, login=True, clock=clock)
    access.accounts.add("anna", PASSWORD, at=AT)
    return access


@pytest.fixture
def household() -> FakeHousehold:
    first, second, third = past_visits(3)
    return FakeHousehold(stored=[with_frames(first, 2), second, third], happened=past_happenings())


@pytest.fixture
def browser(household: FakeHousehold, access: Access) -> Browser:
    return Browser(app_of(household, access))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_leads_to_the_login_and_back(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status, answer.content) == (303, b"")
    expected = "/login" if path == "/" else f"/login?next={quote(path, safe='')}"
    assert answer.headers["location"] == expected
    assert browser.log_in(back=path).headers["location"] == path
    assert browser.get(path).status == (404 if path == "/nowhere" else 200)


@pytest.mark.parametrize("path", OTHERS)
def test_programs_and_pictures_are_refused(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status == 401
    assert len(answer.content) < 120


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("path", POSTS)
def test_nothing_is_changed_without_a_login(
    browser: Browser, household: FakeHousehold, method: str, path: str
) -> None:
    before = list(household.stored)
    for headers in ({}, {"content_type": "application/x-www-form-urlencoded"},
                    {"authorization": "Bearer wrong"}, {"cookie": "edgecls=made-up"}):  # fmt: skip
        answer = AsgiClient(browser.app).request(
            method, path, body=b"kept=yes&correction=nobody&sink=mqtt", **headers
        )
        assert answer.status in (303, 401)
    assert household.stored == before
    assert household.presses == []


def test_the_login_page_shows_nothing_of_the_door(browser: Browser) -> None:
    page = browser.get("/login").text
    assert "/visits" not in page
    assert "door" not in re.sub(r"<[^>]+>", "", page).lower().replace("the door", "")
    assert browser.get("/static/page.css").status == 200


def test_the_cookie_is_for_us_alone(browser: Browser) -> None:
    (line,) = [line for line in browser.log_in().cookies if line.startswith("edgecls=")]
    assert "HttpOnly" in line
    assert "SameSite=strict" in line
    assert "Path=/" in line
    assert "Secure" not in line
    assert "Domain" not in line


def test_under_tls_the_cookie_is_secure(household: FakeHousehold, access: Access) -> None:
    secure = Access(
        access.accounts, access.sessions, access.attempts, now=access.now, secure=True,
        cookie="__Host-edgecls",
    )  # fmt: skip
    lines = Browser(app_of(household, secure)).log_in().cookies
    assert all("Secure" in line for line in lines if "Max-Age=0" not in line)


def test_a_wrong_password_and_an_unknown_name_look_the_same(browser: Browser) -> None:
    wrong, unknown = browser.log_in(password="wrong"), browser.log_in(name="nobody")

    def words(text: str) -> str:
        return re.sub(r'value="[^"]*"', "", text)

    assert wrong.status == unknown.status == 403
    assert "do not belong together" in wrong.text
    assert words(wrong.text) == words(unknown.text)
    assert "edgecls" not in browser.cookies


def test_guessing_is_slowed_down_and_the_right_password_too(browser: Browser, clock: Clock) -> None:
    for _ in range(FREE):
        assert browser.log_in(password="wrong").status == 403
    answer = browser.log_in()
    assert answer.status == 429
    assert answer.headers["retry-after"] == "2"
    assert "Please try again in 2" in answer.text
    clock.seconds += 2
    assert browser.log_in().status == 303


@pytest.mark.parametrize(
    "back",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)",
     "evil", "/a\nSet-Cookie: x", "///evil.example", "/\t/evil.example"],
)  # fmt: skip
def test_a_login_leads_to_no_other_site(browser: Browser, back: str) -> None:
    assert browser.log_in(back=back).headers["location"] == "/"
    again = browser.get(f"/login?next={quote(back)}")
    assert again.headers["location"] == "/"


def test_a_login_needs_the_form_that_this_browser_was_given(browser: Browser) -> None:
    fields = {"name": "anna", "password": PASSWORD}
    assert browser.send("/login", fields).status == 403
    token = Browser(browser.app).form_token("/login")  # of another browser
    browser.get("/login")
    answer = browser.send("/login", {**fields, "form_token": token})
    assert answer.status == 403
    assert "too old" in answer.text


def test_logging_out_ends_the_session_on_both_sides(browser: Browser) -> None:
    browser.log_in()
    stolen = dict(browser.cookies)
    assert browser.post("/logout").headers["location"] == "/login"
    assert "edgecls" not in browser.cookies
    assert Browser(browser.app, cookies=stolen).get("/").status == 303


def test_a_session_ends_by_itself(browser: Browser, clock: Clock) -> None:
    browser.log_in()
    clock.seconds += 599
    assert browser.get("/").status == 200
    clock.seconds += 601
    assert browser.get("/").status == 303


@pytest.mark.parametrize(
    "path", ["/visits/2/keep", "/visits/2/delete", "/logout", "/account/password"]
)
@pytest.mark.parametrize("token", ["", "0" * 64, "\u20ac"])
def test_a_form_without_its_token_changes_nothing(
    browser: Browser, household: FakeHousehold, path: str, token: str
) -> None:
    browser.log_in()
    answer = browser.post(path, token=token, kept="yes")
    assert answer.status == 403
    assert household.visit(2) is not None
    assert browser.get("/").status == 200


def test_another_sessions_form_token_does_not_do(browser: Browser) -> None:
    browser.log_in()
    other = Browser(browser.app)
    other.log_in()
    assert browser.post("/visits/2/keep", token=other.form_token("/"), kept="yes").status == 403


def test_a_new_password_logs_everybody_else_out(browser: Browser) -> None:
    browser.log_in()
    phone = Browser(browser.app)
    phone.log_in()
    new = "a better one than that"
    answer = browser.post("/account/password", old=PASSWORD, new=new, again=new)
    assert answer.headers["location"] == "/?said=password"
    assert browser.get("/").status == 200
    assert phone.get("/").status == 303
    assert phone.log_in().status == 403
    assert phone.log_in(password=new).status == 303


def test_a_password_changed_on_the_command_line_logs_out_too(
    browser: Browser, access: Access
) -> None:
    browser.log_in()
    access.accounts.set_password("anna", "a better one than that", at=AT)
    assert browser.get("/").status == 303


def test_a_removed_account_is_out(browser: Browser, access: Access) -> None:
    browser.log_in()
    access.accounts.add("bert", PASSWORD, at=AT)
    access.accounts.remove("anna")
    assert browser.get("/").status == 303


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"old": "wrong"}, "old password is not right"),
        ({"again": "something else"}, "two new passwords differ"),
        ({"new": "short", "again": "short"}, "10 to 200 characters"),
        ({"new": PASSWORD, "again": PASSWORD}, "is the old one"),
    ],
)
def test_a_poor_new_password_is_told(
    browser: Browser, fields: dict[str, str], message: str
) -> None:
    browser.log_in()
    new = "a better one than that"
    answer = browser.post(
        "/account/password", **{"old": PASSWORD, "new": new, "again": new, **fields}
    )
    assert answer.status in (403, 422)
    assert message in answer.text


def test_a_one_time_password_opens_only_the_way_to_another(
    household: FakeHousehold, tmp_path: Path
) -> None:
    file = tmp_path / "first-password"
    file.write_text("from the card 17")
    access = access_for(tmp_path, login=True)
    access = Access(
        access.accounts, access.sessions, access.attempts, now=access.now, first_password_file=file
    )
    access.accounts.add("owner", "from the card 17", at=AT, one_time=True)
    browser = Browser(app_of(household, access))
    browser.log_in("owner", "wrong password")
    assert file.exists()
    browser.log_in("owner", "from the card 17")
    assert not file.exists()
    for path in ("/", "/visits", "/device"):
        assert browser.get(path).headers["location"] == "/account"
    for path in ("/api/visits", "/latest.jpg", "/snapshots/x.jpg", "/live"):
        assert browser.get(path).status == 403
    new = "a better one than that"
    token = browser.form_token("/account")
    browser.post("/account/password", token=token, old="from the card 17", new=new, again=new)
    assert browser.get("/").status == 200


def test_without_readable_accounts_nobody_is_let_in(browser: Browser, tmp_path: Path) -> None:
    browser.log_in()
    (tmp_path / FILE_NAME).write_text("damaged")
    for path in ("/", "/api/now", "/login", "/latest.jpg"):
        answer = browser.get(path)
        assert answer.status == 503
        assert "damaged" in answer.text


def test_a_page_without_login_says_who_may_open_it(household: FakeHousehold) -> None:
    browser = Browser(app_of(household))
    assert browser.get("/").status == 200
    assert browser.get("/login").headers["location"] == "/"
    assert browser.get("/account").status == 404
    assert browser.post("/visits/2/keep", token="", kept="yes").status == 403
    assert (
        browser.post("/visits/2/keep", token=browser.form_token("/visits/2"), kept="yes").status
        == 303
    )


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a=1&a=2", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 30), "application/x-www-form-urlencoded", 400),
        (b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"a=1", "text/plain", 415),
        (b"a=1", "multipart/form-data", 415),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_read_is_refused(
    browser: Browser, body: bytes, kind: str, status: int
) -> None:
    answer = AsgiClient(browser.app).request("POST", "/login", body=body, content_type=kind)
    assert answer.status == status


def test_healthz_is_open_to_this_machine_alone(household: FakeHousehold, access: Access) -> None:
    app = app_of(household, access)
    assert AsgiClient(app).get("/healthz").json() == {"schema": 1, "ok": True}
    assert AsgiClient(app, address=FAR).get("/healthz").status == 401
    assert AsgiClient(app).get("/metrics").status == 401
