"""The stages of the signal path, each as a piece of work: the only file that says how a stage is called.

A stage is called as in real time, 10 or 20 ms at a time; only payloads are taken one after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dred.benchmarking.material import INT16_SCALE, PACKETS_PER_S, Material
from dred.benchmarking.redundancy import protecting
from dred.benchmarking.rounds import Work
from dred.bitstream import parse_payload, write_payload
from dred.opus import OpusDecoder
from dred.rdovae import CompiledEncoder
from dred.timebase import DOUBLE_FRAME_SAMPLES, FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ
from dred.vocoder import START_FEATURE_FRAMES, START_SAMPLES, SpeechRequest

__all__ = ["NUM_STREAMS", "STAGES", "Stage", "many_voices"]

Run = Callable[[], object]

NUM_STREAMS = 64
"""How many streams are spoken together in `fargan_64_streams`."""

_FRAMES_PER_DOUBLE_FRAME = 2
# Speech spoken per stream where there are many; a second each would take too long for what it tells.
_MANY_VOICES_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of the signal path.

    Attributes:
        name: As in the results.
        unit: Its cost is told in CPU milliseconds per second of speech, or in microseconds per call.
        what: What is timed, for the reader of a table.
        work: Makes the work of it.
    """

    name: str
    unit: Literal["ms_per_s", "us"]
    what: str
    work: Callable[[Material], Work]


def many_voices(material: Material, *, num_streams: int) -> Work:
    """Return the work of speaking 20 ms at a time for many streams, each from its own place; amount in all seconds."""
    features = material.features
    num_ticks = int(_MANY_VOICES_S * PACKETS_PER_S)
    num_frames = num_ticks * _FRAMES_PER_DOUBLE_FRAME
    last = len(features) - num_frames
    starts = [START_FEATURE_FRAMES + 7 * n % (last - START_FEATURE_FRAMES) for n in range(num_streams)]

    def prepare() -> Run:
        states = [_speaking(material, start) for start in starts]

        def run() -> None:
            for tick in range(num_ticks):
                ahead = tick * _FRAMES_PER_DOUBLE_FRAME
                requests = [
                    SpeechRequest(
                        features=features[start + ahead : start + ahead + _FRAMES_PER_DOUBLE_FRAME], state=state
                    )
                    for start, state in zip(starts, states)
                ]
                material.parts.vocoder.speak(requests)

        return run

    return Work(prepare=prepare, amount=num_streams * num_ticks / PACKETS_PER_S)


def _features(material: Material) -> Work:
    extractor = material.parts.extractor
    blocks = (material.speech * INT16_SCALE).reshape(-1, DOUBLE_FRAME_SAMPLES)

    def prepare() -> Run:
        state = extractor.initial_state()

        def run() -> None:
            for block in blocks:
                extractor.extract(state, block)

        return run

    return Work(prepare=prepare, amount=material.seconds)


def _rdovae_encode(material: Material) -> Work:
    weights = material.weights
    encoder = CompiledEncoder.from_tensors(weights.tensors, latent_dim=weights.latent_dim, state_dim=weights.state_dim)
    pairs = material.features.reshape(-1, _FRAMES_PER_DOUBLE_FRAME, material.features.shape[1])

    def prepare() -> Run:
        state = encoder.initial_state()

        def run() -> None:
            for pair in pairs:
                encoder.encode(state, pair)

        return run

    return Work(prepare=prepare, amount=material.seconds)


def _write(material: Material) -> Work:
    tables = material.reader.tables

    def run() -> None:
        for parsed in material.parsed:
            write_payload(parsed.header, parsed.state_symbols, parsed.latent_symbols, tables)

    return Work(prepare=lambda: run, amount=len(material.parsed))


def _parse(material: Material) -> Work:
    tables = material.reader.tables

    def run() -> None:
        for payload in material.payloads:
            parse_payload(payload, tables)

    return Work(prepare=lambda: run, amount=len(material.payloads))


def _rdovae_decode(material: Material) -> Work:
    decoder = material.reader.decoder
    everything = material.parsed

    def run() -> None:
        for parsed in everything:
            decoder.decode_latents(decoder.start(parsed.state), parsed.latents, parsed.levels)

    return Work(prepare=lambda: run, amount=len(everything))


def _fargan(material: Material) -> Work:
    frames = [material.features[n : n + 1] for n in range(START_FEATURE_FRAMES, len(material.features))]

    def prepare() -> Run:
        state = _speaking(material, START_FEATURE_FRAMES)

        def run() -> None:
            for frame in frames:
                material.parts.vocoder.speak([SpeechRequest(features=frame, state=state)])

        return run

    return Work(prepare=prepare, amount=len(frames) * FEATURE_FRAME_SAMPLES / SAMPLE_RATE_HZ)


def _conceal(material: Material) -> Work:
    predictor, vocoder = material.parts.predictor, material.parts.vocoder
    num_frames = len(material.features) // 4

    def prepare() -> Run:
        predictor_state = predictor.initial_state()
        vocoder_state = _speaking(material, START_FEATURE_FRAMES)

        def run() -> None:
            for _ in range(num_frames):
                guess = predictor.predict(predictor_state)
                vocoder.speak([SpeechRequest(features=guess[None], state=vocoder_state)])

        return run

    return Work(prepare=prepare, amount=num_frames)


def _decode(material: Material) -> Work:
    def prepare() -> Run:
        decoder = OpusDecoder(SAMPLE_RATE_HZ, 1)

        def run() -> None:
            for packet in material.packets:
                decoder.decode(packet)

        return run

    return Work(prepare=prepare, amount=material.seconds)


def _speaking(material: Material, frame: int) -> object:
    """Return the vocoder's state in front of a frame."""
    known = np.ascontiguousarray(material.features[frame - START_FEATURE_FRAMES : frame])
    heard = material.speech[:START_SAMPLES]
    request = SpeechRequest(features=known[:0], opening=(known, heard))
    material.parts.vocoder.speak([request])
    return request.state


STAGES = (
    Stage(name="features", unit="ms_per_s", what="20 features per 10 ms", work=_features),
    Stage(name="rdovae_encode", unit="ms_per_s", what="features to a latent per 20 ms", work=_rdovae_encode),
    Stage(
        name="dred_encode",
        unit="ms_per_s",
        what="all that redundancy adds to sending, 1 s of it",
        work=lambda material: protecting(material, duration_ms=1000),
    ),
    Stage(name="write", unit="us", what="symbols of 1 s to a payload", work=_write),
    Stage(name="parse", unit="us", what="a payload of 1 s to latents", work=_parse),
    Stage(name="rdovae_decode", unit="us", what="the latents of 1 s to features", work=_rdovae_decode),
    Stage(name="fargan", unit="ms_per_s", what="features to speech, one stream", work=_fargan),
    Stage(
        name=f"fargan_{NUM_STREAMS}_streams",
        unit="ms_per_s",
        what=f"the same, {NUM_STREAMS} streams together, each",
        work=lambda material: many_voices(material, num_streams=NUM_STREAMS),
    ),
    Stage(name="conceal", unit="us", what="10 ms guessed and spoken", work=_conceal),
    Stage(name="decode", unit="ms_per_s", what="libopus decodes, nothing is lost", work=_decode),
)
