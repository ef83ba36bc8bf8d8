"""What the peer declares narrows what is sent to it."""

import numpy as np
import pytest

from dred.errors import UsageError
from dred.rtp.sdp import OpusParameters
from dred.sender import ControllerConfig, DredConfig, SenderConfig
from dred.sender.controller import TOLERANCE, Knowledge, LossPicture, RateModel, choose_plan
from dred.sender.controller.losses import shares_of_bursts
from dred.sender.controller.protections import protections_of

pytest.importorskip("aiortc", reason="aiortc is not installed")

from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from dred.webrtc import SendSettings, WebRtcConfig, settle
from dred.webrtc.codecs import agree, offered_codecs, with_peer_parameters


def agreed(config: WebRtcConfig | None = None, **parameters: object) -> SendSettings:
    peer = OpusParameters(**parameters)  # type: ignore[arg-type]
    return settle(config or WebRtcConfig(), peer, opus_payload_type=111, red_payload_type=63)


def limits_of_call(config: WebRtcConfig | None = None, **parameters: object) -> ControllerConfig:
    limits = agreed(config, **parameters).controller
    assert limits is not None
    return limits


def codec(name: str, payload_type: int, **parameters: int | str | None) -> RTCRtpCodecParameters:
    named = {key.replace("_", "-"): value for key, value in parameters.items()}
    return RTCRtpCodecParameters(
        mimeType=f"audio/{name}", clockRate=48_000, channels=2, payloadType=payload_type, parameters=named
    )


def test_deep_redundancy_goes_to_those_who_ask_for_it_and_as_far_as_they_ask() -> None:
    assert agreed().sender.dred is None
    assert agreed(dred_duration_ms=400).sender.dred == DredConfig(duration_ms=400)
    assert agreed(dred_duration_ms=5_000).sender.dred == DredConfig(duration_ms=1_000)
    assert agreed(WebRtcConfig(use_dred="always")).sender.dred == DredConfig()
    assert agreed(WebRtcConfig(use_dred="always"), dred_duration_ms=0).sender.dred is None
    assert agreed(WebRtcConfig(use_dred="never"), dred_duration_ms=400).sender.dred is None


def test_the_peers_rate_bounds_everything_together() -> None:
    assert agreed(max_average_bitrate_bps=20_000).sender.bitrate_bps == 20_000
    limits = limits_of_call(max_average_bitrate_bps=40_000, dred_duration_ms=500, use_in_band_fec=True)
    assert limits.header_bytes == 0
    assert 39_000 < limits.total_bps <= 40_000 / (1 + TOLERANCE), "what a plan that is followed takes at most"
    assert (limits.most_main_bps, limits.max_duration_ms, limits.allow_lbrr) == (32_000, 500, True)
    assert limits_of_call(max_average_bitrate_bps=7_500).total_bps <= 7_500
    assert limits_of_call(max_average_bitrate_bps=6_000).total_bps == 6_000, "less Opus cannot do"
    assert limits_of_call().total_bps == WebRtcConfig().total_bps


def test_the_controller_may_do_what_the_peer_takes() -> None:
    limits = limits_of_call(use_in_band_fec=False)
    assert (limits.allow_lbrr, limits.allow_dred, limits.max_red_copies) == (False, False, 1)
    without = settle(WebRtcConfig(), OpusParameters(), opus_payload_type=111, red_payload_type=None)
    assert without.controller is not None
    assert without.controller.max_red_copies == 0


def test_without_a_budget_nobody_decides_unless_the_peer_has_one() -> None:
    fixed = WebRtcConfig(total_bps=None)
    assert agreed(fixed).controller is None
    assert agreed(fixed).sender.bitrate_bps == fixed.sender.bitrate_bps
    assert limits_of_call(fixed, max_average_bitrate_bps=20_000).total_bps == int(20_000 / (1 + TOLERANCE))


def test_a_stream_of_one_rate_keeps_it_within_the_peers_bound() -> None:
    constant = WebRtcConfig(sender=SenderConfig(total_bitrate_bps=40_000))
    assert (agreed(constant).sender.total_bitrate_bps, agreed(constant).controller) == (40_000, None)
    assert agreed(constant, max_average_bitrate_bps=24_000).sender.total_bitrate_bps == 24_000
    little = agreed(constant, max_average_bitrate_bps=6_000, dred_duration_ms=400).sender
    assert (little.total_bitrate_bps, little.bitrate_bps, little.vbr, little.dred) == (None, 6_000, False, None)


