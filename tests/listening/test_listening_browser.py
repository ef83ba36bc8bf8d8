"""The test in a real browser: several listeners at once, by keyboard, over a reload and a server that is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_listener import ScriptedListener
from tone_evaluation import tone_evaluation, write_tone_folder

from chromium import open_chromium

pytest.importorskip("uvicorn", reason="uvicorn is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as opened:
        yield opened


class Server:
    """`dred listen` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = self._start(0)

    def _start(self, port: int) -> str:
        words = ["listen", str(self._folder), "--per-rater", "2", "--port", str(port)]
        self._process = subprocess.Popen([sys.executable, "-m", "dred", *words], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "http://" in line:
                return line[line.index("http://") :].split()[0]
        pytest.fail("the server did not start")

    def kill_and_restart(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        port = int(self.address.rstrip("/").rpartition(":")[2])
        assert self._start(port) == self.address

    def stop(self) -> int:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=20)
        return self._process.returncode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tone_folder(tmp_path, tone_evaluation())
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    running = Server(folder)
    yield running
    assert running.stop() in (0, 130)


class Visitor:
    """A scripted listener in a browser of their own, who uses the keyboard only."""

    def __init__(self, browser: Any, server: Server, listener: ScriptedListener) -> None:
        self.listener = listener
        self.address = server.address
        self.context = browser.new_context(viewport={"width": 360, "height": 740})
        self.page = self.context.new_page()
        self.messages: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", self._note_foreign)
        self.page.goto(self.address)
        self.wait("!document.querySelector('.welcome').hidden")
        self.page.keyboard.press("Enter")
        self.wait("document.querySelector('.welcome').hidden")

    def _note_foreign(self, request: Any) -> None:
        if not request.url.startswith((self.address, "blob:", "data:")):
            self.messages.append(request.url)

    def wait(self, condition: str) -> None:
        for _ in range(400):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(25)
        pytest.fail(f"never came true: {condition}; {self.page.inner_text('main')}")

    def state(self) -> Any:
        return self.context.request.get(f"{self.address}state").json()

    def judge(self) -> bool:
        """Take one step; tell whether there is another one."""
        state = self.state()
        if state["stage"] == "done":
            return False
        wavs = [self.context.request.get(self.address.rstrip("/") + path).body() for path in state["audio"]]
        self.wait("['introduction', 'judge'].some((name) => !document.querySelector('.' + name).hidden)")
        if self.page.evaluate("!document.querySelector('.introduction').hidden"):
            self.page.keyboard.press("Enter")
        self.wait("!document.querySelector('.judge').hidden")
        if self.page.evaluate("document.querySelector('.hint').textContent") == "Press play.":
            self.page.keyboard.press(" ")
        self.wait("!document.querySelector('fieldset').disabled")
        self.page.keyboard.press(str(self.listener.answer(state, wavs)))
        self.page.keyboard.press("Enter")
        for _ in range(400):
            if self.state().get("step") != state["step"]:
                return True
            self.page.wait_for_timeout(25)
        pytest.fail("the vote did not arrive")


def results(folder: Path, *words: str) -> Any:
    command = [sys.executable, "-m", "dred", "listen", "results", str(folder), "--json", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_listeners_at_once_a_reload_and_a_killed_server(browser: Any, folder: Path, server: Server) -> None:
    visitors = [
        Visitor(browser, server, ScriptedListener(np.random.default_rng(1), bias=0.7)),
        Visitor(browser, server, ScriptedListener(np.random.default_rng(2), bias=-0.7)),
        Visitor(browser, server, ScriptedListener(np.random.default_rng(3), is_careless=True)),
    ]
    rounds = 0
    # All of them hear their sounds at the same time: each takes one step, then the next one does.
    while sum(visitor.judge() for visitor in visitors):
        rounds += 1
        if rounds == 4:
            steps = [visitor.state()["step"] for visitor in visitors]
            server.kill_and_restart()
            assert [visitor.state()["step"] for visitor in visitors] == steps == [4, 4, 4]
            for visitor in visitors:
                visitor.page.reload()
    for visitor in visitors:
        visitor.wait("!document.querySelector('.done').hidden")
        assert visitor.page.evaluate("document.documentElement.scrollWidth") == 360
        assert visitor.messages == []
    found = results(folder)
    raters = {rater["rater"]: rater for rater in found["raters"]}
    assert [raters[number]["counts"] for number in (1, 2, 3)] == [True, True, False]
    assert raters[1]["effect"] - raters[2]["effect"] == pytest.approx(1.4, abs=0.6)
    means = {entry["condition"]: entry["adjusted"] for entry in found["conditions"]}
    assert means["clean"] > means["plc"]
