"""One stream's sender and receiver as pieces of work, in virtual time, one packet per tick of 20 ms."""

from collections.abc import Callable, Sequence

from dred.assembly import Receiver, Sender
from dred.benchmarking.material import Material, lose
from dred.benchmarking.rounds import Work
from dred.receiver import ReceiverConfig
from dred.sender import DredConfig, SenderConfig
from dred.timebase import DOUBLE_FRAME_MS, DOUBLE_FRAME_SAMPLES, SAMPLE_RATE_HZ, ms_to_rtp
from dred.weights import WeightSet

__all__ = ["LOSSES_PERCENT", "PACKET_RTP", "make_receiver", "play_tick", "receiving", "sending"]

LOSSES_PERCENT = (0, 10, 20, 30)
"""The shares of lost packets that are measured, each packet on its own."""

PACKET_RTP = ms_to_rtp(DOUBLE_FRAME_MS)


def sending(material: Material) -> Work:
    """Return the work of sending: Opus at 24 kb/s and one second of redundancy, at 16 kHz."""
    config = SenderConfig(rate_hz=SAMPLE_RATE_HZ, dred=DredConfig(version=material.version.name))
    blocks = material.speech.reshape(-1, DOUBLE_FRAME_SAMPLES)

    def prepare() -> Callable[[], object]:
        sender = Sender(config, material.weights)

        def run() -> None:
            for block in blocks:
                list(sender.push(block))

        return run

    return Work(prepare=prepare, amount=material.seconds)


def make_receiver(weights: WeightSet, *, priming: bool, activation_bytes: int = 2) -> Receiver:
    """Return a receiver that plays at 16 kHz."""
    config = ReceiverConfig(rate_hz=SAMPLE_RATE_HZ, priming=priming)
    return Receiver(config, [weights], activation_bytes=activation_bytes)


def receiving(material: Material, *, loss_percent: int, priming: bool) -> Work:
    """Return the work of receiving under losses, with the default delay of playing."""
    packets = lose(material.packets, loss_percent / 100)

    def prepare() -> Callable[[], object]:
        stream = make_receiver(material.weights, priming=priming, activation_bytes=material.activation_bytes)

        def run() -> None:
            for number in range(len(packets)):
                play_tick(stream, packets, number)

        return run

    return Work(prepare=prepare, amount=material.seconds)


def play_tick(stream: Receiver, packets: Sequence[bytes | None], number: int) -> None:
    """Hand in the packet of a tick, if it was not lost, and play 20 ms."""
    now_ms = float(number * DOUBLE_FRAME_MS)
    packet = packets[number]
    if packet is not None:
        stream.receive(packet, number & 0xFFFF, number * PACKET_RTP, now_ms)
    stream.play(DOUBLE_FRAME_SAMPLES, now_ms)