@pytest.mark.parametrize("limit_bps", [6_000, 7_000, 10_000, 13_000, 20_000, 64_000])
def test_no_plan_that_is_followed_takes_more_than_the_peer_can(limit_bps: int) -> None:
    limits = limits_of_call(max_average_bitrate_bps=limit_bps, dred_duration_ms=1_000, use_in_band_fec=True)
    losses = LossPicture(shares=tuple(shares_of_bursts(0.1, 3.0).tolist()), jitter_ms=0.0, heard_from="patterns")
    plan = None
    # Opus takes more and more of what it is asked for.
    for ratio in np.linspace(0.9, 1.0, 60):
        rates = RateModel(frame_ms=20, main_ratio=ratio, lbrr_ratio=ratio)
        plan = choose_plan(Knowledge(losses=losses, is_heard=True, rates=rates, present=plan), limits)
        deep_bps = float(rates.dred_bps(protections_of([plan]))[0])
        assert (1 + plan.num_red_copies) * ratio * plan.bitrate_bps + deep_bps <= limit_bps


def test_switches_and_lengths_are_the_peers() -> None:
    sender = agreed(cbr=True, use_dtx=True, max_playback_rate_hz=16_000, min_ptime_ms=40, use_in_band_fec=True).sender
    assert (sender.vbr, sender.dtx, sender.bandwidth, sender.frame_ms) == (False, True, "wide", 40)
    assert sender.in_band_fec
    assert not agreed(use_in_band_fec=False).sender.in_band_fec
    assert agreed(ptime_ms=60).sender.frame_ms == 60
    assert agreed(max_ptime_ms=10).sender.frame_ms == 10


def test_two_channels_need_both_sides() -> None:
    stereo = WebRtcConfig(sender=SenderConfig(channels=2))
    assert agreed(stereo, stereo=True).sender.channels == 2
    assert agreed(stereo).sender.channels == 1
    assert agreed(stereo=True).sender.channels == 1


def test_red_stands_behind_opus_and_names_its_payload_type() -> None:
    opus, red = offered_codecs([codec("opus", 96)], WebRtcConfig())
    assert opus.parameters["useinbandfec"] == 1
    assert opus.parameters["ext32-dred-duration"] == 1_040
    assert (red.mimeType, red.parameters) == ("audio/red", {"96/96": None})


def test_agreed_codecs_remember_what_the_peer_says() -> None:
    offered = offered_codecs([codec("opus", 96), codec("G722", 9)], WebRtcConfig())
    remote = [codec("red", 120, **{"111/111": None}), codec("opus", 111, maxaveragebitrate="20000", useinbandfec=1)]
    common = with_peer_parameters([offered[1], offered[0]], remote)
    assert [one.payloadType for one in common] == [120, 111]
    assert common[0].parameters == {"111/111": None}
    assert common[1].parameters == offered[0].parameters
    settings = agree(WebRtcConfig(), common)
    assert settings is not None
    assert (settings.opus_payload_type, settings.red_payload_type) == (111, 120)
    assert settings.sender.bitrate_bps == 20_000


def test_broken_parameters_count_as_none_and_other_codecs_are_not_ours() -> None:
    remote = [codec("opus", 111, maxaveragebitrate="a lot")]
    settings = agree(WebRtcConfig(), with_peer_parameters([codec("opus", 96)], remote))
    assert settings is not None
    assert settings.sender.bitrate_bps == WebRtcConfig().sender.bitrate_bps
    unheard = [codec("opus", 111, maxaveragebitrate="5999", useinbandfec=1)]
    settings = agree(WebRtcConfig(), with_peer_parameters([codec("opus", 96)], unheard))
    assert settings is not None
    assert settings.sender.in_band_fec, "a rate out of range is none, the rest counts"
    assert agree(WebRtcConfig(), [codec("G722", 9), codec("opus", 111)]) is None
    assert agree(WebRtcConfig(), [codec("PCMU", 0)]) is None


def test_impossible_configurations_are_refused() -> None:
    with pytest.raises(UsageError, match="rate_hz"):
        WebRtcConfig(sender=SenderConfig(rate_hz=16_000))
    with pytest.raises(UsageError, match="total_bps"):
        WebRtcConfig(total_bps=1_000)
    with pytest.raises(UsageError, match="max_red_copies"):
        WebRtcConfig(max_red_copies=10)
