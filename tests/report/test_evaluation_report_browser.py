"""The page of an evaluation in a real browser. Every scheme has a tone of its own: what is heard tells which plays."""

from collections.abc import Iterator
from typing import Any

import pytest
from made_up_evaluation import SCHEMES, SECONDS, made_up_evaluation, tone_hz, tones

from chromium import open_chromium, wait_until

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from dred.report.evaluation import render_evaluation

# Before anything of the page runs: an ear at the loudspeaker, and a note of how each sound was started.
EAR = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (!(target instanceof AudioDestinationNode)) return connect.call(this, target, ...rest);
  if (!window.ear) {
    window.ear = new AnalyserNode(this.context, { fftSize: 4096, smoothingTimeConstant: 0 });
    connect.call(window.ear, target);
  }
  connect.call(this, window.ear);
  return target;
};
window.starts = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset) {
  window.starts.push([when, offset, this.loop, this.loopStart, this.loopEnd]);
  return start.call(this, when, offset);
};
window.heardHz = () => {
  if (!window.ear) return 0;
  const levels = new Float32Array(window.ear.frequencyBinCount);
  window.ear.getFloatFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  return levels[loudest] < -60 ? 0 : (loudest * window.ear.context.sampleRate) / window.ear.fftSize;
};
"""
STAGE = "document.querySelector('#stage-1')"
NAMES = ["original", *SCHEMES]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    evaluation = made_up_evaluation()
    path = tmp_path_factory.mktemp("evaluation") / "report.html"
    path.write_text(render_evaluation(evaluation, speech=tones(evaluation), rows_csv=b"clip\n"), "utf-8")
    return path.as_uri()


@pytest.fixture
def messages() -> list[str]:
    """What the page complains about, and what it asks for beyond itself."""
    return []


@pytest.fixture
def page(browser: Any, address: str, messages: list[str]) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1200, "height": 800})
    opened.add_init_script(EAR)
    opened.on("console", lambda message: messages.append(message.text))
    opened.on("pageerror", lambda error: messages.append(str(error)))
    opened.on("request", lambda request: messages.append(request.url) if request.url != address else None)
    opened.goto(address)
    wait_until(opened, "document.documentElement.classList.contains('scripted')")
    opened.focus("#stage-1 .play")
    opened.evaluate("document.activeElement.blur()")
    yield opened
    assert [message for message in messages if not message.startswith("data:")] == []
    opened.close()


def clock(page: Any, stage: str = "#stage-1") -> float:
    return float(page.text_content(f"{stage} .clock").split()[0])


def wait_to_hear(page: Any, place: int) -> None:
    """Wait for the tone of a scheme's place, 0 being the original."""
    wait_until(page, f"Math.abs(heardHz() - {tone_hz(place)}) < 25")


def wait_for_silence(page: Any) -> None:
    wait_until(page, "heardHz() === 0")


def pressed(page: Any, stage: str = "#stage-1") -> list[str]:
    return page.evaluate(
        f"[...document.querySelectorAll(\"{stage} .choices [aria-pressed='true']\")].map((b) => b.dataset.number)"
    )


def shown_takes(page: Any, stage: str = "#stage-1") -> list[str]:
    return page.evaluate(
        f"[...document.querySelectorAll('{stage} .take')].filter((t) => t.offsetHeight).map((t) => t.dataset.number)"
    )


def test_space_plays_and_pauses(page: Any) -> None:
    page.keyboard.press(" ")
    wait_to_hear(page, 1)
    assert page.text_content("#stage-1 .play") == "Pause"
    page.keyboard.press(" ")
    wait_for_silence(page)
    assert 0 < clock(page) < SECONDS
    assert page.text_content("#stage-1 .play") == "Play"


@pytest.mark.parametrize("place", range(len(NAMES)))
def test_a_digit_makes_its_scheme_heard_and_no_other(page: Any, place: int) -> None:
    page.keyboard.press("g")  # In a loop, so that a slow machine does not come to the end.
    page.keyboard.press(" ")
    page.keyboard.press(str(place))
    wait_to_hear(page, place)
    assert pressed(page) == [str(place)]
    assert page.text_content(f"#stage-1 [data-number='{place}'] h4").split()[1] == NAMES[place]
    assert shown_takes(page) == sorted({"0", str(place)})


