"""What the report of an evaluation computes and chooses, on numbers whose answers are known."""

from dataclasses import replace

import pytest
from made_up_evaluation import NETWORKS, SCHEMES, made_up_evaluation

from dred.evaluation.metrics import find_metrics
from dred.evaluation.records import Evaluation, Named, Row
from dred.evaluation.score import NO_SCORE, Score
from dred.evaluation.statistics import Interval
from dred.receiver import Source
from dred.report.evaluation.choice import choose_clips, hardest_trace, longest_burst_ms, one_per_family, seed_schemes
from dred.report.evaluation.comparison import Comparison
from dred.report.evaluation.reading import defeats, read_aloud
from dred.report.evaluation.tables import damage_table, difference_table, score_table
from dred.report.evaluation.wording import NOTHING, in_words, list_words, metric_digits, number

PLCMOS, WER = find_metrics(["plcmos", "wer"])
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return made_up_evaluation()


@pytest.fixture(scope="module")
def comparison(evaluation: Evaluation) -> Comparison:
    return compare(evaluation)


def compare(evaluation: Evaluation, *, baseline: str | None = None) -> Comparison:
    return Comparison(evaluation, find_metrics(evaluation.metrics), baseline=baseline)


def with_opinions(evaluation: Evaluation, opinions: dict[str, float]) -> Evaluation:
    """Give each scheme one PLCMOS everywhere, with a little luck of the clip that all schemes share."""
    luck = {clip.name: 0.02 * number for number, clip in enumerate(evaluation.clips)}
    rows = [
        replace(row, scores={**row.scores, "plcmos": Score(opinions[row.scheme] + luck[row.clip])})
        for row in evaluation.rows
    ]
    return replace(evaluation, rows=tuple(rows))


def row_of(evaluation: Evaluation, scheme: str, network: str, clip: str) -> Row:
    return next(row for row in evaluation.rows if (row.scheme, row.network, row.clip) == (scheme, network, clip))


def test_networks_and_schemes_are_told_apart_by_what_was_lost(comparison: Comparison) -> None:
    assert [network.name for network in comparison.lossy_networks] == [name for name in NETWORKS if name != "none"]
    assert [scheme.name for scheme in comparison.clean_schemes] == ["clean"]
    assert [scheme.name for scheme in comparison.deep_schemes] == ["dred", "dred+lbrr"]
    assert comparison.primary == PLCMOS


def test_scores_of_a_clip_are_added_up_over_networks(evaluation: Evaluation, comparison: Comparison) -> None:
    units = comparison.units("dred", WER, ["uni10", "ge20"])
    assert len(units) == len(evaluation.clips)
    expected = [row_of(evaluation, "dred", network, "speaker-3").scores["wer"] for network in ("uni10", "ge20")]
    assert units[3] == expected[0] + expected[1]


def test_a_score_that_is_missing_counts_for_nothing(evaluation: Evaluation) -> None:
    rows = tuple(replace(row, scores={}) if row.clip == "speaker-1" else row for row in evaluation.rows)
    comparison = compare(replace(evaluation, rows=rows))
    assert comparison.units("dred", PLCMOS, comparison.everywhere)[1] == NO_SCORE
    assert comparison.mean("dred", PLCMOS, comparison.everywhere).num_units == len(evaluation.clips) - 1


def test_what_was_sent_is_summed_up(evaluation: Evaluation, comparison: Comparison) -> None:
    sent = comparison.sent("dred", ["uni20", "call"])
    rows = [row for row in evaluation.rows if row.scheme == "dred" and row.network in ("uni20", "call")]
    assert sent.rates.total == pytest.approx(56)
    assert sent.reach_ms == 950
    lost = sum(row.num_lost for row in rows)
    assert sent.loss_percent == pytest.approx(100 * lost / sum(len(row.lost) for row in rows))
    assert [(share.source, share.count, share.percent) for share in sent.repairs] == [(Source.DRED, lost, 100.0)]


def test_damage_and_differences_have_known_answers(evaluation: Evaluation) -> None:
    opinions = dict.fromkeys(SCHEMES, 4.0) | {"neural-plc": 3.0, "dred": 3.6, "zero": 2.0}
    comparison = compare(with_opinions(evaluation, opinions))
    everywhere = comparison.everywhere
    dred = next(scheme for scheme in comparison.lossy_schemes if scheme.name == "dred")
    damage = comparison.damage(dred, PLCMOS, everywhere)
    assert damage is not None
    assert (damage.mean, damage.low, damage.high) == pytest.approx((0.4, 0.4, 0.4))
    difference = comparison.difference("dred", "neural-plc", PLCMOS, everywhere)
    assert (difference.mean, difference.low, difference.high) == pytest.approx((0.6, 0.6, 0.6))


