"""What only a fresh process can tell: `python -m dred.benchmarking.fresh QUESTION WEIGHTS PACKETS`.

    first-audio -> the clock's time when the first recovered samples were there
    memory      -> bytes per stream, or null
    unprimed-memory

WEIGHTS names an installed set, PACKETS is a file of JSON: packets in hexadecimal. Nothing is imported that the answer
does not need.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["FIRST_AUDIO", "MEMORY", "UNPRIMED_MEMORY", "main"]

FIRST_AUDIO, MEMORY, UNPRIMED_MEMORY = "first-audio", "memory", "unprimed-memory"

_NUM_STREAMS = 40
_GAP = range(10, 15)


def main(question: str, weights_name: str, path: str) -> None:
    """Print the answer, as JSON."""
    packets = [bytes.fromhex(packet) for packet in json.loads(Path(path).read_text())]
    if question == FIRST_AUDIO:
        answer: float | int | None = _first_audio(packets, weights_name)
    else:
        answer = _memory(packets, weights_name, priming=question == MEMORY)
    print(json.dumps(answer))


def _first_audio(packets: Sequence[bytes], weights_name: str) -> float:
    from dred.assembly import Receiver
    from dred.receiver import Played, ReceiverConfig, Source
    from dred.timebase import DOUBLE_FRAME_SAMPLES, SAMPLE_RATE_HZ, samples_to_rtp
    from dred.weights import load

    receiver = Receiver(ReceiverConfig(rate_hz=SAMPLE_RATE_HZ, delay_ms=0.0), [load(weights_name)])
    packet_rtp = samples_to_rtp(DOUBLE_FRAME_SAMPLES)
    for number, packet in enumerate(packets[: _GAP.stop + 1]):
        if number not in _GAP:
            receiver.receive(packet, number, number * packet_rtp, 0.0)
    while True:
        _, events = receiver.play(DOUBLE_FRAME_SAMPLES, 0.0)
        if any(isinstance(event, Played) and event.source is Source.DRED for event in events):
            return time.time()


def _memory(packets: Sequence[bytes], weights_name: str, *, priming: bool) -> int | None:
    from dred.benchmarking.memory import bytes_per_stream
    from dred.weights import load

    return bytes_per_stream(packets, load(weights_name), num_streams=_NUM_STREAMS, priming=priming)


if __name__ == "__main__":
    main(*sys.argv[1:])
