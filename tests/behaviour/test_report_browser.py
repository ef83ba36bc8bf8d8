"""The report in a real browser: it plays, switches in step, seeks, zooms, and asks the network for nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_simulation import SECONDS, small_simulation

from chromium import open_chromium, wait_until
from dred.evaluation.summary import summarise
from dred.report import render_page

PLAYING = "[...document.querySelectorAll('audio')].map((a, n) => a.paused ? 0 : n + 1).filter(Boolean)"
PLAYHEADS = "[...document.querySelectorAll('.playhead')].map((p) => parseFloat(p.style.left))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(installed_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    simulation = small_simulation(installed_weights)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_page(simulation, summarise(simulation, input_name="speech.wav")), "utf-8")
    return path.as_uri()


@pytest.fixture
def messages() -> list[str]:
    """What the page complains about, and what it asks for beyond itself."""
    return []


@pytest.fixture
def page(browser: Any, address: str, messages: list[str]) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1200, "height": 800})
    opened.on("console", lambda message: messages.append(message.text))
    opened.on("pageerror", lambda error: messages.append(str(error)))
    opened.on("request", lambda request: messages.append(request.url) if request.url != address else None)
    opened.goto(address)
    wait_until(opened, "[...document.querySelectorAll('audio')].every((a) => a.readyState >= 3)")
    yield opened
    assert [message for message in messages if not message.startswith("data:")] == []
    opened.close()


def time_of(page: Any, number: int) -> float:
    return page.evaluate(f"document.querySelectorAll('audio')[{number - 1}].currentTime")


def wait_until_past(page: Any, number: int, seconds: float) -> None:
    wait_until(page, f"document.querySelectorAll('audio')[{number - 1}].currentTime > {seconds}")


def test_every_player_holds_the_whole_recording(page: Any) -> None:
    durations = page.evaluate("[...document.querySelectorAll('audio')].map((a) => a.duration)")
    assert durations == pytest.approx([SECONDS] * 8, abs=0.01)


def test_space_plays_and_pauses(page: Any) -> None:
    page.keyboard.press(" ")
    wait_until_past(page, 1, 0.1)
    assert page.evaluate(PLAYING) == [1]
    assert page.text_content(".play") == "Pause"
    page.keyboard.press(" ")
    assert page.evaluate(PLAYING) == []


def test_a_digit_switches_at_the_same_position_and_one_player_plays(page: Any) -> None:
    page.keyboard.press(" ")
    wait_until_past(page, 1, 0.5)
    page.keyboard.press("7")
    wait_until(page, f"({PLAYING}).join() === '7'")
    assert time_of(page, 7) == pytest.approx(time_of(page, 1), abs=0.15)
    assert time_of(page, 7) >= 0.5
    assert page.get_attribute(".choice[data-number='7']", "aria-pressed") == "true"


def test_the_play_button_of_another_player_takes_over_where_the_first_one_stands(page: Any) -> None:
    page.keyboard.press(" ")
    wait_until_past(page, 1, 0.5)
    page.evaluate("document.querySelectorAll('audio')[3].play()")
    wait_until(page, f"({PLAYING}).join() === '4'")
    assert time_of(page, 4) >= 0.5


def test_a_listener_who_moves_another_player_s_slider_is_followed(page: Any) -> None:
    page.evaluate("document.querySelectorAll('audio')[2].currentTime = 1.5")
    wait_until(page, "document.querySelector('#scheme-3').classList.contains('active')")
    page.keyboard.press(" ")
    wait_until_past(page, 3, 1.55)
    assert page.evaluate(PLAYING) == [3]


def test_a_click_on_a_picture_goes_there_in_all_rows(page: Any) -> None:
    box = page.locator("#scheme-2 img").bounding_box()
    page.locator("#scheme-2 img").click(position={"x": box["width"] * 0.4, "y": 20})
    assert time_of(page, 2) == pytest.approx(0.4 * SECONDS, abs=0.01)
    assert page.evaluate(PLAYHEADS) == pytest.approx([40] * 8, abs=0.5)


def test_after_the_end_play_starts_over(page: Any) -> None:
    page.evaluate(f"document.querySelectorAll('audio')[0].currentTime = {SECONDS - 0.1}")
    page.keyboard.press(" ")
    wait_until(page, "document.querySelector('audio').ended")
    page.keyboard.press(" ")
    wait_until(page, f"({PLAYING}).join() === '1'")
    assert time_of(page, 1) < 1


def test_zooming_widens_all_timelines_and_they_scroll_in_step(page: Any) -> None:
    width = page.evaluate("document.querySelector('.timeline').offsetWidth")
    page.click(".zoom-in")
    page.click(".zoom-in")
    assert page.evaluate("document.querySelector('.timeline').offsetWidth") == pytest.approx(4 * width, abs=2)
    page.evaluate("document.querySelectorAll('.view')[4].scrollLeft = 300")
    wait_until(page, "[...document.querySelectorAll('.view')].every((v) => v.scrollLeft === 300)")


def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, address: str) -> None:
    phone = browser.new_page(viewport={"width": 360, "height": 740})
    phone.goto(address)
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    phone.close()


def test_without_scripts_the_players_are_still_there(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("audio").count() == 8
    assert page.locator(".transport").is_hidden()
    context.close()
