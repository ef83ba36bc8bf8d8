"""The page in a real browser: nothing is answered before it was heard, and trouble costs no vote."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tone_evaluation import tone_evaluation, write_tone_folder

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


class Server:
    """`dred listen` on a folder of tones."""

    def __init__(self, folder: Path) -> None:
        write_tone_folder(folder, tone_evaluation())
        self._folder = folder
        self.address = self.start(0)

    def start(self, port: int) -> str:
        command = [sys.executable, "-m", "dred", "listen", str(self._folder), "--port", str(port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "http://" in line:
                return line[line.index("http://") :].split()[0]
        pytest.fail("the server did not start")

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.end()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(server.address)
    press_when(opened, "Enter", "welcome")
    press_when(opened, "Enter", "introduction")
    wait_for(opened, "judge")
    yield opened
    context.close()


def wait_until(page: Any, condition: str) -> None:
    for _ in range(400):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    pytest.fail(f"never came true: {condition}; {page.inner_text('main')}")


def wait_for(page: Any, section: str) -> None:
    wait_until(page, f"!document.querySelector('.{section}').hidden")


def press_when(page: Any, key: str, section: str) -> None:
    wait_for(page, section)
    page.keyboard.press(key)


def step(page: Any, server: Server) -> int:
    return page.context.request.get(f"{server.address}state").json()["step"]


def test_nothing_can_be_answered_before_it_was_heard_to_the_end(page: Any, server: Server) -> None:
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('fieldset').disabled && document.querySelector('.next').disabled")
    assert not page.evaluate("document.querySelector('.answers input').checked")
    wait_until(page, "!document.querySelector('fieldset').disabled")
    assert page.evaluate("document.querySelector('.next').disabled")
    assert step(page, server) == 0
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    wait_for(page, "introduction")
    assert step(page, server) == 1


def test_space_plays_again_and_the_answer_stays_open(page: Any) -> None:
    wait_until(page, "!document.querySelector('fieldset').disabled")
    page.keyboard.press("1")
    page.keyboard.press(" ")
    wait_until(page, "document.querySelector('.play').textContent.trim() === 'Playing'")
    assert page.evaluate("document.querySelector('.answers input').checked")
    assert not page.evaluate("document.querySelector('.next').disabled")


def test_a_second_window_goes_on_where_the_first_one_is(page: Any, server: Server) -> None:
    other = page.context.new_page()
    other.goto(server.address)
    press_when(other, "Enter", "introduction")
    for window in (page, other):
        window.bring_to_front()
        wait_until(window, "!document.querySelector('fieldset').disabled")
        window.keyboard.press("1")
        window.keyboard.press("Enter")
        wait_for(window, "introduction")
        assert step(window, server) == 1


def test_a_server_that_is_gone_is_told_and_the_test_goes_on_when_it_is_back(page: Any, server: Server) -> None:
    wait_until(page, "!document.querySelector('fieldset').disabled")
    server.end()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    wait_for(page, "problem")
    assert "Is the connection still there?" in page.inner_text(".problem")
    server.start(int(server.address.rstrip("/").rpartition(":")[2]))
    page.keyboard.press("Enter")
    wait_for(page, "introduction")
    assert step(page, server) == 0


def test_another_listener_can_start_in_the_same_browser(page: Any, server: Server) -> None:
    context = page.context
    first = {cookie["value"] for cookie in context.cookies()}
    reply = context.request.post(f"{server.address}raters", data={})
    assert reply.json()["step"] == 0
    assert {cookie["value"] for cookie in context.cookies()} != first
    cookie = context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
