"""aiortc's seam for an encoder: what it tells of its decisions."""

import numpy as np
import pytest

pytest.importorskip("aiortc", reason="aiortc is not installed")

from av import AudioFrame

from dred.rtp.sdp import OpusParameters
from dred.sender import ReceiverReport
from dred.webrtc import WebRtcConfig, settle
from dred.webrtc.encoder import DredEncoder


def silence(number: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), layout="mono")
    frame.sample_rate, frame.pts = 48_000, 960 * number
    return frame


def test_plans_that_were_read_stay_as_they_are_while_the_call_goes_on() -> None:
    peer = OpusParameters(use_in_band_fec=True)
    encoder = DredEncoder(settle(WebRtcConfig(), peer, opus_payload_type=111, red_payload_type=None))
    encoder.encode(silence(0))
    first = encoder.plans
    assert len(first) == 1
    for number in range(1, 600):
        if number % 50 == 0:
            fraction_lost = 0.3 if number > 200 else 0.0
            encoder.report(ReceiverReport(fraction_lost=fraction_lost, jitter_ms=1.0))
        encoder.encode(silence(number))
    assert isinstance(first, tuple)
    assert len(first) == 1, "another thread may be going through them"
    assert 1 < len(encoder.plans) <= 16
