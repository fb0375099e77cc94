"""The page in a real browser: it keeps itself fresh, fits a phone, and works without its script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edgecls.types import SinkState
from edgecls.web.app import utc_now
from tests.e2e.browser import CHROMIUM, Browser
from tests.household import (
    CAMERA_AWAY,
    NO_FRAME_YET,
    NOBODY,
    PERSON,
    FakeHousehold,
    drawn_porch,
    open_visit,
    past_day,
    past_happenings,
    past_visits,
    with_frames,
)
from tests.page import page_at

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


PATHS = ["/", "/visits", "/visits/10", "/visits/9", "/presses", "/device", "/model", "/nowhere"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.emulate(width=1280, height=900)
        yield opened


@pytest.fixture
def household(browser: Browser) -> FakeHousehold:
    browser.emulate(width=1280, height=900)
    browser.complaints.clear()
    return FakeHousehold(stored=past_visits(9))


@pytest.fixture
def url(household: FakeHousehold) -> Iterator[str]:
    with page_at(household) as server:
        yield server.url


def test_home_loads_with_all_pictures_and_not_one_complaint(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.wait_for("document.querySelectorAll('.thumb img').length === 6")
    browser.wait_for("[...document.images].every((i) => i.loading === 'lazy' || i.naturalWidth)")

    assert browser.ask("document.getElementById('state').innerText") == "Nobody at the door"
    assert browser.ask("getComputedStyle(document.querySelector('.card')).borderRadius") == "14px"
    assert browser.complaints == []


def test_a_visitor_appears_without_a_reload(
    browser: Browser, url: str, household: FakeHousehold
) -> None:
    browser.open(url)
    browser.ask("window.sameDocument = true")
    household.state = PERSON
    household.stored.insert(0, open_visit(10))

    browser.wait_for("document.getElementById('state').innerText === 'Person at the door'")
    browser.wait_for("document.querySelector('.visits .badge')?.innerText === 'Here now'")
    assert browser.ask("document.title") == "Person at the door · edgecls"
    assert browser.ask("window.sameDocument") is True
    assert browser.complaints == []


def test_the_picture_follows_the_camera_and_greys_when_it_is_gone(
    browser: Browser, url: str, household: FakeHousehold
) -> None:
    browser.open(url)
    browser.wait_for("document.getElementById('latest').naturalWidth === 480")
    before = browser.ask("document.getElementById('latest').src")
    household.picture = drawn_porch(120)
    browser.wait_for(f"document.getElementById('latest').src !== '{before}'")

    household.state = CAMERA_AWAY
    browser.wait_for("document.getElementById('latest').className === 'stale'")
    assert "no frame for 48 s" in browser.ask("document.getElementById('problem').innerText")


def test_the_first_picture_appears_by_itself(
    browser: Browser, url: str, household: FakeHousehold
) -> None:
    household.state, household.picture = NO_FRAME_YET, None
    browser.open(url)
    assert browser.ask("document.getElementById('picture').innerText") == (
        "Waiting for the first picture"
    )
    household.state, household.picture = NOBODY, drawn_porch()
    browser.wait_for("document.getElementById('latest')?.naturalWidth === 480")


def test_focus_stays_when_the_list_changes(
    browser: Browser, url: str, household: FakeHousehold
) -> None:
    browser.open(url)
    browser.ask("document.querySelector('a[href=\"/visits/8\"]').focus()")
    household.stored.insert(0, open_visit(10))
    household.state = PERSON
    browser.wait_for("document.querySelector('.visits .badge') !== null")

    assert browser.ask("document.activeElement.getAttribute('href')") == "/visits/8"


def test_times_are_the_readers_own(browser: Browser, url: str, household: FakeHousehold) -> None:
    noon = utc_now().replace(hour=12, minute=0, second=0) - timedelta(days=40)
    household.stored[0] = replace(household.stored[0], started_at=noon, ended_at=noon)
    browser.emulate(width=1280, height=900, zone="Asia/Kolkata")
    browser.open(url)

    shown = browser.ask("document.querySelector('.visits time').innerText")
    assert shown.replace("\N{NARROW NO-BREAK SPACE}", " ") in ("5:30 PM", "17:30")


def test_a_server_that_is_gone_is_told(browser: Browser, household: FakeHousehold) -> None:
    with page_at(household) as server:
        browser.open(server.url)
        assert browser.ask("document.getElementById('offline').hidden") is True
    browser.wait_for("!document.getElementById('offline').hidden")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_wider_than_a_phone(
    browser: Browser,
    url: str,
    household: FakeHousehold,
    tmp_path: Path,
    path: str,
    dark: bool,
) -> None:
    household.state = CAMERA_AWAY
    household.stored[0] = with_frames(household.stored[0], 9)
    household.stored.insert(0, open_visit(10))
    household.happened, household.past = past_happenings(), past_day()
    household.outbox = [SinkState("webhook", 3, 2, f"https://{'long' * 30}.example refused")]
    browser.emulate(width=390, height=844, dark=dark)
    browser.open(url + path)

    assert browser.ask("document.documentElement.scrollWidth") == 390
    ground = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 21, 23)" if dark else "rgb(246, 245, 242)")
    browser.photograph(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 5000


def test_links_are_large_enough_for_a_thumb(browser: Browser, url: str) -> None:
    browser.emulate(width=390, height=844)
    browser.open(url)
    small = browser.ask(
        "[...document.querySelectorAll('nav a, .card.visit')].filter("
        "(a) => a.getBoundingClientRect().height < 24).map((a) => a.href)"
    )
    assert small == []


def test_the_keyboard_reaches_content_and_visits(browser: Browser, url: str) -> None:
    browser.open(url)
    reached = []
    for _ in range(8):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
        reached.append(browser.ask("document.activeElement.getAttribute('href')"))

    assert reached == [
        "#main", "/", "/", "/visits", "/presses", "/device", "/visits", "/visits/9"
    ]  # fmt: skip
    outline = browser.ask("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_page_is_whole_without_its_script(browser: Browser, url: str) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(url)
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)

    assert browser.ask("document.getElementById('latest').naturalWidth") == 480
    since = NOBODY.since.astimezone()
    assert browser.ask("document.querySelector('#detail time').innerText") == f"{since:%H:%M}"
    assert browser.ask("document.querySelector('noscript meta').content") == "10"
