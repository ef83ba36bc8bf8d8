"""The page of an evaluation says what the numbers say, holds the very speech, and needs nothing else."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_up_evaluation import METRICS, NETWORKS, SCHEMES, SECONDS, made_up_evaluation, tones

from dred.audio import float_to_int16
from dred.errors import UsageError
from dred.evaluation.records import Evaluation

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from dred.report.evaluation import render_evaluation, write_evaluation_report

VOID = ("meta", "link", "img", "br")


class Page(HTMLParser):
    """Elements with their attributes, and the words, of a page."""

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


def render(evaluation: Evaluation, **options: object) -> str:
    return render_evaluation(evaluation, speech=tones(evaluation), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return made_up_evaluation()


@pytest.fixture(scope="module")
def html(evaluation: Evaluation) -> str:
    return render(evaluation)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_same_evaluation_gives_the_same_page(evaluation: Evaluation, html: str) -> None:
    assert render(evaluation) == html


def test_the_page_asks_for_nothing_outside_itself(html: str, page: Page) -> None:
    assert "default-src 'none'" in html
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "poster"):
            address = attributes.get(name)
            assert address is None or address.startswith(("data:", "#")), (tag, name, address[:50])
    assert not re.search(r"@import|https?:|fetch\(|XMLHttpRequest|import\(", re.sub(r'"data:[^"]*"', "", html))
    assert all(part.startswith("#") for part in re.findall(r"url\(([^)]*)\)", html))


def test_names_on_the_page_are_unique_and_links_lead_somewhere(page: Page) -> None:
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in page.elements:
        address = attributes.get("href") or ""
        assert not address.startswith("#") or address[1:] in names


def test_everything_to_press_or_look_at_has_a_name(page: Page) -> None:
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(attributes.get("aria-label") for attributes in page.all("audio"))
    assert all(attributes.get("type") == "button" for attributes in page.all("button"))
    assert all(attributes.get("scope") for attributes in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"
    drawings = [attributes for _, attributes in page.elements if attributes.get("class") == "drawing"]
    assert drawings
    assert all(attributes["aria-label"] for attributes in drawings)


def test_strange_names_stay_text() -> None:
    strange = '"><script>alert(1)</script>$x_1$ {{ 7 * 7 }} \u65e5\u672c'
    evaluation = made_up_evaluation(num_clips=3)
    renamed = {scheme.name: strange + scheme.name for scheme in evaluation.schemes}
    over = {network.name: strange + network.name for network in evaluation.networks}
    clips = {clip.name: strange + clip.name for clip in evaluation.clips}
    html = render(
        replace(
            evaluation,
            title=strange,
            name=strange,
            clips=tuple(replace(clip, name=clips[clip.name], speaker=strange) for clip in evaluation.clips),
            schemes=tuple(
                replace(scheme, name=renamed[scheme.name], family=renamed[scheme.name], title=strange)
                for scheme in evaluation.schemes
            ),
            networks=tuple(
                replace(network, name=over[network.name], family=strange + network.family, title=strange)
                for network in evaluation.networks
            ),
            rows=tuple(
                replace(row, clip=clips[row.clip], scheme=renamed[row.scheme], network=over[row.network])
                for row in evaluation.rows
            ),
            facts={strange: strange},
        ),
    )
    page = Page(html)
    assert len(page.all("script")) == 1
    assert strange in page.words
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert all(re.fullmatch(r"[\w.+-]+", name or "") for name in names)


def test_tables_show_every_scheme_over_every_network(page: Page) -> None:
    for name in (*SCHEMES, *NETWORKS, *METRICS):
        assert name in page.words


def test_the_first_table_shows_rates_means_and_the_best(html: str) -> None:
    lines = re.findall(r"<tr>\s*<th scope=\"row\">([\w+-]+)<small>.*?</tr>", html, re.DOTALL)
    assert lines[: len(SCHEMES)] == list(SCHEMES)
    rows = re.findall(r"<tr>\s*<th scope=\"row\">dred\+lbrr<small>.*?</tr>", html, re.DOTALL)
    assert ">72.0<" in rows[0]
    assert rows[0].count('class="best"') == len(METRICS)
    assert "DRED&nbsp;100&nbsp;%" in rows[0]


def test_players_hold_the_very_samples(evaluation: Evaluation, page: Page) -> None:
    speech = tones(evaluation)
    first = page.all("audio")[0]["src"]
    assert first is not None
    media_type, _, data = first.partition(";base64,")
    assert media_type == "data:audio/flac"
    heard, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="int16")
    assert rate_hz == 16_000
    np.testing.assert_array_equal(heard, float_to_int16(speech("original/0")))


def test_a_long_clip_is_cut_to_the_seconds_that_lost_most() -> None:
    evaluation = made_up_evaluation(num_clips=2, seconds=20.0)
    # Only the packets from 8 to 9 s are lost.
    lost = tuple(400 <= number < 450 for number in range(1001))
    rows = tuple(
        replace(row, finding=replace(row.finding, lost=lost)) if row.num_lost else row for row in evaluation.rows
    )
    html = render(replace(evaluation, rows=rows))
    page = Page(html)
    assert "6 of 20.0 s" in page.words
    start = float(re.findall(r"from ([\d.]+) s, 6 of", html)[0])
    assert 3 <= start <= 8
    demonstration = next(attributes for _, attributes in page.elements if attributes.get("id") == "demo")
    assert float(demonstration["data-seconds"] or 0) == 6
    delay = 0.0065
    gap = [float(number) for number in re.findall(r"[\d.]+", demonstration["data-gaps"] or "")]
    assert gap == pytest.approx([8 - delay - start, 9 - delay - start], abs=0.051)


def test_strips_show_each_packet_s_source(html: str) -> None:
    demonstration = html[html.index('id="demo"') : html.index('id="listen"')]
    strips = re.findall(r'<div class="strip".*?</div>', demonstration, re.DOTALL)
    assert [set(re.findall(r'<i class="(\w+)"', strip)) for strip in strips] == [
        {"gone"},
        {"received"},
        {"received", "lbrr"},
        {"received", "dred"},
    ]
    for strip in strips[1:]:
        widths = [float(width) for width in re.findall(r"width:([\d.]+)%", strip)]
        assert sum(widths) == pytest.approx(100, abs=0.01)


def test_the_demonstration_takes_the_recorded_network_even_if_another_is_harder(html: str) -> None:
    assert re.search(r'id="demo".*?over call', html, re.DOTALL)


def test_many_schemes_start_with_one_per_family() -> None:
    evaluation = made_up_evaluation(num_clips=3, rates=(0.7, 1.0, 1.4))
    html = render(evaluation)
    assert "All 24 schemes" in html
    first = html[: html.index("All 24 schemes")]
    assert first.count('<th scope="row">') == len(SCHEMES)
    # The original and one scheme per family, not 24 of them.
    assert html.count("<audio") == 4 + 6 * (1 + len(SCHEMES))


def test_one_clip_has_no_intervals_and_the_page_says_so() -> None:
    page = Page(render(made_up_evaluation(num_clips=1)))
    assert "One clip is too few" in page.words
    assert "nan" not in page.words.split("use strict")[0].lower().replace("resonan", "")


def test_an_evaluation_without_loss_has_tables_and_nothing_to_hear() -> None:
    whole = made_up_evaluation(num_clips=2)
    rows = tuple(row for row in whole.rows if row.network == "none")
    html = render(replace(whole, rows=rows, networks=whole.networks[:1]))
    assert "there is nothing to compare" in html
    assert "<audio" not in html
    assert html.count('<th scope="row">') >= len(SCHEMES)


def test_an_evaluation_without_metrics_still_has_sound_and_rates() -> None:
    whole = made_up_evaluation(num_clips=2)
    html = render(replace(whole, metrics=()))
    assert html.count("<audio") > 4
    assert ">72.0<" in html


@pytest.mark.parametrize("names", [("dred",), ("clean", "dred"), ("red", "plc"), ("zero", "lbrr")])
def test_any_choice_of_schemes_has_a_page(names: tuple[str, ...]) -> None:
    whole = made_up_evaluation(num_clips=2)
    part = replace(
        whole,
        schemes=tuple(scheme for scheme in whole.schemes if scheme.name in names),
        rows=tuple(row for row in whole.rows if row.scheme in names),
    )
    assert all(name in Page(render(part)).words for name in names)


def test_an_evaluation_without_rows_is_refused(evaluation: Evaluation) -> None:
    with pytest.raises(UsageError, match="without rows"):
        render(replace(evaluation, rows=()))


def test_a_baseline_that_is_not_there_is_refused(evaluation: Evaluation) -> None:
    with pytest.raises(UsageError, match="neural-plc"):
        render(evaluation, baseline="nothing")


def test_another_baseline_is_compared_with(evaluation: Evaluation) -> None:
    assert "Differences from red" in render(evaluation, baseline="red")


def test_a_metric_that_dred_does_not_know_is_refused(evaluation: Evaluation) -> None:
    with pytest.raises(UsageError, match="taste"):
        render(replace(evaluation, metrics=("taste",)))


def test_the_numbers_are_linked_if_they_are_small_and_named_if_not(evaluation: Evaluation, tmp_path: Path) -> None:
    numbers = tmp_path / "rows.csv"
    numbers.write_bytes(b"clip,scheme\n")
    write_evaluation_report(evaluation, tmp_path, speech=tones(evaluation))
    links = [link for link in Page((tmp_path / "report.html").read_text("utf-8")).all("a") if "download" in link]
    assert [base64.b64decode(str(link["href"]).partition(",")[2]) for link in links] == [b"clip,scheme\n"]
    numbers.write_bytes(b"x" * 1_000_001)
    write_evaluation_report(evaluation, tmp_path, speech=tones(evaluation))
    page = (tmp_path / "report.html").read_text("utf-8")
    assert not [link for link in Page(page).all("a") if "download" in link]
    assert "in rows.csv beside this page" in page


def test_the_page_stays_below_15_mb_whatever_the_clips() -> None:
    evaluation = made_up_evaluation(num_clips=8, seconds=15.0)
    rng = np.random.default_rng(1)
    noise = {key: rng.uniform(-0.9, 0.9, 16_000 * 15).astype(np.float32) for key in range(4)}
    # Noise is what neither sound nor pictures can be packed of.
    html = render_evaluation(evaluation, speech=lambda key: noise[len(key) % 4])
    assert "Opus at" in html
    assert len(html) < 15_000_000
    assert SECONDS < 15
