"""How much of a core sending and receiving take, in real time.

    taskset -c 1 python benchmarks/realtime.py --shared DIR [--rate 16000] [--seconds 15]

Speech is sent with one second of redundancy and received under random losses; each figure is the median CPU time over
seven runs, divided by the duration of the speech, after one run that compiles and warms up. The last line is the
yardstick: what libopus itself takes to encode the same speech at 24 kb/s, complexity 10.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import dred
from dred.audio import read_audio, resample
from dred.channel import uniform_losses
from dred.opus import OpusEncoder, OpusEncoderConfig
from dred.weights import WeightSet, import_weights

NUM_RUNS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="the folder of reference material")
    parser.add_argument("--rate", type=int, default=16_000, help="8000, 12000, 16000, 24000 or 48000")
    parser.add_argument("--seconds", type=int, default=15, help="how much speech")
    arguments = parser.parse_args()
    weights = import_weights(arguments.shared / "weights/libopus-1.6.1.dnnw")
    speech = read_speech(arguments.shared, arguments.rate, arguments.seconds)
    packets = send(speech, arguments.rate, weights)
    print(f"{arguments.rate} Hz, {arguments.seconds} s, share of one core:")
    print(f"  send                {measure(partial(send, speech, arguments.rate, weights), arguments.seconds):6.2%}")
    for loss in (0.0, 0.1, 0.2, 0.3):
        lost = uniform_losses(len(packets), loss, np.random.default_rng(1))
        survived = [None if gone else packet for packet, gone in zip(packets, lost)]
        for priming in (True, False):
            config = dred.ReceiverConfig(rate_hz=arguments.rate, priming=priming)
            share = measure(partial(dred.recover, survived, config=config, weights=[weights]), arguments.seconds)
            print(f"  receive, {loss:3.0%} loss{'' if priming else ', unprimed':10} {share:6.2%}")
    print(f"  yardstick           {measure(partial(encode, speech, arguments.rate), arguments.seconds):6.2%}")


def read_speech(shared: Path, rate_hz: int, seconds: int) -> np.ndarray:
    clips = [read_audio(shared / line).samples[:, 0] for line in (shared / "bench/clips.txt").read_text().split()]
    return resample(np.concatenate(clips)[: 16_000 * seconds], from_hz=16_000, to_hz=rate_hz)


def send(speech: np.ndarray, rate_hz: int, weights: WeightSet) -> list[bytes]:
    sender = dred.Sender(dred.SenderConfig(rate_hz=rate_hz), weights)
    return [packet.payload for packet in sender.push(speech)]


def encode(speech: np.ndarray, rate_hz: int) -> None:
    encoder = OpusEncoder(OpusEncoderConfig(rate_hz=rate_hz, bitrate_bps=24_000, complexity=10))
    for frame in speech.reshape(-1, rate_hz // 50):
        encoder.encode(frame)


def measure(run: Callable[[], object], seconds: int) -> float:
    run()
    spent = []
    for _ in range(NUM_RUNS):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return float(np.median(spent)) / seconds


if __name__ == "__main__":
    main()
