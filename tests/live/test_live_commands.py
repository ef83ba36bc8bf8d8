"""`dred receive` and `dred send` as processes: a call over loopback with a key, ended by an interrupt."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dred.audio import read_audio, write_wav
from dred.channel import PRESETS, NetworkLosses
from dred.live import new_key
from two_ends import RATE_HZ, speech

pytestmark = pytest.mark.slow


def test_a_call_with_a_key_is_heard_until_the_interrupt(tmp_path: Path) -> None:
    write_wav(tmp_path / "speech.wav", speech(6.0), RATE_HZ)
    (tmp_path / "call.key").write_text(new_key())
    key = ("--key-file", str(tmp_path / "call.key"))
    dred = (sys.executable, "-m", "dred")
    limits = ("--dred-ms", "0", "--budget", "40000")
    plain = ("--no-dred", "--plc", "classic")
    receiving = subprocess.Popen(
        [*dred, "receive", "127.0.0.1:0", str(tmp_path / "heard.wav"), "--stay", *key, *plain],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert receiving.stdout is not None
    address = receiving.stdout.readline().split()[2].rstrip(",")
    sent = subprocess.run(
        [*dred, "send", address, str(tmp_path / "speech.wav"), *key, *limits, "--seconds", "2", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    receiving.send_signal(signal.SIGINT)
    told, _ = receiving.communicate(timeout=20)
    assert (sent.returncode, receiving.returncode) == (0, 0), sent.stderr + told
    lines = [json.loads(line) for line in sent.stdout.splitlines()]
    assert lines[-1]["summary"]["packets"] == pytest.approx(100, abs=10)
    assert "kb/s of Opus" in lines[-1]["summary"]["plan"], "a controller divides the budget"
    assert "heard.wav: what was heard" in told
    assert len(read_audio(tmp_path / "heard.wav").samples) > 48_000


def test_a_named_network_throws_away_what_it_would_lose(tmp_path: Path) -> None:
    write_wav(tmp_path / "speech.wav", speech(3.0), RATE_HZ)
    send = (sys.executable, "-m", "dred", "send", "127.0.0.1:9", str(tmp_path / "speech.wav"), "--dred-ms", "0")
    network = ("--network", "train", "--seed", "6")
    sent = subprocess.run([*send, *network, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(sent.stdout.splitlines()[-1])["summary"]
    losses = NetworkLosses(config=PRESETS["train"].config).draw(told["packets"], np.random.default_rng(6))
    assert told["packets"] >= 150
    assert told["dropped"] == losses.sum() > 0
