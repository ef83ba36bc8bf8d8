"""What `benchmarks/live.py` measures is what it says: delays that can be computed, and aiortc's stall at a hole."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("aiortc", reason="aiortc is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("speechmos", reason="speechmos is not installed")

from live_calls import BASELINE, Call, Heard, Sent, Speech
from live_listeners import AiortcListener, DredListener, Listener

import dred
from dred.audio import float_to_int16, read_audio
from dred.channel import ChannelConfig, Trace
from dred.data import bundled_clip
from dred.evaluation.clips import Clip
from dred.evaluation.score import NO_SCORE

pytestmark = pytest.mark.reference

# A packet of 20 ms, and the codec.
LEAST_MS = 26.5
ONE_HOLE = ChannelConfig(loss=Trace(lost=np.arange(10_000) == 40))


@pytest.fixture(scope="module")
def speech() -> Speech:
    audio = read_audio(bundled_clip())
    pcm = float_to_int16(audio.samples[: 5 * audio.rate_hz, 0])
    return Speech.join((Clip(name="clip", speaker="somebody", text=None, pcm=pcm),))


@pytest.fixture(scope="module")
def sent(speech: Speech, installed_weights: Path) -> Sent:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRED_WEIGHTS", str(installed_weights))
        return Sent.make(speech, BASELINE.scheme)


def hold(speech: Speech, sent: Sent, listener: Listener, network: ChannelConfig) -> Heard:
    heard = Heard(scores=[NO_SCORE] * len(speech.spans_ms))
    Call(speech, sent, listener).run(network, 1, set(), heard)
    return heard


def fixed_listener(delay_ms: float) -> DredListener:
    config = dred.ReceiverConfig(rate_hz=48_000, delay_ms=delay_ms, use_dred=False, plc="classic")
    return DredListener(receiver=dred.Receiver(config))


def test_a_fixed_delay_is_measured_as_what_it_is(speech: Speech, sent: Sent) -> None:
    heard = hold(speech, sent, fixed_listener(60.0), ChannelConfig(delay_ms=30.0))
    assert heard.delays_ms == pytest.approx([LEAST_MS + 60 + 30] * len(heard.delays_ms))
    assert heard.sources_rtp == {"received": heard.speech_rtp}
    assert heard.num_lost == 0
    assert heard.scores[0].value is not None
    assert 3 < heard.scores[0].value < 5


def test_aiortc_holds_four_packets_back(speech: Speech, sent: Sent) -> None:
    heard = hold(speech, sent, AiortcListener(), ChannelConfig(delay_ms=30.0))
    assert heard.delays_ms == pytest.approx([LEAST_MS + 4 * 20 + 30] * len(heard.delays_ms))
    assert heard.num_frames == heard.num_frames_due
    # The last four never come.
    assert heard.missing_rtp == 4 * 960


def test_a_hole_puts_aiortc_behind_for_good_and_leaves_us_where_we_are(speech: Speech, sent: Sent) -> None:
    behind, ours = (hold(speech, sent, listener, ONE_HOLE) for listener in (AiortcListener(), fixed_listener(60.0)))
    assert behind.num_lost == ours.num_lost == 1
    # Its buffer of 16 must be full before it gives up the hole, and the four packets held back in front of it with it.
    # From then on it holds 14 back: one was the hole, and one is given when another comes.
    assert behind.delays_ms[-1] == LEAST_MS + 14 * 20
    assert behind.missing_rtp == (1 + 4 + 14) * 960
    assert ours.delays_ms[-1] == LEAST_MS + 60
    assert ours.sources_rtp == {"received": ours.speech_rtp - 960, "plc": 960}
    assert behind.num_frames < behind.num_frames_due
