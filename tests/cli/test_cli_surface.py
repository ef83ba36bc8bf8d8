"""What users may rely on: commands, options, defaults, examples, and that help comes at once."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest
from in_process import Run
from typer.main import get_command

from dred import DredConfig, ReceiverConfig, SenderConfig, __version__
from dred.cli import build_app

# Options are a promise. A change of this table is a decision, and one for the changelog.
OPTIONS = {
    "": "--version",
    "encode": "--application --bandwidth --bitrate --cbr --channels --complexity --dq --dred-max-bytes --dred-ms "
    "--dred-version --dtx --expected-loss --fec --frame-ms --json --q0 --qmax --red --total-bitrate --vbr --weights",
    "decode": "--channels --json --lookahead-ms --no-dred --no-lbrr --no-priming --no-red --plc --priming --rate "
    "--trace --weights",
    "inspect": "--features --json --latents --weights",
    "send": "--bitrate --budget --burst --device --dred-ms --expected-loss --fec --insecure --json --key --key-file "
    "--loss --mtu --network --red --repeat --seconds --seed --weights",
    "receive": "--adaptive --delay-ms --device --fixed-delay --insecure --json --key --key-file --no-dred --no-lbrr "
    "--no-red --plc --rate --seconds --stay",
    "doctor": "--json",
    "warmup": "",
    "bench": "--activation-bytes --against --json --plot --quick --speech --weights",
    "evaluate": "--clips --dask --jobs --json --metrics --out --speech --traces --weights",
    "train": "--corpus --device --minutes --name --out --seed --start --steps --tensorboard --weights",
    "corpus": "",
    "corpus build": "--codec --formants --jobs --max-pause-ms --noises --out --rooms --seed --tempo --variants "
    "--weights",
    "corpus fetch": "--out",
    "corpus synthesise": "--language --minutes --mixed --seed --text --voices",
    "listen": "",
    "listen serve": "--any-network --by-network --clips --host --method --networks --per-rater --port --schemes --seed",
    "listen results": "--csv --headphones --json --max-failed-traps --min-correlation --votes",
    "studio": "--host --network --port --seed",
    "network": "",
    "network list": "--json",
    "network show": "--json --out --packet-bytes --seconds --seed",
    "trace": "",
    "trace show": "--json --model",
    "trace fit": "--out --seed --states",
    "trace draw": "--burst-ms --loss --model --out --packets --seed",
    "trace plot": "--draws --json --model --out --seed",
    "weights": "",
    "weights list": "--json",
    "weights install": "",
    "weights import": "--name --tables",
    "weights export": "--tables",
    "weights combine": "--card --fargan --licence --lpcnet --name --pitch --plc --rdovae",
    "weights prior": "--corpus --name --seed --steps",
    "weights show": "--json",
    "weights remove": "",
}
# Those of the bitstream and the network that simulate shares, under the same names.
SIMULATE_AT_LEAST = (
    "--bitrate --burst --dq --dred-ms --json --loss --network --q0 --qmax --red --seed --trace --weights"
)

HEAVY = ("numpy", "numba", "torch", "soundfile", "soxr", "av", "safetensors", "jinja2")


def walk(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it."""
    yield name, command
    for word, below in getattr(command, "commands", {}).items():
        yield from walk(below, f"{name} {word}".strip())


COMMANDS = dict(walk(get_command(build_app())))


def options_of(command: Any) -> set[str]:
    names = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return {name for name in names if name.startswith("--")}


def test_these_are_all_commands() -> None:
    assert set(COMMANDS) == {*OPTIONS, "simulate"}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_these_and_no_others(name: str) -> None:
    assert options_of(COMMANDS[name]) == set(OPTIONS[name].split())


def test_simulate_shares_its_names_with_the_other_commands() -> None:
    assert options_of(COMMANDS["simulate"]) >= set(SIMULATE_AT_LEAST.split())


def test_every_option_has_help() -> None:
    silent = [
        f"{name} {option.name}"
        for name, command in COMMANDS.items()
        for option in command.params
        if option.name != "help" and not option.help
    ]
    assert not silent


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name not in ("", "corpus", "network", "trace", "weights")]
)
def test_help_of_each_command_has_an_example(dred: Run, name: str) -> None:
    outcome = dred(*name.split(), "--help")
    assert outcome.code == 0
    lines = [line.strip() for line in outcome.out.splitlines()]
    assert "Examples:" in lines
    assert any(line == f"dred {name}" or line.startswith(f"dred {name} ") for line in lines)


def test_no_arguments_show_the_commands(dred: Run) -> None:
    outcome = dred()
    assert outcome.code == 0
    assert all(f" {name} " in outcome.out for name in OPTIONS if name and " " not in name)


DEFAULTS = [
    ("encode", DredConfig, {"version": "dred_version", "max_bytes": "dred_max_bytes", "duration_ms": "dred_ms"}),
    ("encode", SenderConfig, {"bitrate_bps": "bitrate", "total_bitrate_bps": "total_bitrate", "in_band_fec": "fec"}),
    ("decode", ReceiverConfig, {"rate_hz": "rate"}),
]
# Told by the input, or given the other way around.
NOT_OPTIONS = {
    DredConfig: set(),
    SenderConfig: {"rate_hz", "channels", "expected_loss_percent", "dred", "sequence", "timestamp"},
    ReceiverConfig: {"channels", "delay_ms", "adaptive", "use_red", "use_lbrr", "use_dred", "max_conceal_ms"},
}


@pytest.mark.parametrize(("name", "config", "renamed"), DEFAULTS)
def test_defaults_are_those_of_the_api(name: str, config: type, renamed: dict[str, str]) -> None:
    command = inspect.signature(getattr(import_module("dred.cli"), name))
    expected = {field.name: field.default for field in fields(config) if field.name not in NOT_OPTIONS[config]}
    assert {key: command.parameters[renamed.get(key, key)].default for key in expected} == expected


def test_help_and_version_import_nothing_heavy() -> None:
    script = (
        "import sys; from dred.cli import main; main(['--help']); main(['encode', '--help']); main(['--version']); "
        "print('loaded:', *sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = done.stdout.rpartition("loaded:")[2].split()
    assert "typer" in loaded
    assert not [name for name in HEAVY if name in loaded]


def test_the_module_runs_like_the_script() -> None:
    done = subprocess.run([sys.executable, "-m", "dred", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"dred {__version__}\n"


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m dred doctor --json"
    done = subprocess.run(f"{command} | true", shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""
