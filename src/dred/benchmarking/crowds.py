"""Many receivers stepped together, as pieces of work."""

from collections.abc import Callable, Sequence

from dred.benchmarking.material import PACKETS_PER_S, Material, lose
from dred.benchmarking.rounds import Work
from dred.benchmarking.streams import PACKET_RTP, make_receiver
from dred.receiver.bank import ReceiveBank
from dred.timebase import DOUBLE_FRAME_MS, DOUBLE_FRAME_SAMPLES

__all__ = ["receiving_together"]

_LOSS = 0.3
# Until here nothing is lost and nothing timed: a call that is under way is what costs.
_LEAD_IN = 60
# Few streams are looked at for longer, as losses do not fall evenly on few packets.
_LONGEST_S, _SHORTEST_S, _ALL_S = 2.0, 0.5, 16.0


def receiving_together(material: Material, *, num_streams: int, priming: bool) -> Work:
    """Return the work of playing many streams at 30 % loss, each with its own losses; amount in all seconds."""
    seconds = min(_LONGEST_S, max(_SHORTEST_S, _ALL_S / num_streams))
    num_ticks = min(int(seconds * PACKETS_PER_S), len(material.packets) - _LEAD_IN)
    losses = lose(material.packets, _LOSS)
    streams = [[*material.packets[:_LEAD_IN], *_from(losses, 7 * number, num_ticks)] for number in range(num_streams)]

    def prepare() -> Callable[[], object]:
        bank = ReceiveBank(
            [
                make_receiver(material.weights, priming=priming, activation_bytes=material.activation_bytes)
                for _ in streams
            ]
        )
        for tick in range(_LEAD_IN):
            _play_tick(bank, streams, tick)

        def run() -> None:
            for tick in range(_LEAD_IN, _LEAD_IN + num_ticks):
                _play_tick(bank, streams, tick)

        return run

    return Work(prepare=prepare, amount=num_streams * num_ticks / PACKETS_PER_S)


def _from(packets: Sequence[bytes | None], first: int, number: int) -> list[bytes | None]:
    """Return so many packets from one on, going round."""
    return [packets[(first + n) % len(packets)] for n in range(number)]


def _play_tick(bank: ReceiveBank, streams: Sequence[Sequence[bytes | None]], number: int) -> None:
    now_ms = float(number * DOUBLE_FRAME_MS)
    for place, packets in enumerate(streams):
        packet = packets[number]
        if packet is not None:
            bank.receive(place, packet, number, number * PACKET_RTP, now_ms)
    bank.play(DOUBLE_FRAME_SAMPLES, now_ms)
