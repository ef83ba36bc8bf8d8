"""Speech as Opus leaves it: coded and decoded by libopus, in step with the original."""

import numpy as np
from jaxtyping import Float32

from dred.opus import OpusDecoder, OpusEncoder, OpusEncoderConfig
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["code_with_opus"]


def code_with_opus(samples: Float32[np.ndarray, " samples"], bitrate_bps: int) -> Float32[np.ndarray, " samples"]:
    """Code 16 kHz speech in packets of 20 ms, decode it, and cut off the codec's delay.

    Raises:
        LibopusError: There is no libopus.
        UsageError: The bitrate is out of libopus's range.
    """
    config = OpusEncoderConfig(rate_hz=SAMPLE_RATE_HZ, bitrate_bps=bitrate_bps)
    encoder, decoder = OpusEncoder(config), OpusDecoder(SAMPLE_RATE_HZ, 1)
    delay = encoder.lookahead_samples
    num_packets = -(-(samples.size + delay) // config.packet_samples)
    padded = np.zeros((num_packets, config.packet_samples), np.float32)
    padded.reshape(-1)[: samples.size] = samples
    decoded = [decoder.decode(encoder.encode(packet)) for packet in padded]
    return np.concatenate(decoded)[delay:][: samples.size, 0]
