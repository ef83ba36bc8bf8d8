"""After `dred warmup` nothing is compiled any more, whatever a call is like."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Runs in a process of its own, where no test has called a kernel before.
SCRIPT = """
import importlib
import pkgutil
import sys

import numpy as np

import dred
from dred import DredConfig, ReceiverConfig, Sender, SenderConfig, recover
from dred.assembly import Receiver
from dred.banks import SenderBank
from dred.cli.kernel_tour import compile_all
from dred.receiver.bank import ReceiveBank
from dred.weights import load

for module in pkgutil.walk_packages(dred.__path__, "dred."):
    if module.name != "dred.__main__":
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            # An extra that is not installed: it has no kernels to compile.
            assert error.name.partition(".")[0] != "dred", error


def compiled():
    kernels = [
        value
        for name, module in sys.modules.items()
        if name.startswith("dred.")
        for value in vars(module).values()
        if hasattr(value, "overloads")
    ]
    return {f"{kernel.py_func.__module__}.{kernel.py_func.__qualname__} {types}"
            for kernel in kernels for types in kernel.overloads}


def call(receiver, **sender):
    config = SenderConfig(**sender)
    pcm = rng.uniform(-0.3, 0.3, (config.rate_hz, config.channels)).astype(np.float32)
    packets = [packet.payload for packet in Sender(config).push(pcm)]
    gap = range(len(packets) // 2, len(packets) // 2 + 5)
    survived = [None if n in gap or rng.random() < 0.3 else packet for n, packet in enumerate(packets)]
    recover([packets[0], *survived[1:]], config=receiver)
    bank = ReceiveBank([Receiver(receiver) for _ in range(3)])
    for n, packet in enumerate(survived):
        if packet is not None:
            for place in range(len(bank)):
                bank.receive(place, packet, n, n * config.frame_ms * 48, n * float(config.frame_ms))
        bank.play(receiver.rate_hz * config.frame_ms // 1000, n * float(config.frame_ms))


rng = np.random.default_rng(1)
compile_all(load())
before = compiled()
call(ReceiverConfig(), rate_hz=48_000)
call(ReceiverConfig(rate_hz=16_000, priming=False), rate_hz=16_000, frame_ms=10)
call(ReceiverConfig(rate_hz=8_000, plc="classic"), rate_hz=8_000, frame_ms=60, in_band_fec=True)
call(ReceiverConfig(channels=2), rate_hz=44_100, channels=2, dred=DredConfig(version="10"))
call(ReceiverConfig(rate_hz=24_000), rate_hz=24_000, total_bitrate_bps=48_000, dred=DredConfig(version="final", dq=0))
call(ReceiverConfig(), rate_hz=48_000, dred=DredConfig(version="201"))
with SenderBank(3, SenderConfig(rate_hz=16_000)) as senders:
    senders.push(rng.uniform(-0.3, 0.3, (3, 16_000)).astype(np.float32))
print(len(before) > 0, *sorted(compiled() - before), sep="\\n")
"""


@pytest.mark.reference
def test_calls_of_all_kinds_need_nothing_that_warmup_did_not_compile(installed_weights: Path) -> None:
    environment = os.environ | {"DRED_WEIGHTS": str(installed_weights)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
