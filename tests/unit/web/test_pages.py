"""What the pages show, and that they are sound HTML a screen reader can use."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest

import edgecls.web
from edgecls.daemon.health import HealthState
from edgecls.errors import StoreError
from edgecls.types import SinkState, Visit
from tests.asgi_client import AsgiClient
from tests.household import (
    CAMERA_AWAY,
    DOOR,
    NO_FRAME_YET,
    NOBODY,
    PERSON,
    WELL,
    FakeHousehold,
    interrupted,
    open_visit,
    past_day,
    past_happenings,
    past_visits,
    with_frames,
)
from tests.page import app_of

VOID = {"meta", "link", "img", "rect", "path", "circle", "polyline", "input"}


class Outline(HTMLParser):
    """Collect a page's elements, and whatever is not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def household() -> FakeHousehold:
    return FakeHousehold(stored=past_visits(30))


@pytest.fixture
def client(household: FakeHousehold) -> AsgiClient:
    return AsgiClient(app_of(household))


def text_of(client: AsgiClient, path: str = "/") -> str:
    """Return a page's words, without tags, spaces made one."""
    words = re.sub(r"<[^>]+>", " ", client.get(path).text)
    return re.sub(r"\s+", " ", words.replace("&nbsp;", " "))


def test_a_visitor_at_the_door(client: AsgiClient, household: FakeHousehold) -> None:
    household.state = PERSON
    household.stored.insert(0, open_visit(31))
    text = text_of(client)

    assert "Person at the door" in text
    assert "for 12 s" in text
    assert "Score for a person 0.97" in text
    assert "Here now" in text
    assert "12 s so far" in text


def test_home_shows_the_newest_visits_and_where_the_others_are(client: AsgiClient) -> None:
    links = [a["href"] for a in Outline(client.get("/").text).all("a")]

    assert [link for link in links if link.startswith("/visits/")] == [
        f"/visits/{number}" for number in range(30, 24, -1)
    ]
    assert links.count("/visits") == 2  # the navigation, and "All visits"


def test_before_the_first_picture(client: AsgiClient, household: FakeHousehold) -> None:
    household.state, household.stored, household.picture = NO_FRAME_YET, [], None
    page = client.get("/").text

    assert "Waiting for the camera" in page
    assert "Waiting for the first picture" in page
    assert "No visits yet" in page
    assert "/latest.jpg" not in page
    assert "No visits yet" in client.get("/visits").text


def test_a_camera_that_is_away(client: AsgiClient, household: FakeHousehold) -> None:
    household.state = CAMERA_AWAY
    household.condition = replace(WELL, cameras=(replace(DOOR, connected=False),))
    page = client.get("/").text

    assert "camera door: no frame for 48 s, restarted 3 times" in page
    assert 'class="stale"' in page
    assert "Score for a person" not in page
    assert "Camera door: connected no" in page
    device = client.get("/device").text
    assert re.search(r'class="wrong"><dt>Connected</dt><dd>no<', device)


def test_health_tells_what_the_device_knows(client: AsgiClient, household: FakeHousehold) -> None:
    text = text_of(client, "/device")
    for fact in ("17.3 ms", "52 °C", "118 MB", "24.7 GB", "2 d 5 h", "int8 TFLite", "41 206"):
        assert fact in text, fact

    household.condition = replace(WELL, temperature_c=None, inference_p50_ms=None, throttled=True)
    text = text_of(client, "/device")
    assert "°C" not in text
    assert "Time per picture none yet" in text
    assert "slowed by heat or voltage" in text


def test_paging_goes_through_all_visits_once(client: AsgiClient) -> None:
    path: str | None = "/visits"
    seen: list[str] = []
    while path:
        links = Outline(client.get(path).text).all("a")
        seen += [a["href"] for a in links if re.fullmatch(r"/visits/\d+", a["href"])]
        path = next((a["href"] for a in links if a.get("rel") == "next"), None)

    assert seen == [f"/visits/{number}" for number in range(30, 0, -1)]


