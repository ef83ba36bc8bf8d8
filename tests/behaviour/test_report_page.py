"""The report: pictures, players and strips say what the simulation found, in one file that needs nothing else."""

import base64
import io
import re
import struct
import zlib
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from small_simulation import small_simulation

from dred.audio import float_to_int16
from dred.errors import UsageError
from dred.evaluation.simulate import Simulation
from dred.evaluation.summary import summarise
from dred.report import render_page
from dred.report.embedded_audio import embed_audio
from dred.report.png import write_png
from dred.report.spectrogram import NUM_LEVELS, draw, loudest_db, power_db, quantise_levels
from dred.report.strip import stretches

RATE_HZ = 16_000


class Page(HTMLParser):
    """Elements with their attributes, and the text, of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]


@pytest.fixture(scope="module")
def simulation(installed_weights: Path) -> Simulation:
    return small_simulation(installed_weights)


@pytest.fixture(scope="module")
def html(simulation: Simulation) -> str:
    return render_page(simulation, summarise(simulation, input_name="<b>speech & co</b>.wav"))


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def read_png(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Read pixels and palette of a picture with one palette and unfiltered rows, checking every chunk."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks = {}
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    columns, rows = struct.unpack_from(">II", chunks[b"IHDR"])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


def tone(frequency_hz: float, seconds: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)[:, None]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 256), st.integers(0, 2**32 - 1))
def test_a_picture_keeps_its_pixels(rows: int, columns: int, num_colours: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, num_colours, (rows, columns)).astype(np.uint8)
    palette = rng.integers(0, 256, (num_colours, 3)).astype(np.uint8)
    read_pixels, read_palette = read_png(write_png(pixels, palette))
    np.testing.assert_array_equal(read_pixels, pixels)
    np.testing.assert_array_equal(read_palette, palette)


def test_a_picture_without_pixels_or_with_a_colour_too_many_is_refused() -> None:
    palette = np.zeros((2, 3), np.uint8)
    with pytest.raises(UsageError):
        write_png(np.zeros((0, 3), np.uint8), palette)
    with pytest.raises(UsageError):
        write_png(np.full((1, 1), 2, np.uint8), palette)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("frequency_hz", [500, 2_000])
def test_a_tone_lights_its_own_row(frequency_hz: int, rate_hz: int) -> None:
    level_db = power_db(tone(frequency_hz, 1, rate_hz), rate_hz)
    row_hz = 8_000 / level_db.shape[0]
    brightest = len(level_db) - 1 - level_db[:, 10:-10].mean(axis=1).argmax()
    assert abs(brightest * row_hz + row_hz / 2 - frequency_hz) <= row_hz


@pytest.mark.parametrize("seconds", [0.01, 1, 30])
def test_a_click_lights_its_own_column_and_long_speech_stays_narrow(seconds: float) -> None:
    samples = np.zeros((round(seconds * RATE_HZ), 1), np.float32)
    samples[3 * len(samples) // 4] = 1
    level_db = power_db(samples, RATE_HZ)
    assert 1 <= level_db.shape[1] <= 1600
    lit = np.flatnonzero(level_db.max(axis=0) > -40)
    assert (lit.mean() + 0.5) / level_db.shape[1] == pytest.approx(0.75, abs=0.75 / level_db.shape[1])


def test_levels_are_measured_against_the_loudest_and_end_75_db_below() -> None:
    level_db = np.array([[0.0, -10.0], [-75.0, -200.0]], np.float32) + 20
    loudest = loudest_db(level_db)
    levels = quantise_levels(level_db, loudest)
    assert levels.tolist() == [[NUM_LEVELS - 1, round((1 - 10 / 75) * (NUM_LEVELS - 1))], [0, 0]]
    pixels, palette = read_png(draw(level_db, loudest))
    np.testing.assert_array_equal(pixels, levels)
    assert (np.diff(palette.astype(float) @ [0.2126, 0.7152, 0.0722]) > 0).all()


def test_players_hold_the_very_samples(simulation: Simulation, page: Page) -> None:
    players = page.all("audio")
    assert len(players) == len(simulation.results)
    for attributes, result in zip(players, simulation.results, strict=True):
        source = attributes["src"]
        assert source is not None
        media_type, _, data = source.partition(";base64,")
        assert media_type == "data:audio/flac"
        heard, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="int16", always_2d=True)
        assert rate_hz == RATE_HZ
        np.testing.assert_array_equal(heard, float_to_int16(result.samples))
        assert str(attributes["aria-label"]).startswith(result.scheme.name)


def test_much_audio_is_embedded_smaller_and_the_page_says_so() -> None:
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (2 * RATE_HZ, 1)).astype(np.float32)
    embedded = embed_audio([noise, noise], RATE_HZ, max_lossless_bytes=100_000)
    assert embedded.form == "Opus at 64 kb/s per channel"
    for address in embedded.addresses:
        assert address.startswith("data:audio/ogg;base64,")
        file = base64.b64decode(address.partition(",")[2])
        heard, rate_hz = soundfile.read(io.BytesIO(file))
        assert len(heard) / rate_hz == pytest.approx(2, abs=0.01)
        assert len(file) * 8 / 2 == pytest.approx(64_000, rel=0.25)


def test_full_band_audio_is_embedded_at_24_khz() -> None:
    embedded = embed_audio([tone(1000, 0.5, 44_100)], 44_100)
    assert embedded.form == "16-bit FLAC at 24 kHz"
    _, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(embedded.addresses[0].partition(",")[2])))
    assert rate_hz == 24_000


def test_stretches_tile_the_input_and_count_every_packet(simulation: Simulation) -> None:
    for result in simulation.results:
        found = stretches(simulation, result)
        assert found[0].start_ms == 0
        assert found[-1].end_ms == pytest.approx(2_500)
        for before, after in pairwise(found):
            assert before.end_ms == after.start_ms
            assert before.source is not after.source
        packets = [stretch.source for stretch in found for _ in range(stretch.num_packets)]
        assert tuple(packets) == result.sources


def test_strips_show_the_stretches_and_say_them_in_words(simulation: Simulation, html: str) -> None:
    strips = re.findall(r'<div class="strip" role="img" aria-label="(.*?)">(.*?)</div>', html, re.DOTALL)
    assert len(strips) == len(simulation.results)
    for (words, inside), result in zip(strips, simulation.results, strict=True):
        cells = re.findall(r'<i class="(\w+)" style="left:([\d.]+)%;width:([\d.]+)%" title="(.*?)"></i>', inside)
        expected = stretches(simulation, result)
        assert [source for source, *_ in cells] == [stretch.source.value for stretch in expected]
        assert sum(float(width) for _, _, width, _ in cells) == pytest.approx(100, abs=0.01)
        assert [int(re.findall(r"(\d+) packet", title)[0]) for *_, title in cells] == [
            stretch.num_packets for stretch in expected
        ]
        assert unescape(words).startswith(f"{len(result.sources)} packets of 20 ms, {result.num_lost} lost")


def test_the_page_asks_for_nothing_outside_itself(html: str, page: Page) -> None:
    assert "default-src 'none'" in html
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "poster"):
            address = attributes.get(name)
            assert address is None or address.startswith(("data:", "#")), (tag, name, address[:50])
    assert not re.search(r"@import|url\(|https?:|fetch\(|XMLHttpRequest|import\(", re.sub(r'"data:[^"]*"', "", html))


def test_a_strange_file_name_stays_text(html: str, page: Page) -> None:
    assert "<b>speech & co</b>.wav" in page.words
    assert "<b>speech" not in html


def test_everything_to_press_or_look_at_has_a_name(page: Page) -> None:
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(attributes.get("aria-label") for attributes in page.all("audio"))
    assert all(attributes.get("type") == "button" for attributes in page.all("button"))
    assert page.all("html")[0]["lang"] == "en"
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))


def test_the_page_stays_small(html: str) -> None:
    # 2.5 of 10 seconds of an allowance of 6 MB.
    assert len(html) < 1_500_000


def test_the_table_shows_rates_and_no_scores_where_there_are_none(simulation: Simulation, page: Page) -> None:
    summary = summarise(simulation, input_name="speech.wav")
    for name, scheme in summary["schemes"].items():
        assert name in page.words
        assert f"{scheme['kbps']['total']:.1f}" in page.words
    assert "PLCMOS" not in page.words


def test_the_table_shows_scores_and_a_dash_for_one_that_is_missing(simulation: Simulation) -> None:
    scored = replace(simulation, config=replace(simulation.config, scores=True), results=simulation.results[:1])
    summary = summarise(scored, input_name="speech.wav")
    summary["schemes"]["clean"]["scores"] = {"plcmos": 4.567, "pesq": None, "estoi": 0.981}
    html = render_page(scored, summary)
    cells = re.findall(r"<td>\s*([^<]*?)\s*</td>", html)
    assert cells[-3:] == ["4.57", "\u2013", "0.98"]
    assert all(name in html for name in ("PLCMOS", "PESQ", "ESTOI"))
