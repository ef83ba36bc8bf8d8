"""Figures of an evaluation: the right points, the same drawing every time, names that do not cover each other."""

import re
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_evaluation import METRICS, SCHEMES, made_up_evaluation

from dred.channel import BURST_CLASSES_MS
from dred.evaluation.metrics import find_metrics
from dred.evaluation.records import Evaluation
from dred.evaluation.score import Score
from dred.report.evaluation.choice import longest_burst_ms
from dred.report.evaluation.colours import looks
from dred.report.evaluation.comparison import Comparison
from dred.report.evaluation.figures import family_looks, metric_panels
from dred.report.evaluation.labels import Box, place_beside, spread
from dred.report.evaluation.panels import BarPanel, LinePanel

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from dred.report.evaluation import write_figures
from dred.report.evaluation.plot import draw_for_file, draw_for_page

PLCMOS = find_metrics(["plcmos"])[0]
places = st.floats(0, 300, allow_nan=False)


def compare(evaluation: Evaluation) -> Comparison:
    return Comparison(evaluation, find_metrics(evaluation.metrics))


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return made_up_evaluation()


@pytest.fixture(scope="module")
def comparison(evaluation: Evaluation) -> Comparison:
    return compare(evaluation)


@pytest.fixture(scope="module")
def panels(comparison: Comparison) -> dict[str, LinePanel | BarPanel]:
    return {panel.name: panel for panel in metric_panels(comparison, PLCMOS)}


def lines(panel: LinePanel | BarPanel) -> dict[str, list[tuple[float, float]]]:
    assert isinstance(panel, LinePanel)
    return {line.name: [(point.x, point.y.mean) for point in line.points] for line in panel.lines}


def test_there_is_a_figure_per_question(panels: dict[str, LinePanel | BarPanel]) -> None:
    assert list(panels) == ["rate-plcmos", "loss-uniform-plcmos", "loss-plcmos", "burst-plcmos", "damage-plcmos"]


def test_quality_stands_over_the_measured_rate(comparison: Comparison, panels: dict[str, LinePanel | BarPanel]) -> None:
    points = lines(panels["rate-plcmos"])
    assert {name: round(found[0][0], 6) for name, found in points.items()} == {
        name: sum(kbps) for name, (_, kbps, _, _) in SCHEMES.items()
    }
    assert points["dred"][0][1] == comparison.mean("dred", PLCMOS, comparison.everywhere).mean


def test_a_family_of_rates_is_one_rising_line() -> None:
    panels = metric_panels(compare(made_up_evaluation(num_clips=2, rates=(2.0, 1.0, 3.0))), PLCMOS)
    points = lines(panels[0])
    assert list(points) == list(SCHEMES)
    assert [x for x, _ in points["dred"]] == pytest.approx([56, 112, 168])


def test_networks_of_a_family_stand_over_their_measured_loss(
    evaluation: Evaluation, comparison: Comparison, panels: dict[str, LinePanel | BarPanel]
) -> None:
    found = lines(panels["loss-uniform-plcmos"])
    losses = [comparison.sent("plc", [network]).loss_percent for network in ("uni10", "uni20")]
    assert [x for x, _ in found["dred"]] == pytest.approx(losses)
    lone = panels["loss-plcmos"]
    assert isinstance(lone, LinePanel)
    assert [mark.split("\n")[0] for mark in lone.x_marks or ()] == sorted(
        ["none", "ge20", "call"], key=lambda name: comparison.sent("plc", [name]).loss_percent
    )


def test_burst_classes_hold_the_clips_whose_longest_burst_lies_in_them(
    evaluation: Evaluation, panels: dict[str, LinePanel | BarPanel]
) -> None:
    panel = panels["burst-plcmos"]
    assert isinstance(panel, LinePanel)
    bursts = [longest_burst_ms(row) for row in evaluation.rows if row.scheme == "plc" and row.num_lost]
    counts = [sum(low < burst <= high for burst in bursts) for low, high in BURST_CLASSES_MS]
    heard = [int(mark.split("\n")[1].split()[0]) for mark in panel.x_marks or ()]
    assert heard == [count for count in counts if count]
    low, high = BURST_CLASSES_MS[0]
    short = [
        row.scores["plcmos"].total
        for row in evaluation.rows
        if row.scheme == "plc" and row.num_lost and low < longest_burst_ms(row) <= high
    ]
    assert lines(panel)["plc"][0][1] == pytest.approx(sum(short) / len(short))


def test_bursts_beyond_a_second_have_a_class_of_their_own(evaluation: Evaluation) -> None:
    lost = (True,) * 60 + (False,) * 91
    rows = tuple(
        replace(row, finding=replace(row.finding, lost=lost)) if row.network == "call" and row.num_lost else row
        for row in evaluation.rows
    )
    panels = {panel.name: panel for panel in metric_panels(compare(replace(evaluation, rows=rows)), PLCMOS)}
    panel = panels["burst-plcmos"]
    assert isinstance(panel, LinePanel)
    assert (panel.x_marks or ())[-1].startswith("1000 to 1200")


def test_without_clean_speech_there_is_no_damage(evaluation: Evaluation) -> None:
    part = replace(
        evaluation,
        schemes=evaluation.schemes[1:],
        rows=tuple(row for row in evaluation.rows if row.scheme != "clean"),
    )
    assert not [panel for panel in metric_panels(compare(part), PLCMOS) if isinstance(panel, BarPanel)]