def test_past_the_oldest_visit(client: AsgiClient) -> None:
    assert "No older visits" in client.get("/visits?before=1").text


@pytest.mark.parametrize("before", ["0", "-1", "x", "1e3", "٣", "9" * 30, ""])
def test_a_page_number_that_is_none_is_refused(client: AsgiClient, before: str) -> None:
    answer = client.get(f"/visits?before={quote(before)}")
    assert answer.status == 400
    assert "whole number from 1" in answer.text


def test_one_visit_with_its_neighbours(client: AsgiClient) -> None:
    answer = client.get("/visits/7")
    links = {a.get("rel"): a["href"] for a in Outline(answer.text).all("a")}

    assert answer.status == 200
    assert links["prev"] == "/visits/8"
    assert links["next"] == "/visits/6"
    assert 'href="/visits/8"' not in client.get("/visits/30").text.replace("/visits/30", "")
    assert 'rel="prev"' not in client.get("/visits/30").text
    assert 'rel="next"' not in client.get("/visits/1").text


@pytest.mark.parametrize("path", ["/visits/31", "/visits/0", "/visits/99999999999999999999", "/x"])
def test_what_does_not_exist_is_said_with_a_way_back(client: AsgiClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status == 404
    assert "Back to the door" in answer.text


def test_an_interrupted_visit_says_so(client: AsgiClient, household: FakeHousehold) -> None:
    household.stored[0] = interrupted(household.stored[0])
    household.stored[1] = interrupted(replace(household.stored[1], ended_at=None))

    assert "at least 9 s" in text_of(client, "/visits/30")
    assert "The device stopped before the visit's end was seen" in client.get("/visits").text
    unknown = text_of(client, "/visits/29")
    assert "length not known" in unknown
    assert "Here now" not in unknown


def test_a_visit_without_a_picture(client: AsgiClient, household: FakeHousehold) -> None:
    household.stored[0] = replace(household.stored[0], snapshot=None)
    for path in ("/", "/visits", "/visits/30"):
        assert "No picture kept" in client.get(path).text


def test_false_alarms_are_told_above_the_visits(
    client: AsgiClient, household: FakeHousehold
) -> None:
    told = "False alarms per camera-day: not known yet, no visit has been answered"
    assert told in text_of(client, "/visits")

    household.stored = [
        replace(visit, correction="nobody" if visit.id % 10 == 0 else "person")
        for visit in household.stored
    ]
    told = "False alarms per camera-day: 3 in 2.8 days: 1.1 a day (0.22 to 3.1)."
    assert told in text_of(client, "/visits")
    assert "of door: 3 in 2.8 days" in text_of(client, "/visits?camera=door")
    assert "3 in 2.8 days" in text_of(client, "/visits?day=2026-11-20")

    household.stored[7] = replace(household.stored[7], correction=None)
    assert ", if the visit without an answer had somebody." in text_of(client, "/visits")
    household.stored = []
    assert "False alarms" not in text_of(client, "/visits")


def test_a_visit_tells_its_light(client: AsgiClient, household: FakeHousehold) -> None:
    assert "Light Day Visit 30" in text_of(client, "/visits/30")
    assert "Night" not in text_of(client, "/visits")

    household.stored[0] = replace(household.stored[0], light="night")
    assert "Light Night, infra-red" in text_of(client, "/visits/30")
    assert text_of(client, "/visits").count("Night") == 1


def test_tampering_is_told_while_it_lasts(client: AsgiClient, household: FakeHousehold) -> None:
    household.state = replace(NOBODY, tampered="covered")
    press = past_happenings()[0]
    household.happened = [replace(press, id=100 - index) for index in range(60)]  # all newer
    household.condition = replace(WELL, uptime_s=60.0)  # and the clock was set just now
    assert "The camera is covered (door)" in text_of(client)
    assert "All is well" not in text_of(client)

    household.state = NOBODY
    household.happened = past_happenings()  # whose newest tampering was never told as over
    household.condition = WELL
    assert "The camera is covered" in text_of(client, "/presses")
    assert "All is well" in text_of(client)


def test_names_are_escaped(client: AsgiClient, household: FakeHousehold) -> None:
    evil = "<script>alert(1)</script>"
    household.condition = replace(WELL, cameras=(replace(DOOR, kind=evil),), model=evil)
    household.state = replace(CAMERA_AWAY, problem=evil)
    household.stored[0] = replace(household.stored[0], camera=evil)
    household.happened = [replace(past_happenings()[0], camera=evil)]
    household.outbox = [SinkState(evil, 1, 1, evil)]
    household.health_state = HealthState((evil,))
    for path in ("/", "/visits/30", "/visits", "/presses", "/device"):
        assert evil not in client.get(path).text


PAGES = ["/", "/visits", "/visits/30", "/visits/29", "/visits?only=kept", "/presses", "/device",
         "/model", "/nowhere"]  # fmt: skip


class Broken(FakeHousehold):
    """A household whose disk has gone."""

    def visits(self, **_: object) -> list[Visit]:
        raise StoreError("cannot read the visits: disk I/O error")


def test_a_store_that_cannot_be_read_is_told() -> None:
    client = AsgiClient(app_of(Broken()))
    page, answer = client.get("/"), client.get("/api/visits")

    assert (page.status, answer.status) == (503, 503)
    assert "disk I/O error" in page.text
    assert answer.json() == {"schema": 1, "error": "cannot read the visits: disk I/O error"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_sound_and_accessible(
    client: AsgiClient, household: FakeHousehold, path: str
) -> None:
    household.state = CAMERA_AWAY
    household.stored[1] = interrupted(household.stored[1])
    household.stored[2] = replace(household.stored[2], snapshot=None)
    household.stored[0] = with_frames(household.stored[0], 3)
    household.happened, household.past = past_happenings(), past_day()
    household.outbox = [SinkState("mqtt", 3, 2, "refused")]
    page = client.get(path).text
    outline = Outline(page)
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    labels = [a["aria-labelledby"] for _, a in outline.elements if "aria-labelledby" in a]
    headings = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h[1-6]", tag)]
    tags = [tag for tag, _ in outline.elements]

    assert outline.faults == []
    assert page.lower().startswith("<!doctype html>")
    assert outline.all("html")[0]["lang"] == "en"
    assert len(ids) == len(set(ids))
    assert set(labels) <= set(ids)
    assert all("alt" in image for image in outline.all("img"))
    assert all(a.get("href") for a in outline.all("a"))
    assert all(b.get("type", "submit") == "submit" for b in outline.all("button"))
    labelled = {label.get("for") for label in outline.all("label")}
    fields = [a for a in outline.all("input") if a.get("type") != "hidden"]
    assert all("id" not in a or a["id"] in labelled for a in fields)
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert {"header", "main", "nav", "footer", "title"} <= set(tags)
    assert "style" not in tags  # the security policy would refuse it
    assert not [a for _, a in outline.elements if any(key.startswith(("on", "style")) for key in a)]
    assert all(script.get("src") for script in outline.all("script"))
    for time in outline.all("time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time["datetime"])


def test_the_whole_card_names_its_visit_for_a_screen_reader(client: AsgiClient) -> None:
    card = re.search(r'<a class="card visit".*?</a>', client.get("/visits").text, re.DOTALL)
    assert card is not None
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", card.group()))
    assert "Today" in words
    assert "score 0.99" in words


PAIRS = [
    *((text, ground) for text in ("text", "soft", "accent") for ground in ("ground", "raised")),
    ("text", "well"),
    ("soft", "well"),
    ("person", "raised"),
    ("warn", "raised"),
    ("warn", "warn-ground"),
    ("on-person", "person-ground"),
    ("on-accent", "accent"),
]


@pytest.mark.parametrize("palette", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_colours_have_contrast_aa(palette: int, text: str, ground: str) -> None:
    css = (Path(edgecls.web.__file__).parent / "static" / "page.css").read_text()
    block = css.split(":root {")[1 + palette].split("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)

    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2 for "#rrggbb"."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