def test_of_several_baselines_that_of_the_nearest_rate_counts() -> None:
    comparison = compare(made_up_evaluation(num_clips=2, rates=(1.0, 2.0, 3.0)))
    assert comparison.baseline_name == "neural-plc"
    by_name = {scheme.name: scheme for scheme in comparison.evaluation.schemes}
    nearest = {name: comparison.baseline_of(by_name[name]) for name in ("plc@48", "lbrr@40", "dred@168")}
    assert {name: scheme.name for name, scheme in nearest.items() if scheme} == {
        "plc@48": "neural-plc@48",
        "lbrr@40": "neural-plc@48",
        "dred@168": "neural-plc@72",
    }


def test_tables_mark_the_best_and_what_is_beyond_chance(evaluation: Evaluation) -> None:
    opinions = dict.fromkeys(SCHEMES, 3.5) | {"clean": 4.2, "dred": 3.9, "zero": 2.0}
    comparison = compare(with_opinions(evaluation, opinions))
    scores = score_table(comparison, "all", comparison.everywhere)
    assert [line.scheme.name for line in scores.lines if line.cells[0].mark] == ["dred"]
    assert scores.lines[0].cells[0].value == "4.25"
    differences = difference_table(comparison, "all", comparison.everywhere)
    marks = {line.scheme.name: line.cells[0].mark for line in differences.lines}
    assert marks == {
        "clean": "better",
        "zero": "worse",
        "plc": "",
        "red": "",
        "lbrr": "",
        "dred": "better",
        "dred+lbrr": "",
    }
    assert "neural-plc" not in marks
    values = {line.scheme.name: line.cells[0].value for line in differences.lines}
    assert (values["dred"], values["zero"], values["plc"]) == ("+0.40", f"{MINUS}1.50", "0.00")
    damages = damage_table(comparison, "all", comparison.everywhere)
    assert {line.scheme.name: line.cells[0].value for line in damages.lines}["dred"] == "0.43"


def test_where_less_is_better_less_is_marked(comparison: Comparison) -> None:
    table = score_table(comparison, "all", comparison.everywhere)
    at = comparison.metrics.index(WER)
    assert [line.scheme.name for line in table.lines if line.cells[at].mark] == ["dred+lbrr"]
    differences = difference_table(comparison, "all", comparison.everywhere)
    zero = next(line for line in differences.lines if line.scheme.name == "zero")
    assert zero.cells[at].mark == "worse"
    assert zero.cells[at].value.startswith("+")


def test_sentences_tell_the_best_the_savings_and_the_defeats(evaluation: Evaluation) -> None:
    opinions = dict.fromkeys(SCHEMES, 3.5) | {"clean": 4.2, "neural-plc": 3.2, "dred": 3.8, "dred+lbrr": 4.0}
    best, savings, losses = read_aloud(compare(with_opinions(evaluation, opinions)))
    assert "dred+lbrr sounds best, by plcmos: 4.05 MOS" in best
    assert "0.20 below the same codec without loss (4.25)" in best
    assert "neural-plc, dred removes 60 % (60 to 60) for 56.0 kb/s, 32.0 of them redundancy" in savings
    assert "dred+lbrr 80 % (80 to 80) for 72.0 kb/s" in savings
    assert losses.startswith("On no network here")


def test_a_cheaper_scheme_that_beats_deep_redundancy_is_named(evaluation: Evaluation) -> None:
    rows = [
        replace(row, scores={**row.scores, "plcmos": Score(row.scores["plcmos"].total + 0.5)})
        if row.scheme == "lbrr" and row.network == "uni10"
        else row
        for row in evaluation.rows
    ]
    comparison = compare(replace(evaluation, rows=tuple(rows)))
    worst = defeats(comparison, PLCMOS)[0]
    assert (worst.network.name, worst.loser.name, worst.winner.name) == ("uni10", "dred", "lbrr")
    assert worst.lead.mean > 0.5
    assert "lbrr beats dred over uni10 by" in read_aloud(comparison)[2]
    # RED does better there, too, but no dearer scheme is said to win.
    assert all(defeat.winner.name != "dred+lbrr" for defeat in defeats(comparison, PLCMOS))


def test_a_dearer_scheme_that_is_better_is_no_defeat(evaluation: Evaluation) -> None:
    opinions = dict.fromkeys(SCHEMES, 3.0) | {"red": 4.0}
    rates = {"red": 60.0}
    rows = [
        replace(row, finding=replace(row.finding, rates=replace(row.finding.rates, main=rates[row.scheme])))
        if row.scheme in rates
        else row
        for row in with_opinions(evaluation, opinions).rows
    ]
    comparison = compare(replace(evaluation, rows=tuple(rows)))
    assert comparison.total_kbps("red") > comparison.total_kbps("dred+lbrr")
    assert defeats(comparison, PLCMOS) == []


