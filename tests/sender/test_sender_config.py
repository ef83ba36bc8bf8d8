"""The ranges of a sender's settings."""

from typing import Any

import numpy as np
import pytest
from counting_encoder import CountingEncoder

from dred.bitstream import parse_payload
from dred.errors import UsageError
from dred.sender import DredConfig, LatentHistory, SenderConfig


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"duration_ms": 19}, "20 to 1040"),
        ({"duration_ms": 1041}, "20 to 1040"),
        ({"version": "11"}, "12, 10, final, 201"),
        ({"q0": -1}, "0 to 15"),
        ({"q0": 16}, "0 to 15"),
        ({"dq": 8}, "0 to 7"),
        ({"q0": 8, "qmax": 7}, "8 to 15"),
        ({"q0": 8, "qmax": 8}, "9 to 15"),
        ({"q0": 14, "qmax": 14}, "15 to 15"),
        ({"max_bytes": 7}, "8 to 1000"),
        ({"max_bytes": 1001}, "8 to 1000"),
    ],
)
def test_redundancy_settings_out_of_range_are_refused_with_the_range(settings: dict[str, Any], allowed: str) -> None:
    with pytest.raises(UsageError, match=allowed):
        DredConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"rate_hz": 7_999}, "8000 to 192000"),
        ({"channels": 3}, "1 to 2"),
        ({"bitrate_bps": 5_999}, "6000 to 510000"),
        ({"total_bitrate_bps": 7_999}, "8000 to 510000"),
        ({"frame_ms": 30}, r"\(10, 20, 40, 60\)"),
        ({"complexity": 11}, "0 to 10"),
        ({"expected_loss_percent": 101}, "0 to 100"),
        ({"sequence": 65_536}, "0 to 65535"),
        ({"timestamp": 2**32}, "0 to 4294967295"),
    ],
)
def test_sender_settings_out_of_range_are_refused_with_the_range(settings: dict[str, Any], allowed: str) -> None:
    with pytest.raises(UsageError, match=allowed):
        SenderConfig(**settings)


@pytest.mark.parametrize("q0", range(16))
def test_every_setting_that_is_taken_can_be_sent(q0: int) -> None:
    encoder = CountingEncoder()
    history = LatentHistory(encoder.tables, lookahead_samples=104)
    for _ in range(10):
        for step in history.take_in(np.zeros(320, np.float32), active=True):
            history.remember(*encoder.encode(step))
    num_taken = 0
    for dq in range(8):
        for qmax in range(16):
            try:
                config = DredConfig(q0=q0, dq=dq, qmax=qmax, duration_ms=200)
            except UsageError:
                continue
            num_taken += 1
            written = history.write(config, max_bytes=1000)
            assert written is not None
            levels = parse_payload(written.data, encoder.tables).levels
            assert levels[0] == q0
            assert levels.max() <= (qmax if dq else q0)
    # A rising level has another coarsest one, except for the coarsest of all.
    assert num_taken == 7 * max(15 - q0, 1) + 16 - q0


@pytest.mark.parametrize(("rate_hz", "codec_rate_hz"), [(8_000, 8_000), (16_000, 16_000), (44_100, 48_000)])
def test_opus_runs_at_the_samples_rate_if_it_can(rate_hz: int, codec_rate_hz: int) -> None:
    assert SenderConfig(rate_hz=rate_hz).codec_rate_hz == codec_rate_hz
