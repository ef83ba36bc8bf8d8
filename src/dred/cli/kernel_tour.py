"""A short call that passes through every compiled kernel, so that Numba compiles them and keeps the result on disk."""

from dataclasses import replace

import numpy as np

from dred.assembly import Sender
from dred.audio import read_audio, resample
from dred.banks import SenderBank
from dred.bitstream import MIN_PAYLOAD_BYTES, parse_header
from dred.data import bundled_clip
from dred.features import Downsampler
from dred.offline import ArrivedPacket, recover_stream
from dred.opus import strip_extensions
from dred.receiver import ReceiverConfig
from dred.receiver.time_scaling import Care, TimeScaler
from dred.rtp import DEFAULT_OPUS_PAYLOAD_TYPE, RedBlock
from dred.sender import SenderConfig
from dred.weights import WeightSet

__all__ = ["compile_all", "compile_without_weights"]

_RATE_HZ = 48_000
_DURATION_MS = 1_200
_CONSTANT_BPS = 60_000
_FRAME_RTP = 960
# One gap for redundancy, its last packet for RED; and an end that nothing covers.
_GAP = range(30, 36)
_END = 50


def compile_all(weights: WeightSet) -> None:
    """Compile everything that a call needs, with LBRR, RED, DRED and concealment.

    Raises:
        ModelError: The weights are incomplete.
    """
    compile_without_weights()
    clip = read_audio(bundled_clip())
    speech = resample(clip.samples[: _DURATION_MS * clip.rate_hz // 1000], from_hz=clip.rate_hz, to_hz=_RATE_HZ)
    config = SenderConfig(
        rate_hz=_RATE_HZ,
        in_band_fec=True,
        expected_loss_percent=20,
    )
    sent = list(Sender(config, weights).push(speech))
    # At a constant bitrate the redundancy is written before the packet; a bank runs its networks for all streams.
    list(Sender(replace(config, total_bitrate_bps=_CONSTANT_BPS), weights).push(speech))
    SenderBank(2, config, weights).push([speech, speech])
    copy = RedBlock(
        payload_type=DEFAULT_OPUS_PAYLOAD_TYPE,
        timestamp_offset=_FRAME_RTP,
        payload=strip_extensions(sent[_GAP.stop - 1].payload),
    )
    arrived = [
        ArrivedPacket(
            payload=packet.payload,
            sequence=packet.sequence,
            timestamp=packet.timestamp,
            copies=[copy] if packet.sequence == _GAP.stop else (),
        )
        for packet in sent[:_END]
        if packet.sequence not in _GAP
    ]
    recover_stream(arrived, start=0, duration_rtp=len(sent) * _FRAME_RTP, config=ReceiverConfig(), weights=[weights])


def compile_without_weights() -> None:
    """Compile the little that needs no networks: filters, the payload's header, and what scales time."""
    downsampler = Downsampler(rate_hz=_RATE_HZ)
    downsampler.convert(downsampler.initial_state(), np.zeros(_FRAME_RTP, np.float32))
    parse_header(bytes(MIN_PAYLOAD_BYTES))
    steady = np.ones((_FRAME_RTP * 3, 1), np.float32)
    TimeScaler(_RATE_HZ, 1).repeat(steady, _FRAME_RTP * 2, Care.GENTLE)
