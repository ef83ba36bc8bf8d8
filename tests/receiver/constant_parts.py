"""A receiver whose every source yields another constant, so that decisions can be read off the samples.

| source                                | value                      |
|---------------------------------------|----------------------------|
| regular packet or RED copy number n   | n                          |
| LBRR in packet number n               | n - 0.5                    |
| row r of a packet's redundancy        | 0.25 + r / 1024            |
| the predictor's guess                 | -0.5                       |
| anything that went through the primer | -2                         |
| the codec's own concealment           | -1                         |
"""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np

from dred.bitstream import DredHeader, DredVersion, PayloadTables, SymbolTables, parse_payload, write_payload
from dred.errors import OpusFormatError, UsageError
from dred.opus import Toc, add_extension, parse_packet, write_packet
from dred.receiver import (
    Event,
    NeuralParts,
    PacketDropped,
    Played,
    ReceiverConfig,
    ReceiveStream,
    RedundancyReader,
)
from dred.rtp import RedBlock
from dred.timebase import rtp_to_samples
from dred.vocoder import SpeechRequest

RATE_HZ = 16_000
PACKET_RTP = 960
CONCEALED = -1.0
GUESSED = -0.5
PRIMED = -2.0

# Configs of the TOC. Source: RFC 6716 table 2.
SILK_10, SILK_20, SILK_40, SILK_60 = 8, 9, 10, 11
HYBRID_20 = 15
CELT_2_5, CELT_20 = 28, 31

_MAGIC = b"pk"
_VERSION = DredVersion(name="test", extension_id=126, prefix=b"D\xff", latent_dim=6, state_dim=9, libopus_release="")


def _invent_tables() -> PayloadTables:
    rng = np.random.default_rng(7)

    def invent(dim: int) -> SymbolTables:
        shape = (16, dim)
        return SymbolTables(
            scale_q8=rng.integers(1, 256, shape).astype(np.uint8),
            dead_zone_q8=rng.integers(0, 256, shape).astype(np.uint8),
            r_q8=rng.integers(64, 192, shape).astype(np.uint8),
            p0_q8=rng.integers(16, 64, shape).astype(np.uint8),
        )

    return PayloadTables(version=_VERSION, latent=invent(6), state=invent(9))


TABLES = _invent_tables()