def test_all_schemes_start_together_so_that_switching_keeps_the_position(page: Any) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    wait_until(page, "starts.length > 0")
    assert page.evaluate("new Set(starts.map(String)).size") == 1
    assert page.evaluate("starts.length") == len(NAMES)
    assert page.evaluate("starts[0][1]") == pytest.approx(1, abs=0.001)
    wait_to_hear(page, 1)
    before = clock(page)
    page.keyboard.press("7")
    wait_to_hear(page, 7)
    assert before < clock(page) < before + 1
    # Nothing was started anew.
    assert page.evaluate("starts.length") == len(NAMES)


def test_leaving_a_clip_that_is_still_decoded_keeps_it_silent(page: Any) -> None:
    page.evaluate("Stage.lastUsed.toggle(), Stage.lastUsed.pause()")
    wait_until(page, "Stage.lastUsed.player.buffers !== null")
    page.wait_for_timeout(100)
    assert page.evaluate("starts.length") == 0
    assert page.text_content("#stage-1 .play") == "Play"


def test_the_playheads_show_the_position(page: Any) -> None:
    page.keyboard.press("ArrowRight")
    wait_until(page, f"{STAGE}.querySelector('.clock').textContent.startsWith('1.00')")
    heads = page.evaluate(
        "[...document.querySelectorAll('#stage-1 .playhead')].map((head) => parseFloat(head.style.left))"
    )
    assert heads == pytest.approx([100 / SECONDS] * len(NAMES), abs=0.1)


def test_a_click_on_a_picture_goes_there(page: Any) -> None:
    box = page.locator("#stage-1 .take.active img").bounding_box()
    page.locator("#stage-1 .take.active img").click(position={"x": box["width"] * 0.4, "y": 20})
    assert clock(page) == pytest.approx(0.4 * SECONDS, abs=0.02)


def test_at_the_end_it_stops_and_starts_over(page: Any) -> None:
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    wait_to_hear(page, 1)
    wait_until(page, f"{STAGE}.querySelector('.play').textContent === 'Play'")
    assert clock(page) == 0
    page.keyboard.press(" ")
    wait_to_hear(page, 1)
    assert clock(page) < 1.5


def test_a_loop_goes_round_a_gap_until_it_is_ended(page: Any) -> None:
    gaps = page.evaluate(f"JSON.parse({STAGE}.dataset.gaps)")
    page.keyboard.press("g")
    page.keyboard.press(" ")
    wait_until(page, "starts.length > 0")
    _, offset, is_loop, start, end = page.evaluate("starts.at(-1)")
    assert is_loop
    assert offset == pytest.approx(start)
    assert start == pytest.approx(max(0, gaps[0][0] - 0.5))
    assert end == pytest.approx(min(SECONDS, gaps[0][1] + 0.5))
    page.wait_for_timeout(1000 * (end - start) + 300)
    wait_to_hear(page, 1)
    assert start <= clock(page) <= end
    page.keyboard.press("l")
    wait_until(page, "starts.at(-1)[2] === false")
    assert page.is_disabled("#stage-1 .whole")


def test_only_one_clip_plays_and_keys_go_to_the_one_used_last(page: Any) -> None:
    page.keyboard.press(" ")
    wait_to_hear(page, 1)
    page.click("#demo .play")
    wait_until(page, "document.querySelector('#demo .play').textContent === 'Pause'")
    assert page.text_content("#stage-1 .play") == "Play"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("3")
    assert pressed(page, "#demo") == ["3"]
    # Third in the demonstration, seventh among all schemes.
    wait_to_hear(page, NAMES.index("dred"))


def test_the_demonstration_shows_clean_lbrr_and_dred_together(page: Any) -> None:
    assert shown_takes(page, "#demo") == ["0", "1", "2", "3"]
    names = page.evaluate(
        "[...document.querySelectorAll('#demo h4')].map((h) => h.textContent.trim().split(/\\s+/)[1])"
    )
    assert names == ["original", "clean", "lbrr", "dred"]
    assert "over call" in page.text_content("#demo h3")


def test_another_clip_is_chosen_by_list_or_key(page: Any) -> None:
    assert page.locator("#stage-2").is_hidden()
    page.select_option(".picker select", index=1)
    assert page.locator("#stage-2").is_visible()
    assert page.locator("#stage-1").is_hidden()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    assert page.locator("#stage-3").is_visible()
    page.keyboard.press(" ")
    wait_to_hear(page, 1)
    page.keyboard.press("p")
    wait_for_silence(page)
    assert page.locator("#stage-2").is_visible()


def test_all_rows_can_be_shown(page: Any) -> None:
    page.keyboard.press("v")
    assert len(shown_takes(page)) == len(NAMES)
    page.keyboard.press("v")
    assert len(shown_takes(page)) == 2


