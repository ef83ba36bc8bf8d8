"""Another libopus, with DRED compiled in, on the same speech: what can be timed of it from outside.

| work | what libopus does |
|---|---|
| dred_encode | encodes at 64 kb/s with 1 s of redundancy, less the same without |
| parse | opus_dred_parse of whole packets, deferred: it finds the extension, too |
| rdovae_decode | opus_dred_process |
| fargan | opus_decoder_dred_decode, 20 ms at a time: FARGAN, and the decoder's own bookkeeping of a loss |
| conceal | 10 ms of opus_decode without a packet, neural: the guess, FARGAN, bookkeeping |
| decode | opus_decode |
| receiving | as opus_demo does it: a gap is filled when the packet behind it is there |

Its internal functions are not exported, so that features and the RDO-VAE encoder have no row.
"""

from collections.abc import Callable
from pathlib import Path

from dred.benchmarking.material import Material, lose
from dred.benchmarking.rounds import Timings, Work
from dred.benchmarking.streams import LOSSES_PERCENT
from dred.opus import Libopus, OpusDecoder, OpusEncoder, OpusEncoderConfig, load_libopus
from dred.opus.native_dred import NativeDred
from dred.timebase import DOUBLE_FRAME_SAMPLES, FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ

__all__ = ["AGAINST", "against_works", "open_library", "receiving_name", "with_differences"]

AGAINST = "libopus "
"""What its works' names begin with."""

_ENCODE_PLAIN, _ENCODE_DRED = f"{AGAINST}encode", f"{AGAINST}encode with DRED"
_NEURAL_COMPLEXITY = 5
_LONGEST_SAMPLES = SAMPLE_RATE_HZ
# How much of each is done at a time: enough to be timed.
_NUM_PROCESSED = 20
_NUM_GAPS = 2
_NUM_CONCEALED = 50
_NUM_PLAYED = 20

Run = Callable[[], object]


def open_library(path: Path) -> Libopus:
    """Load a libopus that has DRED compiled in.

    Raises:
        UsageError: It is built without DRED.
        LibopusError: The file is no libopus.
    """
    library = load_libopus(path)
    NativeDred(library)
    return library


def against_works(material: Material, library: Libopus) -> dict[str, Work]:
    """Return the works of a library, by the name of the stage they stand against."""
    works = {
        _ENCODE_PLAIN: _encode(material, library, has_dred=False),
        _ENCODE_DRED: _encode(material, library, has_dred=True),
        f"{AGAINST}parse": _parse(material, library),
        f"{AGAINST}rdovae_decode": _process(material, library),
        f"{AGAINST}fargan": _speak(material, library),
        f"{AGAINST}conceal": _conceal(material, library),
        f"{AGAINST}decode": _decode(material, library),
    }
    return works | {receiving_name(loss): _receive(material, library, loss) for loss in LOSSES_PERCENT}


def receiving_name(loss_percent: int) -> str:
    """Name the work of receiving under losses."""
    return f"{AGAINST}receive {loss_percent} %"


def with_differences(timings: Timings) -> Timings:
    """Add what can only be told as a difference."""
    return timings.with_difference(f"{AGAINST}dred_encode", _ENCODE_DRED, _ENCODE_PLAIN)


def _encode(material: Material, library: Libopus, *, has_dred: bool) -> Work:
    config = OpusEncoderConfig(
        rate_hz=SAMPLE_RATE_HZ, bitrate_bps=64_000, complexity=10, bandwidth="wide", expected_loss_percent=20
    )
    frames = material.speech.reshape(-1, DOUBLE_FRAME_SAMPLES)

    def prepare() -> Run:
        encoder = OpusEncoder(config, library)
        encoder.set_dred_duration(100 if has_dred else 0)

        def run() -> None:
            for frame in frames:
                encoder.encode(frame)

        return run

    return Work(prepare=prepare, amount=material.seconds)