def test_clips_are_chosen_for_six_reasons_and_none_twice(comparison: Comparison) -> None:
    chosen = choose_clips(comparison)
    assert len(chosen) == 6
    assert len({(heard.clip, heard.network) for heard in chosen}) == 6
    assert choose_clips(comparison) == chosen


def test_the_first_clip_is_the_worst_and_the_second_the_median(evaluation: Evaluation, comparison: Comparison) -> None:
    qualities = {
        (row.clip, row.network): row.scores["plcmos"].total
        for row in evaluation.rows
        if row.scheme == "neural-plc" and row.num_lost
    }
    worst, median = choose_clips(comparison)[:2]
    assert qualities[worst.clip, worst.network] == min(qualities.values())
    rank = sorted(qualities.values()).index(qualities[median.clip, median.network])
    assert rank == (len(qualities) - 1) // 2


def test_where_words_count_the_worst_has_most_of_them_wrong(evaluation: Evaluation) -> None:
    only_words = Comparison(evaluation, [WER])
    errors = {(row.clip, row.network): row.scores["wer"].total for row in evaluation.rows if row.scheme == "neural-plc"}
    worst = choose_clips(only_words)[0]
    assert errors[worst.clip, worst.network] == max(errors.values())
    assert "wer" in worst.reason


def test_a_recorded_network_goes_before_a_harder_drawn_one(evaluation: Evaluation) -> None:
    found = hardest_trace(compare(evaluation))
    assert found is not None
    assert found.network == "call"
    over = [row for row in evaluation.rows if row.network == "call" and row.scheme == "plc"]
    assert found.clip == max(over, key=lambda row: row.loss_percent).clip
    drawn = replace(evaluation, networks=tuple(replace(network, is_recorded=False) for network in evaluation.networks))
    hardest = hardest_trace(compare(drawn))
    assert hardest is not None
    assert "the hardest network" in hardest.reason


def test_the_longest_burst_is_counted_in_packets_of_20_ms(evaluation: Evaluation) -> None:
    row = row_of(evaluation, "plc", "call", "speaker-0")
    lost = (True, False, True, True, True, False)
    finding = replace(row.finding, lost=lost, sources=(Source.PLC,) * 6)
    assert longest_burst_ms(replace(row, finding=finding)) == 60


def test_of_each_family_the_scheme_in_the_middle_of_the_rates_is_taken() -> None:
    comparison = compare(made_up_evaluation(num_clips=1, rates=(1.0, 2.0, 3.0)))
    chosen = one_per_family(comparison)
    assert [scheme.family for scheme in chosen] == list(SCHEMES)
    # The middle of all rates is 72 kb/s.
    assert [scheme.name for scheme in chosen] == [
        "clean@72",
        "zero@72",
        "plc@72",
        "neural-plc@72",
        "red@48",
        "lbrr@80",
        "dred@56",
        "dred+lbrr@72",
    ]


def test_the_demonstration_compares_clean_lbrr_and_dred(comparison: Comparison) -> None:
    assert [scheme.name for scheme in seed_schemes(comparison)] == ["clean", "lbrr", "dred"]


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (3.14159, 2, False, "3.14"),
        (-0.5, 1, True, f"{MINUS}0.5"),
        (0.5, 1, True, "+0.5"),
        (-0.0001, 2, False, "0.00"),
        (-0.0001, 2, True, "0.00"),
        (float("nan"), 2, False, NOTHING),
        (float("inf"), 2, False, NOTHING),
        (None, 2, False, NOTHING),
        (10.0, 0, False, "10"),
    ],
)
def test_numbers_are_written_for_people(value: float | None, digits: int, signed: bool, text: str) -> None:
    assert number(value, digits, signed=signed) == text


def test_estimates_carry_their_interval_if_there_is_one() -> None:
    assert in_words(Interval(3.0, 2.5, 3.5, 9), 1, "MOS") == "3.0 MOS (2.5 to 3.5)"
    assert in_words(Interval(3.0, float("nan"), float("nan"), 1), 1) == "3.0"


def test_digits_fit_the_size_of_the_values() -> None:
    assert metric_digits(PLCMOS, [4.2]) == 2
    estoi = find_metrics(["estoi"])[0]
    assert [metric_digits(estoi, [value]) for value in (0.9, 3.0, 30.0)] == [3, 2, 1]
    assert metric_digits(estoi, [float("nan")]) == 3


def test_words_are_joined_as_people_do() -> None:
    assert [list_words(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_a_scheme_is_compared_with_nothing_where_all_are_clean() -> None:
    whole = made_up_evaluation(num_clips=2)
    lossless = replace(
        whole, networks=whole.networks[:1], rows=tuple(row for row in whole.rows if row.network == "none")
    )
    comparison = compare(lossless)
    assert comparison.lossy_networks == ()
    assert comparison.damage(Named(name="dred", family="dred", title=""), PLCMOS, ["none"]) is None
    assert hardest_trace(comparison) is None
    assert choose_clips(comparison) == []
