"""The pages as a browser shows them, from disk, with the network cut."""

import json
from pathlib import Path

import pytest

from whisq.show.explain import explain, to_html

pytestmark = pytest.mark.filterwarnings("default")  # selenium's own
WIDTHS = (390, 1400)
CHECKS = (Path(__file__).parent / "checks.js").read_text()


def ask(browser, name):
    return browser.execute_script(f"{CHECKS}\nreturn {name}();")


@pytest.fixture(scope="module")
def browser(make_browser):
    logged = {"browser": "ALL", "performance": "ALL"}
    unplugged = "host-resolver-rules=MAP * ~NOTFOUND"
    with make_browser("autoplay-policy=no-user-gesture-required", unplugged, log=logged) as driver:
        yield driver


@pytest.fixture(scope="module")
def pages(full_page, predictor, clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "report.html").write_text(full_page, encoding="utf-8")
    prompt = "A slow hymn for squeezebox that ends with a <distorted> guitar."
    (folder / "why.html").write_bytes(to_html(explain(predictor, clips[5], prompt)))
    return folder


@pytest.fixture(params=["report.html", "why.html"])
def opened(request, browser, pages):
    """The browser with a page open: `opened(width, scheme)`."""

    def show(width=1400, scheme="light"):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get((pages / request.param).as_uri())
        return browser

    return show


@pytest.mark.parametrize("width", WIDTHS)
def test_it_opens_without_an_error_or_a_request_and_every_picture_is_drawn(opened, width):
    browser = opened(width)
    pictures, missing = ask(browser, "pictures")
    assert pictures > 3
    assert missing == 0
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        event["params"]["request"]["url"].split(":")[0]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert "file" in asked
    assert asked <= {"file", "data"}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_of_the_page(opened, width):
    assert opened(width).execute_script("return document.documentElement.scrollWidth") <= width


def test_a_clip_plays_and_the_line_on_its_map_moves(opened):
    browser = opened()
    browser.set_script_timeout(60)
    played = browser.execute_async_script(f"{CHECKS}\nplay(arguments[0]);")
    assert "error" not in played, played
    assert played["duration"] > 0.3
    assert played["at"] > 0
    assert played["cursor"] > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page(opened, scheme):
    assert ask(opened(1400, scheme), "contrast") >= 4.5


def test_a_click_on_a_heading_sorts_up_and_down_with_blanks_last(opened):
    browser = opened()
    for wanted, reverse in (("ascending", False), ("descending", True)):
        direction, keys = ask(browser, "sort")
        known = [key for key in keys if key is not None]
        assert direction == wanted
        assert len(known) > 1
        assert known == sorted(known, reverse=reverse)
        assert None not in keys[: len(known)]


def test_every_control_and_picture_has_a_name(opened):
    assert ask(opened(), "nameless") == 0