def _parse(material: Material, library: Libopus) -> Work:
    dred, packets = NativeDred(library), material.full_packets

    def run() -> None:
        for packet in packets:
            dred.parse(packet, max_samples=_LONGEST_SAMPLES, rate_hz=SAMPLE_RATE_HZ)

    return Work(prepare=lambda: run, amount=len(packets))


def _process(material: Material, library: Libopus) -> Work:
    dred = _parsed(material, library)

    def run() -> None:
        for _ in range(_NUM_PROCESSED):
            dred.process()

    return Work(prepare=lambda: run, amount=_NUM_PROCESSED)


def _speak(material: Material, library: Libopus) -> Work:
    dred = _parsed(material, library)
    dred.process()

    def prepare() -> Run:
        decoder = _playing_decoder(material, library)

        def run() -> None:
            for _ in range(_NUM_GAPS):
                for samples_before in range(_LONGEST_SAMPLES, 0, -DOUBLE_FRAME_SAMPLES):
                    dred.decode(decoder, samples_before, DOUBLE_FRAME_SAMPLES)

        return run

    return Work(prepare=prepare, amount=_NUM_GAPS * _LONGEST_SAMPLES / SAMPLE_RATE_HZ)


def _conceal(material: Material, library: Libopus) -> Work:
    def prepare() -> Run:
        decoder = _playing_decoder(material, library)

        def run() -> None:
            for _ in range(_NUM_CONCEALED):
                decoder.conceal(FEATURE_FRAME_SAMPLES)

        return run

    return Work(prepare=prepare, amount=_NUM_CONCEALED)


def _decode(material: Material, library: Libopus) -> Work:
    def prepare() -> Run:
        decoder = OpusDecoder(SAMPLE_RATE_HZ, 1, library)

        def run() -> None:
            for packet in material.packets:
                decoder.decode(packet)

        return run

    return Work(prepare=prepare, amount=material.seconds)


def _receive(material: Material, library: Libopus, loss_percent: int) -> Work:
    packets = lose(material.packets, loss_percent / 100)
    dred = NativeDred(library)

    def prepare() -> Run:
        decoder = OpusDecoder(SAMPLE_RATE_HZ, 1, library, _NEURAL_COMPLEXITY)

        def run() -> None:
            num_lost = 0
            for packet in packets:
                if packet is None:
                    num_lost += 1
                    continue
                if num_lost:
                    _fill(decoder, dred, packet, num_lost * DOUBLE_FRAME_SAMPLES)
                    num_lost = 0
                decoder.decode(packet)

        return run

    return Work(prepare=prepare, amount=material.seconds)


def _fill(decoder: OpusDecoder, dred: NativeDred, packet: bytes, gap_samples: int) -> None:
    """Fill a gap from the redundancy of the packet behind it, or by concealment."""
    wanted = min(gap_samples, _LONGEST_SAMPLES)
    covered = dred.parse(packet, max_samples=wanted, rate_hz=SAMPLE_RATE_HZ)
    if covered > 0:
        dred.process()
    for before in range(gap_samples, 0, -DOUBLE_FRAME_SAMPLES):
        if covered > 0:
            dred.decode(decoder, before, DOUBLE_FRAME_SAMPLES)
        else:
            decoder.conceal(DOUBLE_FRAME_SAMPLES)


def _parsed(material: Material, library: Libopus) -> NativeDred:
    """Return a DRED decoder that has parsed a packet with a second of redundancy."""
    dred = NativeDred(library)
    dred.parse(material.full_packets[0], max_samples=_LONGEST_SAMPLES, rate_hz=SAMPLE_RATE_HZ)
    return dred


def _playing_decoder(material: Material, library: Libopus) -> OpusDecoder:
    decoder = OpusDecoder(SAMPLE_RATE_HZ, 1, library, _NEURAL_COMPLEXITY)
    for packet in material.packets[:_NUM_PLAYED]:
        decoder.decode(packet)
    return decoder