def test_a_drawing_is_the_same_every_time(comparison: Comparison, panels: dict[str, LinePanel | BarPanel]) -> None:
    families = family_looks(comparison)
    for panel in panels.values():
        assert draw_for_page(panel, families) == draw_for_page(panel, families)


def test_a_file_is_whole_xml_and_brings_its_colours(
    comparison: Comparison, panels: dict[str, LinePanel | BarPanel]
) -> None:
    families = family_looks(comparison)
    for panel in panels.values():
        svg = draw_for_file(panel, families)
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        words = [text for element in root.iter() if (text := (element.text or "").strip())]
        assert all(name in words for name in SCHEMES if name != "clean" or isinstance(panel, LinePanel))
        used = set(re.findall(r"var\(--([\w-]+)\)", svg))
        assert used <= set(re.findall(r"--([\w-]+):", svg))
        assert "prefers-color-scheme: dark" in svg
        # No colour is fixed but those of the variables.
        assert not re.findall(r"#[0-9a-f]{6}", svg.replace(svg[: svg.index("</style>")], ""))


def test_names_of_parts_differ_between_drawings_of_a_page(
    comparison: Comparison, panels: dict[str, LinePanel | BarPanel]
) -> None:
    families = family_looks(comparison)
    drawings = [draw_for_page(panel, families) for panel in panels.values()]
    names = [set(re.findall(r'\bid="([^"]+)"', drawing)) for drawing in drawings]
    assert all(not ours & theirs for ours, theirs in combinations(names, 2))
    for drawing, own in zip(drawings, names, strict=True):
        assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', drawing)) <= {(name, "") for name in own} | {
            ("", name) for name in own
        }


def test_figures_are_written_one_file_each(evaluation: Evaluation, tmp_path: Path) -> None:
    paths = write_figures(evaluation, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    for metric in METRICS:
        assert tmp_path / f"rate-{metric}.svg" in paths
    assert all("DOCTYPE" not in path.read_text() and "<svg" in path.read_text() for path in paths)


def test_a_damage_without_measure_is_left_out(evaluation: Evaluation) -> None:
    """Where the baseline does no damage, the share of it is not a number, or has no end."""
    rows = tuple(replace(row, scores={"plcmos": Score(4.0)}) for row in evaluation.rows)
    comparison = compare(replace(evaluation, metrics=("plcmos",), rows=rows))
    found = metric_panels(comparison, PLCMOS)
    assert not [panel for panel in found if isinstance(panel, BarPanel)]
    assert all(draw_for_page(panel, family_looks(comparison)) for panel in found)


def test_many_networks_with_long_names_still_fit() -> None:
    whole = made_up_evaluation(num_clips=2)
    long = {network.name: f"a-network-with-a-long-name-{network.name}" for network in whole.networks}
    part = replace(
        whole,
        networks=tuple(replace(network, name=long[network.name], family=network.name) for network in whole.networks),
        rows=tuple(replace(row, network=long[row.network]) for row in whole.rows),
    )
    comparison = compare(part)
    panel = next(panel for panel in metric_panels(comparison, PLCMOS) if panel.name == "loss-plcmos")
    assert "rotate(-60 " in draw_for_page(panel, family_looks(comparison))


def test_every_family_looks_different() -> None:
    found = looks([*SCHEMES, "new", "newer", "newest"])
    assert len({look.stand_in for look in found.values()}) == len(found)
    assert len({look.variable for look in found.values()}) == len(found)
    assert len({(look.light, look.marker, look.dashes) for look in found.values()}) == len(found)
    # A known family looks the same whatever stands beside it.
    assert looks(["dred"])["dred"] == found["dred"]


@given(st.lists(places, max_size=12), st.floats(1, 20))
def test_names_beside_lines_keep_their_distance_and_order(wanted: list[float], gap: float) -> None:
    found = spread(wanted, gap, lowest=0, highest=300)
    assert all(after - before >= gap - 1e-6 for before, after in pairwise(sorted(found)))
    assert sorted(range(len(wanted)), key=lambda n: (wanted[n], n)) == sorted(
        range(len(wanted)), key=lambda n: found[n]
    )
    assert all(-1e-6 <= height <= 300 + 1e-6 for height in found)


def test_names_that_are_far_apart_stay_where_they_are() -> None:
    assert spread([10.0, 100.0, 50.0], 12, lowest=0, highest=200) == [10.0, 100.0, 50.0]


@given(st.lists(st.tuples(places, places), max_size=8))
def test_names_near_points_cover_nothing_that_leaves_them_room(spots: list[tuple[float, float]]) -> None:
    page = Box(left=-400, bottom=-400, right=700, top=700)
    marks = [Box.around(x, y, 8, 8) for x, y in spots]
    found = place_beside(spots, [(40.0, 12.0)] * len(spots), marks, page)
    assert all(page.holds(box) for box in found)
    for (x, y), box in zip(spots, found, strict=True):
        assert abs((box.left + box.right) / 2 - x) <= 80
        assert abs((box.bottom + box.top) / 2 - y) <= 80


def test_names_of_two_neighbours_do_not_cover_each_other() -> None:
    page = Box(left=0, bottom=0, right=300, top=200)
    spots = [(100.0, 100.0), (103.0, 101.0), (106.0, 99.0)]
    found = place_beside(spots, [(50.0, 12.0)] * 3, [Box.around(x, y, 8, 8) for x, y in spots], page)
    assert not any(ours.covers(theirs) for ours, theirs in combinations(found, 2))
