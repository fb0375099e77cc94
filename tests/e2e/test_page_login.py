"""The way through the page in a real browser: log in, look, correct, keep, delete, log out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgecls.sections.web import WebSection
from edgecls.types import SinkState
from edgecls.web.app import utc_now
from edgecls.web.server import PageServer
from tests.e2e.browser import CHROMIUM, Browser
from tests.household import (
    NOBODY,
    PERSON,
    FakeHousehold,
    drawn_porch,
    past_day,
    past_happenings,
    past_visits,
    with_frames,
)
from tests.page import PASSWORD

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(params=[("phone", False), ("desktop", True)], ids=["phone-light", "desktop-dark"])
def shaped(request: pytest.FixtureRequest, browser: Browser) -> Browser:
    size, dark = request.param
    width, height = SIZES[size]
    browser.emulate(width=width, height=height, dark=dark)
    browser.complaints.clear()
    return browser


@pytest.fixture
def household() -> FakeHousehold:
    first, *others = past_visits(9)
    return FakeHousehold(
        stored=[with_frames(first, 3), *others],
        happened=past_happenings(),
        past=past_day(),
        outbox=[SinkState("webhook", 1, 2, "answered 500")],
    )


@pytest.fixture
def server(household: FakeHousehold, tmp_path: Path) -> Iterator[PageServer]:
    """Serve with one account, anna, whose password is her own."""
    with PageServer(household, WebSection(port=0, live_fps=10), tmp_path) as server:
        server.accounts.add("anna", PASSWORD, at=utc_now())
        server.accounts.remove("owner")
        yield server


def log_in(browser: Browser, url: str, name: str = "anna", password: str = PASSWORD) -> None:
    browser.open(url)
    browser.fill("#name", name)
    browser.fill("#password", password)
    browser.click(".sheet button")


def path_of(browser: Browser) -> str:
    return str(browser.ask("location.pathname"))


def said(browser: Browser) -> str:
    return str(browser.ask("document.querySelector('.said')?.innerText"))


def test_from_the_login_to_the_live_picture_and_out_again(
    shaped: Browser, server: PageServer, household: FakeHousehold
) -> None:
    shaped.open(f"{server.url}/visits/7")
    assert path_of(shaped) == "/login"
    assert shaped.ask("document.activeElement.id") == "name"
    log_in(shaped, f"{server.url}/visits/7", password="wrong password")
    problem = shaped.ask("document.querySelector('.sheet .banner').innerText")
    assert "do not belong together" in problem
    log_in(shaped, f"{server.url}/visits/7")
    assert path_of(shaped) == "/visits/7"

    shaped.open(server.url)
    shaped.wait_for("document.getElementById('latest').src.includes('&v=')")  # through the stream
    before = shaped.ask("document.getElementById('latest').src")
    household.picture = drawn_porch(120)
    shaped.wait_for(f"document.getElementById('latest').src !== '{before}'")
    household.state = PERSON
    shaped.wait_for("document.getElementById('state').innerText === 'Person at the door'")
    household.state = NOBODY

    shaped.click(".who button")
    assert path_of(shaped) == "/login"
    shaped.open(server.url)
    assert path_of(shaped) == "/login"
    told = [line for line in shaped.complaints if "403" not in line]  # the wrong password above
    assert told == []


def test_a_visit_is_corrected_kept_and_deleted(
    shaped: Browser, server: PageServer, household: FakeHousehold, tmp_path: Path
) -> None:
    log_in(shaped, f"{server.url}/visits/9")
    shaped.ask("document.querySelectorAll('a[data-frame]')[2].click()")
    shaped.wait_for("document.getElementById('shown').src.endsWith('9-frame-1.jpg')")
    shaped.wait_for("document.getElementById('shown').naturalWidth === 480")
    assert path_of(shaped) == "/visits/9"

    shaped.click("button[value=nobody]")
    assert "correction is noted" in said(shaped)
    assert shaped.ask("document.querySelector('button[value=nobody]').ariaPressed") == "true"
    assert household.stored[0].correction == "nobody"
    shaped.click(".choice .plain")
    assert household.stored[0].correction is None

    shaped.click("button[name=kept]")
    assert household.stored[0].kept
    assert "is kept" in said(shaped)
    shaped.open(f"{server.url}/visits?only=kept")
    assert shaped.ask("document.querySelectorAll('.visit').length") == 1

    shaped.open(f"{server.url}/visits/9")
    assert shaped.ask("document.querySelector('.danger').checkVisibility()") is False
    shaped.ask("document.querySelector('.delete summary').click()")
    shaped.wait_for("document.querySelector('.danger').checkVisibility()")
    shaped.photograph(tmp_path / "visit.png")
    shaped.click(".danger")
    assert path_of(shaped) == "/visits"
    assert "deleted" in said(shaped)
    assert household.visit(9) is None
    assert shaped.complaints == []


def test_presses_history_and_dead_letters(
    shaped: Browser, server: PageServer, household: FakeHousehold
) -> None:
    log_in(shaped, f"{server.url}/presses")
    assert shaped.ask("document.querySelectorAll('.happening').length") == 5
    shaped.open(f"{server.url}/device")
    assert shaped.ask("document.querySelectorAll('.chart polyline').length") == 5
    assert "between" in shaped.ask(
        "document.querySelector('.chart svg').getAttribute('aria-label')"
    )
    shaped.click("button[name=sink]")
    assert path_of(shaped) == "/device"
    assert household.outbox == [SinkState("webhook", 3, 0, "answered 500")]
    shaped.click("a[href='/model']")
    assert "95.1" in shaped.ask("document.querySelector('.figure').innerText")
    assert shaped.complaints == []


def test_a_first_password_is_changed_at_the_first_login(
    browser: Browser, household: FakeHousehold, tmp_path: Path
) -> None:
    browser.emulate(width=390, height=844)
    lines: list[str] = []
    with PageServer(household, WebSection(port=0), tmp_path, announce=lines.append) as server:
        first = next(line for line in lines if "password" in line).rpartition(" ")[2]
        log_in(browser, server.url, "owner", first)
        assert path_of(browser) == "/account"
        assert "Choose a password" in browser.ask("document.querySelector('h1').innerText")
        for selector, text in (("#old", first), ("#new", PASSWORD), ("#again", PASSWORD)):
            browser.fill(selector, text)
        browser.click(".sheet button.main")
        assert path_of(browser) == "/"
        assert "password is changed" in said(browser)


def test_a_login_that_ends_leads_to_the_login(browser: Browser, server: PageServer) -> None:
    browser.emulate(width=1280, height=900)
    log_in(browser, server.url)
    browser.wait_for("document.getElementById('latest').src.includes('&v=')")
    server.accounts.add("bert", PASSWORD, at=utc_now())
    server.accounts.remove("anna")
    browser.wait_for("location.pathname === '/login'")


def test_two_cameras_are_told_apart(
    browser: Browser, server: PageServer, household: FakeHousehold
) -> None:
    browser.emulate(width=390, height=844)
    door = household.condition.cameras[0]
    yard = replace(door, name="back yard & gate")
    household.condition = replace(household.condition, cameras=(door, yard))
    log_in(browser, server.url)
    browser.click(".chips a:not([aria-current])")
    browser.wait_for("document.getElementById('latest').src.includes('&v=')")
    assert browser.ask(
        "new URL(document.getElementById('latest').src).searchParams.get('camera')"
    ) == ("back yard & gate")
    assert browser.ask("document.documentElement.scrollWidth") == 390
