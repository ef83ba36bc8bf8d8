"""What a benchmark leaves: JSON with the promised keys, tables and a picture with the same numbers."""

import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from rich.console import Console
from tiny_effort import TINY

from dred.benchmarking.against import open_library
from dred.benchmarking.material import Material
from dred.benchmarking.plot import render_plot
from dred.benchmarking.results import Results
from dred.benchmarking.run import run_benchmark
from dred.benchmarking.tables import as_tables
from dred.errors import UsageError
from dred.opus import load_libopus

pytestmark = pytest.mark.reference

# A promise to scripts.
STAGES = {
    "features": "ms_per_s",
    "rdovae_encode": "ms_per_s",
    "dred_encode": "ms_per_s",
    "parse": "us",
    "rdovae_decode": "us",
    "fargan": "ms_per_s",
    "fargan_64_streams": "ms_per_s",
    "conceal": "us",
}


def test_every_stage_has_a_cost_and_a_share(results: Results) -> None:
    found = results.as_json()
    assert found["yardstick_ms_per_s"] > 0
    for name, unit in STAGES.items():
        assert set(found["stages"][name]) == {unit, "ratio"}
        assert found["stages"][name][unit] > 0
        per_second = found["stages"][name][unit] / (1000 if unit == "us" else 1)
        # In a single round, the median share is the share of the medians.
        assert found["stages"][name]["ratio"] == pytest.approx(per_second / found["yardstick_ms_per_s"])


def test_streams_per_core_follow_from_their_costs(results: Results) -> None:
    found = results.as_json()
    alone = {f"{loss}{kind}" for loss in (0, 10, 20, 30) for kind in ("", "_unprimed")}
    assert set(found["streams_per_core"]) == alone | {"30_bank", "30_unprimed_bank"}
    cheapest = min(crowd["unprimed"]["ms_per_s"] for crowd in found["many_streams"])
    assert found["streams_per_core"]["30_unprimed_bank"] == int(1000 / cheapest)
    for loss, costs in found["streams"].items():
        assert found["streams_per_core"][loss] == int(1000 / costs["primed"]["ms_per_s"])
        assert found["streams_per_core"][f"{loss}_unprimed"] == int(1000 / costs["unprimed"]["ms_per_s"])


def test_all_the_rest_is_there(results: Results) -> None:
    found = json.loads(json.dumps(results.as_json()))
    assert [each["duration_ms"] for each in found["redundancy"]] == list(range(100, 1001, 100))
    assert [each["streams"] for each in found["many_streams"]] == [1, 3]
    assert (
        found["latency"]["tick"]["p50_us"] <= found["latency"]["tick"]["p99_us"] <= found["latency"]["tick"]["max_us"]
    )
    assert set(found["latency"]["first_recovered_ms"]) == {"20", "1000"}
    assert found["memory"]["tick"]["median_peak"] <= found["memory"]["tick"]["highest_peak"]
    assert set(found["start_up"]) == {"help_ms", "import_ms", "first_audio_ms"}
    assert found["start_up"]["first_audio_ms"] > 0
    assert found["machine"]["instructions"]
    assert found["against"] is None


def test_a_stream_that_runs_takes_memory(results: Results) -> None:
    if results.memory.stream.primed is None:
        pytest.skip("this system does not tell what a process has")
    # A decoder of libopus alone has 18 kB.
    assert results.memory.stream.primed > 18_000


def test_the_tables_show_every_stage_and_loss(results: Results) -> None:
    console = Console(width=140, file=io.StringIO())
    with console.capture() as capture:
        console.print(as_tables(results))
    text = capture.get()
    assert all(f"\n{stage.name} " in text for stage in results.stages)
    assert all(f"\n{loss} % " in text for loss in (0, 10, 20, 30))
    assert f"{1000 * results.yardstick_s:.2f} ms per second" in text


def test_the_picture_is_sound_and_has_a_line_per_panel(results: Results) -> None:
    root = ElementTree.fromstring(render_plot(results))
    namespace = "{http://www.w3.org/2000/svg}"
    lines = [
        [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
        for line in root.iter(f"{namespace}polyline")
    ]
    assert [len(line) for line in lines] == [4, 4, 10, 10, 2, 2, 2]
    bars = [float(bar.get("width", 0)) for bar in root.iter(f"{namespace}rect")][1:]
    shares = [stage.ours.ratio for stage in results.stages if stage.unit == "ms_per_s"]
    assert bars == pytest.approx([230 * share / max(shares) for share in shares], abs=0.1)


def test_a_libopus_without_dred_is_refused() -> None:
    library = load_libopus()
    with pytest.raises(UsageError, match="is built without DRED"):
        open_library(library.capabilities.path)


@pytest.mark.oracle
def test_another_libopus_is_timed_side_by_side(oracle_path: Path, material: Material) -> None:
    found = run_benchmark(material, TINY, speech_name="speech.flac", library=open_library(oracle_path)).as_json()
    assert found["against"].startswith("libopus")
    theirs = {name for name, stage in found["stages"].items() if "libopus" in stage}
    assert theirs == {"dred_encode", "parse", "rdovae_decode", "fargan", "conceal", "decode"}
    assert all(stage["libopus"]["ratio"] > 0 for stage in found["stages"].values() if "libopus" in stage)
    assert found["streams_per_core"]["30_libopus"] > 0
