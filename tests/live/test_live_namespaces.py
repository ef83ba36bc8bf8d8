"""`dred send` and `dred receive` in two network namespaces, with a key, over a lossy network in between."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from two_namespaces import THERE, Namespace, two_namespaces

from dred.audio import read_audio, write_wav
from dred.channel import PRESETS
from dred.live import new_key
from two_ends import RATE_HZ, speech

pytestmark = [pytest.mark.slow, pytest.mark.reference]

SECONDS = 6.0
RECEIVER_PORT, RELAY_PORT = 5006, 5004
CALL_S = 60.0
RELAY = Path(__file__).with_name("network_relay.py")


@dataclass(frozen=True, kw_only=True)
class Told:
    """The last line of both ends, and what was heard."""

    sender: dict[str, Any]
    receiver: dict[str, Any]
    heard_s: float


@pytest.fixture
def ends() -> Iterator[tuple[Namespace, Namespace]]:
    with two_namespaces() as made:
        yield made


@contextmanager
def running(namespace: Namespace, arguments: list[object], weights: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a program and wait for its first line; end it, however."""
    with namespace.start(arguments, {"DRED_WEIGHTS": str(weights)}) as program:
        try:
            assert program.stdout is not None
            first = program.stdout.readline()
            assert first, program.communicate()[1]
            yield program
        finally:
            program.kill()


def call(ends: tuple[Namespace, Namespace], to_port: int, weights: Path, folder: Path) -> Told:
    """Talk from one namespace to the other for some seconds."""
    here, there = ends
    write_wav(folder / "speech.wav", speech(SECONDS), RATE_HZ)
    (folder / "call.key").write_text(new_key())
    dred, key = ("-m", "dred"), ("--key-file", folder / "call.key", "--json")
    receive: list[object] = [*dred, "receive", f"{THERE}:{RECEIVER_PORT}", folder / "heard.wav", *key]
    send: list[object] = [*dred, "send", f"{THERE}:{to_port}", folder / "speech.wav", "--fec", *key]
    with running(there, receive, weights) as receiving, running(here, send, weights) as sending:
        sent, sender_problem = sending.communicate(timeout=CALL_S)
        heard, receiver_problem = receiving.communicate(timeout=CALL_S)
    assert (sending.returncode, receiving.returncode) == (0, 0), sender_problem + receiver_problem
    return Told(
        sender=json.loads(sent.splitlines()[-1])["summary"],
        receiver=json.loads(heard.splitlines()[-1])["summary"],
        heard_s=len(read_audio(folder / "heard.wav").samples) / 48_000,
    )


@contextmanager
def relayed(namespace: Namespace, preset: str, weights: Path) -> Iterator[Callable[[], dict[str, int]]]:
    """Put a network in front of the receiver; what is given ends it and tells what it carried."""
    words: list[object] = [RELAY, preset, 1, THERE, RELAY_PORT, THERE, RECEIVER_PORT]
    with running(namespace, words, weights) as program:

        def end() -> dict[str, int]:
            program.send_signal(signal.SIGTERM)
            return dict(json.loads(program.communicate(timeout=CALL_S)[0].splitlines()[-1]))

        yield end


def test_a_call_over_a_named_network_is_repaired(
    ends: tuple[Namespace, Namespace], installed_weights: Path, tmp_path: Path
) -> None:
    network = PRESETS["lossy-wifi"]
    with relayed(ends[1], network.name, installed_weights) as end_relay:
        told = call(ends, RELAY_PORT, installed_weights, tmp_path)
        carried = end_relay()
    assert carried["rtp"] == told.sender["packets"] == pytest.approx(SECONDS * 50, abs=10)
    # What was lost before the first packet or behind the last one, nobody can count.
    assert 0 < told.receiver["lost"] <= carried["rtp_lost"] <= told.receiver["lost"] + 10
    check_that_losses_are_repaired(told)
    assert told.receiver["round_trip_ms"] >= 2 * network.config.delay_ms


def test_a_call_over_the_kernels_own_lossy_network_is_repaired(
    ends: tuple[Namespace, Namespace], installed_weights: Path, tmp_path: Path
) -> None:
    ends[0].add_netem("delay", "30ms", "5ms", "loss", "10%")
    ends[1].add_netem("delay", "30ms")
    told = call(ends, RECEIVER_PORT, installed_weights, tmp_path)
    # Ten percent of 300 packets, within four standard deviations.
    assert 9 <= told.receiver["lost"] <= 51
    check_that_losses_are_repaired(told)
    assert told.receiver["round_trip_ms"] >= 55


def check_that_losses_are_repaired(told: Told) -> None:
    """Half of what is lost, at least: there are pauses, which nobody describes."""
    played_ms = told.receiver["played_ms"]
    assert played_ms["dred"] > 0
    assert played_ms["dred"] + played_ms["lbrr"] >= 10 * told.receiver["lost"]
    assert told.heard_s >= SECONDS - 0.5
    # Reports came back, and nobody saw a datagram that was not meant for it.
    assert told.sender["lost_percent"] is not None
    assert (told.sender["refused"], told.receiver["refused"]) == (0, 0)
