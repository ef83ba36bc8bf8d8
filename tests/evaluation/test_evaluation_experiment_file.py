"""Experiments as TOML: what becomes of each key, and what is refused."""

from pathlib import Path

import pytest

from dred.errors import FileFormatError, UsageError
from dred.evaluation.experiment import DEFAULT_METRICS, Experiment
from dred.evaluation.experiment_file import parse_experiment, read_experiment

EXPERIMENTS = sorted((Path(__file__).resolve().parents[2] / "experiments").glob("*.toml"))
LEAST = '[[scheme]]\nname = "plc"\n[[network]]\nname = "quiet"\n'


def parse(text: str) -> Experiment:
    return parse_experiment(text.encode(), name="test")


def test_little_needs_to_be_said() -> None:
    experiment = parse(LEAST)
    assert (experiment.name, experiment.title, experiment.seed) == ("test", "test", 1)
    assert experiment.metrics == DEFAULT_METRICS
    assert [scheme.name for scheme in experiment.schemes] == ["plc"]
    assert [network.model for network in experiment.networks] == ["none"]


def test_every_key_reaches_its_field() -> None:
    experiment = parse(
        """
        title = "A title"
        seed = 7
        metrics = ["plcmos"]
        clips = {count = 3, min_seconds = 2, max_seconds = 9.5}
        [[scheme]]
        name = "dred"
        title = "words"
        total_bitrate_bps = 48000
        dred = {duration_ms = 500, q0 = 4}
        bandwidth = "wide"
        priming = false
        [[network]]
        name = "bursts"
        model = "gilbert-elliott"
        loss_percent = 20
        mean_burst = 3
        bursts_ms = [120, 320]
        """
    )
    (scheme,), (network,) = experiment.schemes, experiment.networks
    assert (experiment.title, experiment.seed, experiment.metrics) == ("A title", 7, ("plcmos",))
    assert (experiment.clips.count, experiment.clips.min_seconds, experiment.clips.max_seconds) == (3, 2, 9.5)
    assert scheme.dred is not None
    assert (scheme.dred.duration_ms, scheme.dred.q0, scheme.total_bitrate_bps) == (500, 4, 48_000)
    assert (scheme.title, scheme.bandwidth, scheme.priming) == ("words", "wide", False)
    assert (network.loss_percent, network.mean_burst, network.bursts_ms) == (20, 3, (120, 320))


def test_a_list_of_rates_makes_a_family_of_schemes() -> None:
    experiment = parse(
        '[[scheme]]\nname = "plc"\ntotal_bitrate_bps = [24000, 32500]\n'
        '[[network]]\nname = "uniform"\nmodel = "uniform"\nloss_percent = [5, 10.5]\n'
    )
    assert [(scheme.name, scheme.family) for scheme in experiment.schemes] == [("plc@24", "plc"), ("plc@32.5", "plc")]
    assert [scheme.total_bitrate_bps for scheme in experiment.schemes] == [24_000, 32_500]
    assert [(entry.name, entry.loss_percent) for entry in experiment.networks] == [
        ("uniform@5", 5),
        ("uniform@10.5", 10.5),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LEAST + "[nonsense]", "unknown key 'nonsense'"),
        ('name = "x"\n' + LEAST, "unknown key 'name'"),
        (LEAST.replace('"plc"', '"plc"\nspeed = 3'), "unknown key 'speed' in scheme plc"),
        (LEAST.replace('name = "plc"', "priming = true"), "missing"),
        (LEAST.replace('"plc"', '"plc"\nbitrate_bps = "fast"'), "bitrate_bps in scheme plc is of type int"),
        (LEAST.replace('"plc"', '"plc"\nbitrate_bps = true'), "bitrate_bps in scheme plc is of type int"),
        (LEAST.replace('"plc"', '"plc"\nbitrate_bps = []'), "list of 1 to 100"),
        (LEAST.replace('"plc"', '"plc"\nbitrate_bps = 1'), "bitrate must be 6000"),
        (LEAST.replace('"plc"', '"plc"\ndred = 5'), "dred in scheme plc is a table"),
        (LEAST.replace('"plc"', '"plc"\ndred = {q0 = 16}'), "q0 must be 0 to 15"),
        (LEAST.replace('"quiet"', '"quiet"\nmodel = "storm"'), "gilbert-elliott"),
        (LEAST.replace('"quiet"', '"quiet"\nmodel = "uniform"'), "needs loss_percent"),
        (LEAST.replace('"quiet"', '"quiet"\nbursts_ms = [5]'), "list of 2"),
        (LEAST.replace('"quiet"', '"quiet"\nbursts_ms = [5, 4]'), "rising"),
        ('metrics = ["taste"]\n' + LEAST, "plcmos"),
        ("metrics = 3\n" + LEAST, "metrics in experiment is a list"),
        ("seed = -1\n" + LEAST, "seed must be at least 0"),
        (LEAST + '[[scheme]]\nname = "plc"\n', "'plc' twice"),
        ('[[network]]\nname = "quiet"\n', "at least one scheme"),
        ('scheme = "plc"\n', "tables"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse(text)


@pytest.mark.parametrize("data", [b"= 3", b"\xff", b"a = 1\na = 2", b"a = " + b"[" * 100_000], ids=range(4))
def test_what_is_not_toml_is_refused(data: bytes) -> None:
    with pytest.raises(FileFormatError, match="TOML"):
        parse_experiment(data, name="test")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_experiment(tmp_path / "none.toml")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_experiments_that_come_along_are_sound(path: Path) -> None:
    experiment = read_experiment(path)
    assert experiment.name == path.stem
    assert any(not scheme.is_lossy for scheme in experiment.schemes)