def begin_blind_test(page: Any, a: str, b: str) -> None:
    page.click("#stage-1 .blind summary")
    page.select_option("#stage-1 .blind-a", label=a)
    page.select_option("#stage-1 .blind-b", label=b)
    page.click("#stage-1 .begin")
    page.evaluate("document.activeElement.blur()")


def test_who_hears_a_difference_wins_the_blind_test(page: Any) -> None:
    # A, B, A, B, ...
    page.evaluate("void (crypto.getRandomValues = (values) => values.fill((window.turn = (window.turn ?? 0) + 1)))")
    page.evaluate("void (BlindTest.VOTES = 4)")
    page.keyboard.press("g")
    begin_blind_test(page, "dred", "lbrr")
    dred, lbrr = tone_hz(NAMES.index("dred")), tone_hz(NAMES.index("lbrr"))
    heard = []
    for number in range(4):
        assert f"Vote {number + 1} of 4" in page.text_content("#stage-1 .tally")
        for letter, hz in (("a", dred), ("b", lbrr)):
            page.keyboard.press(letter)
            wait_until(page, f"Math.abs(heardHz() - {hz}) < 25")
        page.keyboard.press("x")
        page.wait_for_timeout(200)
        wait_until(page, "heardHz() > 0")
        x = page.evaluate("heardHz()")
        heard.append(abs(x - dred) < abs(x - lbrr))
        page.keyboard.press("1" if heard[-1] else "2")
    assert {True, False} == set(heard)
    assert "4 of 4 right" in page.text_content("#stage-1 .tally")
    assert "0.063" in page.text_content("#stage-1 .tally")
    assert page.locator("#stage-1 .choices").is_visible()


def test_the_page_does_not_give_away_what_x_is(page: Any) -> None:
    looks = []
    begin_blind_test(page, "dred", "lbrr")
    page.click("#stage-1 .finish")
    for value in (0, 1):
        page.evaluate(f"void (crypto.getRandomValues = (values) => values.fill({value}))")
        page.click("#stage-1 .begin")
        page.click("#stage-1 .play")
        assert shown_takes(page) == ["0"]
        looks.append(
            page.evaluate(
                f"{STAGE}.outerHTML.replace(/<output.*?<.output>/, '').replaceAll(/left: [^;]*%/g, '')"
                ".replaceAll(/>(Play|Pause)</g, '')"
            )
        )
        page.click("#stage-1 .finish")
    assert looks[0] == looks[1]


def test_a_blind_test_needs_two_different_schemes(page: Any) -> None:
    begin_blind_test(page, "dred", "dred")
    assert "differ" in page.text_content("#stage-1 .tally")
    assert page.locator("#stage-1 .trial").is_hidden()


@pytest.mark.parametrize(
    ("votes", "right", "chance"), [(12, 12, 1 / 4096), (10, 8, 56 / 1024), (3, 0, 1.0), (1, 1, 0.5)]
)
def test_the_chance_of_a_tally_is_the_tail_of_the_binomial(page: Any, votes: int, right: int, chance: float) -> None:
    found = page.evaluate(f"Object.assign(new BlindTest(1, 2), {{ votes: {votes}, right: {right} }}).chance")
    assert found == pytest.approx(chance)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, address: str, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    phone = context.new_page()
    phone.goto(address)
    for summary in phone.locator("summary").all():
        if summary.is_visible():
            summary.click()
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    context.close()


def test_figures_follow_light_and_dark(browser: Any, address: str) -> None:
    inks = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        opened = context.new_page()
        opened.goto(address)
        inks.append(opened.evaluate("getComputedStyle(document.querySelector('.drawing text')).fill"))
        context.close()
    assert inks[0] != inks[1]


def test_without_scripts_every_player_is_there(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(address)
    assert opened.locator("audio").count() == 4 + 6 * len(NAMES)
    assert opened.locator("audio").first.is_visible()
    assert opened.locator(".transport").first.is_hidden()
    context.close()


def test_a_browser_that_cannot_decode_shows_its_own_players(browser: Any, address: str) -> None:
    opened = browser.new_page()
    opened.add_init_script("AudioContext.prototype.decodeAudioData = () => Promise.reject(new Error('no'))")
    opened.goto(address)
    opened.click("#demo .play")
    wait_until(opened, "document.querySelector('#demo').classList.contains('silent')")
    assert opened.locator("#demo audio").first.is_visible()
    assert "cannot decode" in opened.text_content("#demo .clock")
    opened.close()