def make_packet(
    number: int,
    *,
    config: int = SILK_20,
    num_frames: int = 1,
    stereo: bool = False,
    lbrr: bool = False,
    num_latents: int = 0,
    offset_ticks: int = 10,
) -> bytes:
    """Make a packet that keeps the rules of Opus, and of which `ConstantCodec` plays its number."""
    toc = Toc(config=config, stereo=stereo)
    num_silk_frames = max(1, toc.frame_duration_rtp // 960)
    flags = 1 << (7 - num_silk_frames) if lbrr else 0
    frame = bytes([flags]) + _MAGIC + number.to_bytes(4, "big")
    packet = write_packet(toc, [frame] * num_frames)
    if num_latents:
        packet = add_extension(packet, _VERSION.extension_id, _VERSION.prefix + make_payload(num_latents, offset_ticks))
    return packet


@cache
def make_payload(num_latents: int, offset_ticks: int = 10) -> bytes:
    """Write redundancy of so many latents; what they hold is of no meaning here."""
    symbols = np.ones((num_latents, 6), np.int32)
    header = DredHeader(q0=3, dq=0, qmax=15, offset_ticks=offset_ticks)
    data = write_payload(header, np.ones(9, np.int32), symbols, TABLES).data
    assert parse_payload(data, TABLES).num_latents == num_latents
    return data


def make_dtx_packet() -> bytes:
    """Make the packet that says that the sender pauses: a TOC alone."""
    return write_packet(Toc(config=SILK_20), [b""])


class ConstantCodec:
    """A decoder that is as strict about lengths as libopus."""

    def __init__(self, rate_hz: int = RATE_HZ, channels: int = 1, *, refused: Sequence[int] = ()) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self._refused = refused

    def decode(self, packet: bytes) -> np.ndarray:
        number = self._number(packet)
        return self._constant(rtp_to_samples(parse_packet(packet).duration_rtp, self._rate_hz), number)

    def decode_fec(self, packet: bytes, num_samples: int) -> np.ndarray:
        self._check_length(num_samples)
        return self._constant(num_samples, self._number(packet) - 0.5)

    def conceal(self, num_samples: int) -> np.ndarray:
        self._check_length(num_samples)
        return self._constant(num_samples, CONCEALED)

    def _number(self, packet: bytes) -> float:
        frame = parse_packet(packet).frames[0]
        if frame and frame[1:3] != _MAGIC:
            return PRIMED
        number = int.from_bytes(frame[3:], "big")
        if number in self._refused:
            raise OpusFormatError("a frame that libopus takes", value=number)
        return number

    def _check_length(self, num_samples: int) -> None:
        shortest = self._rate_hz // 400
        if num_samples % shortest or not shortest <= num_samples <= 48 * shortest:
            raise UsageError(f"a gap is a multiple of {shortest} samples up to 120 ms, not {num_samples}")

    def _constant(self, num_samples: int, value: float) -> np.ndarray:
        return np.full((num_samples, self._channels), value, np.float32)


def _features(value: float) -> np.ndarray:
    return np.full(20, value, np.float32)


class ConstantState:
    """What a constant network remembers."""

    def copy(self) -> "ConstantState":
        return self


class ConstantExtractor:
    """Hears nothing."""

    def initial_state(self) -> ConstantState:
        return ConstantState()

    def extract(self, state: Any, samples: np.ndarray) -> np.ndarray:
        return np.zeros((samples.size // 160, 20), np.float32)


class ConstantPredictor:
    """Always guesses the same."""

    def initial_state(self) -> ConstantState:
        return ConstantState()

    def hear(self, state: Any, burg: np.ndarray, features: np.ndarray) -> None:
        pass

    def follow(self, state: Any, features: np.ndarray) -> None:
        pass

    def predict(self, state: Any) -> np.ndarray:
        return _features(GUESSED)


class ConstantVocoder:
    """Speaks what a feature says; not the first one, which fades when guessed. It refuses to speak out of turn."""

    def speak(self, requests: Sequence[SpeechRequest]) -> list[np.ndarray]:
        for request in requests:
            assert (request.state is None) == (request.opening is not None), "a gap is opened once"
            if request.opening is not None:
                features, samples = request.opening
                assert features.shape == (5, 20)
                assert samples.shape == (320,)
            request.state = ConstantState()
        return [request.features[:, 1].repeat(160) for request in requests]


class CountingDecoder:
    """Tells the number of the row, newest first."""

    def start(self, initial_state: np.ndarray) -> list[int]:
        return [0]

    def decode_latents(self, state: list[int], latents: np.ndarray, levels: np.ndarray) -> np.ndarray:
        first = state[0]
        state[0] += 4 * len(latents)
        return np.stack([_features(row_value(row)) for row in range(first, state[0])])


def row_value(row: int) -> float:
    """Return what is heard where a row of redundancy is spoken."""
    return 0.25 + row / 1024


def constant_parts() -> NeuralParts:
    """Return networks that yield constants."""
    return NeuralParts(
        extractor=ConstantExtractor(),
        predictor=ConstantPredictor(),
        vocoder=ConstantVocoder(),
        readers=(RedundancyReader(tables=TABLES, decoder=CountingDecoder()),),
    )


def make_stream(
    *,
    parts: NeuralParts | None = None,
    refused: Sequence[int] = (),
    start: int | None = PACKET_RTP,
    **settings: Any,
) -> ReceiveStream:
    """Make a receiver of constants; unless asked otherwise it is 16 kHz mono, unprimed, and starts at packet 1."""
    config = ReceiverConfig(**{"rate_hz": RATE_HZ, "priming": False, "delay_ms": 0.0} | settings)
    codec = ConstantCodec(config.rate_hz, config.channels, refused=refused)
    stream = ReceiveStream(config, codec, parts or constant_parts())
    if start is not None:
        stream.start(start)
    return stream


def receive(stream: ReceiveStream, number: int, packet: bytes | None = None, **arguments: Any) -> None:
    """Hand in a packet as the one with this number in a stream of 20 ms packets."""
    payload = make_packet(number) if packet is None else packet
    timestamp = number * PACKET_RTP % 2**32
    stream.receive(payload, number % 2**16, timestamp, arguments.pop("now", 0.0), **arguments)


def play_blocks(stream: ReceiveStream, num_blocks: int, *, now: float = 0.0) -> tuple[list[float], list[Event]]:
    """Play blocks of 10 ms and return the value in the middle of each, where no cross-fade reaches."""
    block_samples = stream.config.rate_hz // 100
    samples, events = stream.play(num_blocks * block_samples, now)
    assert samples.shape == (num_blocks * block_samples, stream.config.channels)
    assert samples.dtype == np.float32
    middles = samples[block_samples * 3 // 4 :: block_samples]
    assert np.all(middles == middles[:, :1]), "what is concealed is the same in all channels"
    return [float(value) for value in middles[:, 0]], events


def sources_ms(events: Sequence[Event]) -> list[tuple[str, float]]:
    """Return what was played in a row from one source, and for how long."""
    played = [event for event in events if isinstance(event, Played)]
    return [
        (str(source), sum(event.duration_rtp for event in group) / 48)
        for source, group in groupby(played, lambda event: event.source)
    ]


def drops(events: Sequence[Event]) -> list[tuple[int, str]]:
    """Return which packets were dropped, and why."""
    return [(event.sequence, event.reason) for event in events if isinstance(event, PacketDropped)]


def copy_of(number: int, *, back: int, packet: bytes | None = None) -> RedBlock:
    """Make the RED copy of a packet, to go with one that is so many packets younger."""
    payload = make_packet(number) if packet is None else packet
    return RedBlock(payload_type=111, timestamp_offset=back * PACKET_RTP, payload=payload)
