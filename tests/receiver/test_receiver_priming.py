"""The local encoder of a gap: settled anew for each, as if it had been made for it."""

import numpy as np
import pytest

from dred.errors import UsageError
from dred.opus import OpusDecoder, Toc, parse_packet
from dred.receiver import PrimingConfig
from dred.receiver.priming import DecoderPrimer

SILK_WIDE_20, HYBRID_FULL_20, CELT_WIDE_20 = 9, 15, 23


def speech_like(rng: np.random.Generator, num_samples: int) -> np.ndarray:
    noise = rng.standard_normal(num_samples + 32)
    return (0.05 * np.convolve(noise, np.hanning(33), "valid")).astype(np.float32)


@pytest.mark.parametrize("config", [SILK_WIDE_20, HYBRID_FULL_20, CELT_WIDE_20])
@pytest.mark.parametrize("stereo", [False, True])
def test_a_primer_that_was_used_is_as_good_as_a_new_one(config: int, stereo: bool, rng: np.random.Generator) -> None:
    toc = Toc(config=config, stereo=stereo)
    gaps = [(speech_like(rng, 2_400), speech_like(rng, 1_000)) for _ in range(3)]
    used = DecoderPrimer(PrimingConfig(), toc, step_rtp=960)
    for history, spoken in gaps:
        fresh = DecoderPrimer(PrimingConfig(), toc, step_rtp=960)
        packets = []
        for primer in (used, fresh):
            primer.settle(history, spoken)
            packets.append([primer.encode(spoken), primer.encode(spoken[320:])])
        assert packets[0] == packets[1]


@pytest.mark.parametrize("config", [SILK_WIDE_20, HYBRID_FULL_20, CELT_WIDE_20])
def test_its_packets_are_coded_like_the_stream(config: int, rng: np.random.Generator) -> None:
    primer = DecoderPrimer(PrimingConfig(), Toc(config=config), step_rtp=960)
    primer.settle(speech_like(rng, 2_400), speech_like(rng, 1_000))
    assert parse_packet(primer.encode(speech_like(rng, 1_000))).toc == Toc(config=config)


def test_what_is_decoded_lies_in_the_place_of_what_was_spoken(rng: np.random.Generator) -> None:
    speech = speech_like(rng, 2_400 + 3_200)
    primer = DecoderPrimer(PrimingConfig(bitrate_bps=64_000), Toc(config=SILK_WIDE_20), step_rtp=960)
    decoder = OpusDecoder(16_000, 1)
    primer.settle(speech[:2_400], speech[2_400:])
    decoded = [decoder.decode(primer.encode(speech[start:]))[:, 0] for start in range(2_400, 4_960, 320)]
    similarity = np.correlate(speech[2_400 - 200 : 4_960 + 200], np.concatenate(decoded), "valid")
    # To the fractions of a millisecond that SILK's filters take beyond the look-ahead.
    assert abs(int(np.argmax(similarity)) - 200) <= 3


@pytest.mark.parametrize("num_frames", [-1, 6])
def test_more_settling_than_the_history_holds_is_refused(num_frames: int) -> None:
    with pytest.raises(UsageError, match="0 to 5"):
        PrimingConfig(num_settling_frames=num_frames)


@pytest.mark.parametrize("num_frames", [0, 5])
def test_it_settles_on_any_part_of_the_history(num_frames: int, rng: np.random.Generator) -> None:
    for config in (SILK_WIDE_20, HYBRID_FULL_20):
        primer = DecoderPrimer(PrimingConfig(num_settling_frames=num_frames), Toc(config=config), step_rtp=960)
        spoken = speech_like(rng, 1_000)
        primer.settle(speech_like(rng, 2_400), spoken)
        assert primer.encode(spoken)
