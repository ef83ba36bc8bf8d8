"""Redundancy for Opus packets that another encoder made."""

from collections.abc import Iterable, Iterator

import numpy as np

from dred.audio import as_block
from dred.errors import UsageError
from dred.opus import packet_duration_rtp
from dred.sender.config import DredConfig
from dred.sender.parts import RedundancyEncoder
from dred.sender.redundancy import Redundancy
from dred.timebase import OPUS_RATES_HZ, rtp_to_samples

# Of libopus's voip and audio applications: 6.5 ms.
_LOOKAHEAD_US = 6500


def protect_packets(
    packets: Iterable[bytes],
    pcm: np.ndarray,
    *,
    rate_hz: int,
    config: DredConfig,
    encoder: RedundancyEncoder,
    lookahead_samples: int | None = None,
) -> Iterator[bytes]:
    """Add redundancy to Opus packets; their own frames stay bit for bit.

    Args:
        packets: Consecutive Opus packets.
        pcm: What they were made of: float in -1 to 1 or int16, [samples] or [samples, channels]. Where it ends early,
            the last packets describe silence.
        rate_hz: Rate of pcm: one of Opus's.
        config: How much redundancy, and how fine.
        encoder: The networks.
        lookahead_samples: The other encoder's look-ahead at rate_hz; by default 6.5 ms, as libopus has.

    Raises:
        UsageError: The rate is none of Opus's, or pcm is not audio.
        OpusFormatError: A packet is no Opus packet.
    """
    if rate_hz not in OPUS_RATES_HZ:
        raise UsageError(f"rate_hz must be one of {OPUS_RATES_HZ}, got {rate_hz}")
    if lookahead_samples is None:
        lookahead_samples = _LOOKAHEAD_US * rate_hz // 1_000_000
    redundancy = Redundancy(config, encoder.tables, rate_hz=rate_hz, lookahead_samples=lookahead_samples)
    samples = as_block(pcm, 1 if pcm.ndim == 1 else pcm.shape[1])
    position = 0
    for packet in packets:
        num_samples = rtp_to_samples(packet_duration_rtp(packet), rate_hz)
        block = samples[position : position + num_samples]
        position += num_samples
        for step in redundancy.take_in(np.pad(block, ((0, num_samples - len(block)), (0, 0)))):
            redundancy.remember(*encoder.encode(step))
        yield redundancy.protect(packet)[0]
