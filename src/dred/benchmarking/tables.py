"""Results as tables for a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dred.benchmarking.results import Cost, Latency, Memory, Results, StageCost

__all__ = ["as_tables"]

_NONE = "-"


def as_tables(results: Results) -> RenderableType:
    """Return the tables, one below the other."""
    parts: list[RenderableType] = [Text(line) for line in _heading(results)]
    parts += [_stages(results), _streams(results), _redundancy(results), _many_streams(results)]
    parts += [_latency(results.latency), _memory(results.memory), _start_up(results)]
    return Group(*parts)


def _heading(results: Results) -> Iterator[str]:
    setting = results.setting
    commit = f" ({setting.commit})" if setting.commit else ""
    yield f"dred {setting.dred}{commit} on {setting.cpu}, {setting.instructions}"
    networks = f"weights {results.weights}, activations of {8 * results.activation_bytes} bits"
    yield f"Python {setting.python}, Numba {setting.numba}, {setting.libopus}, {networks}"
    yield f"{results.seconds:g} s of {results.speech}, medians of {results.num_rounds} rounds, CPU time of one core"
    yield (
        f"yardstick: {1e3 * results.yardstick_s:.2f} ms per second of speech, for libopus to encode it at 24 kb/s, "
        "complexity 10; shares are of that"
    )
    if results.against:
        yield f"against: {results.against}, called from Python as well"


def _stages(results: Results) -> Table:
    table = _table("Stages", "", "what", "cost", "share", *(("libopus", "share") if results.against else ()))
    for stage in results.stages:
        row = [stage.name, stage.what, *_stage_cost(stage, stage.ours)]
        if results.against:
            row += _stage_cost(stage, stage.theirs)
        table.add_row(*row)
    table.add_row("send", "Opus and 1 s of redundancy", _ms(results.sending), _share(results.sending))
    return table


def _streams(results: Results) -> Table:
    columns = ["lost", "primed", "streams", "unprimed", "streams"]
    table = _table("Receive streams on one core", *columns, *(("libopus", "streams") if results.against else ()))
    for stream in results.streams:
        costs = [stream.primed, stream.unprimed, *([stream.theirs] if results.against else [])]
        cells = [cell for cost in costs for cell in ((_ms(cost), str(cost.streams_per_core)) if cost else (_NONE, ""))]
        table.add_row(f"{stream.loss_percent} %", *cells)
    return table


def _redundancy(results: Results) -> Table:
    table = _table("Redundancy, cost of sending it", "of", "all", "share", "entropy coding in it")
    for each in results.redundancy:
        table.add_row(f"{each.duration_ms} ms", _ms(each.all), _share(each.all), _ms(each.coding))
    return table


def _many_streams(results: Results) -> Table:
    columns = ("FARGAN", "share", "receive, primed", "streams", "unprimed", "streams")
    table = _table("Many streams together at 30 % loss, cost of each, streams on one core", "together", *columns)
    for each in results.many_streams:
        cells = [cell for cost in (each.primed, each.unprimed) for cell in (_ms(cost), str(cost.streams_per_core))]
        table.add_row(str(each.num_streams), _ms(each.speaking), _share(each.speaking), *cells)
    return table


def _latency(latency: Latency) -> Table:
    table = _table("Waiting, by the wall clock", "", "primed", "unprimed")
    primed, unprimed = latency.tick, latency.tick_unprimed
    for name, one, other in (
        ("20 ms tick at 30 % loss, median", primed.p50_us, unprimed.p50_us),
        ("99th percentile", primed.p99_us, unprimed.p99_us),
        ("longest", primed.max_us, unprimed.max_us),
    ):
        table.add_row(name, f"{one:.0f} us", f"{other:.0f} us")
    for gap_ms, wait_ms in latency.first_recovered_ms.items():
        other_ms = latency.first_recovered_unprimed_ms[gap_ms]
        table.add_row(f"first sample of a gap of {gap_ms} ms", f"{wait_ms:.2f} ms", f"{other_ms:.2f} ms")
    return table


def _memory(memory: Memory) -> Table:
    table = _table("Memory of a receive stream", "", "primed", "unprimed")
    primed, unprimed = memory.tick, memory.tick_unprimed
    table.add_row("while it lives", *(_kb(size) for size in (memory.stream.primed, memory.stream.unprimed)))
    table.add_row("a tick takes and gives back, median", _kb(primed.median_peak), _kb(unprimed.median_peak))
    table.add_row("highest", _kb(primed.highest_peak), _kb(unprimed.highest_peak))
    return table


def _start_up(results: Results) -> Table:
    table = _table("Starting a process, compiled code on disk", "", "")
    start_up = results.start_up
    table.add_row("dred --help", f"{start_up.help_ms:.0f} ms")
    table.add_row("import", f"{start_up.import_ms:.0f} ms")
    table.add_row("first recovered sample", f"{start_up.first_audio_ms:.0f} ms")
    return table


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False, min_width=len(title) + 1)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="left" if column == "what" else "right", no_wrap=column != "what")
    return table


def _stage_cost(stage: StageCost, cost: Cost | None) -> Sequence[str]:
    if cost is None:
        return _NONE, ""
    return _ms(cost) if stage.unit == "ms_per_s" else f"{1e6 * cost.seconds:.1f} us", _share(cost)


def _ms(cost: Cost) -> str:
    return f"{1e3 * cost.seconds:.2f} ms/s"


def _share(cost: Cost) -> str:
    return f"{cost.ratio:.4f}" if cost.ratio < 0.02 else f"{cost.ratio:.3f}"


def _kb(size: int | None) -> str:
    return _NONE if size is None else f"{size / 1000:.0f} kB"
