"""What the page may say, and what it is told."""

import json
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.channel import PRESETS, NetworkPreset
from dred.errors import RemoteDataError
from dred.receiver import Source
from dred.studio import NetworkSettings, SchemeStep, StudioStep
from dred.studio.messages import SchemeWish, StepWriter, parse_offer, parse_wish
from dred.studio.spectrum import NUM_ROWS, TOP_HZ, level_column

NAMES = st.text() | st.sampled_from(["scheme", "network", "loss_percent", "mean_burst", "jitter_ms", "sdp"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)
SLIDERS = st.fixed_dictionaries(dict.fromkeys(("loss_percent", "mean_burst", "jitter_ms"), VALUES))
BODIES = st.binary(max_size=2000) | (VALUES | SLIDERS).map(lambda value: json.dumps(value).encode())


@given(BODIES, st.booleans())
def test_any_message_is_a_wish_or_breaks_a_rule(body: bytes, is_text: bool) -> None:
    try:
        wish = parse_wish(body.decode("utf-8", "replace") if is_text else body)
    except RemoteDataError:
        return
    assert isinstance(wish, (SchemeWish, NetworkSettings, NetworkPreset))


@given(BODIES)
def test_any_body_is_an_offer_or_breaks_a_rule(body: bytes) -> None:
    try:
        assert isinstance(parse_offer(body), str)
    except RemoteDataError:
        return


def test_wishes_are_read() -> None:
    assert parse_wish('{"scheme": "dred"}') == SchemeWish("dred")
    assert parse_wish('{"network": "train"}') is PRESETS["train"]
    assert parse_wish('{"loss_percent": 20, "mean_burst": 2.5, "jitter_ms": 0}') == NetworkSettings(
        loss_percent=20.0, mean_burst=2.5, jitter_ms=0.0
    )


@pytest.mark.parametrize(
    "message",
    [
        '{"loss_percent": true, "mean_burst": 1, "jitter_ms": 0}',
        '{"loss_percent": 1e999, "mean_burst": 1, "jitter_ms": 0}',
        '{"loss_percent": NaN, "mean_burst": 1, "jitter_ms": 0}',
        '{"loss_percent": 1' + "0" * 400 + ', "mean_burst": 1, "jitter_ms": 0}',
        '{"loss_percent": 70, "mean_burst": 1, "jitter_ms": 0}',
        '{"loss_percent": 10}',
        '{"scheme": 1}',
        '{"network": 1}',
        '{"network": "moon"}',
        '{"network": "train", "loss_percent": 10}',
        "[" * 100_000,
    ],
    ids=["true", "infinite", "nan", "huge", "out of range", "alone", "number", "no name", "unknown", "both", "deep"],
)
def test_what_only_looks_like_a_wish_breaks_a_rule(message: str) -> None:
    with pytest.raises(RemoteDataError):
        parse_wish(message)


def step(number: int, *, is_lost: bool = False, sources: tuple[tuple[int, Source], ...] = ()) -> StudioStep:
    tone = 0.1 * np.sin(2 * np.pi * 2000 * np.arange(960) / 48_000).astype(np.float32)
    scheme = SchemeStep(
        samples=tone, sources=sources, delay_ms=86.54, opus_bytes=60, red_bytes=0, dred_bytes=40 + number
    )
    return StudioStep(number=number, is_lost=is_lost, heard=tone, schemes={"dred": scheme})


def test_a_message_holds_its_steps_and_sums_up_the_schemes() -> None:
    writer = StepWriter(2)
    silence = np.zeros(960, np.float32)
    assert writer.add(step(0, sources=((0, Source.RECEIVED),)), silence) is None
    written = writer.add(step(1, is_lost=True, sources=((1, Source.DRED),)), silence)
    assert written is not None
    message = json.loads(written)
    assert [(entry["number"], entry["lost"]) for entry in message["steps"]] == [(0, False), (1, True)]
    assert message["schemes"] == {
        "dred": {"sources": [[0, "received"], [1, "dred"]], "delay_ms": 86.5, "bytes": [120, 0, 81]}
    }
    heard = np.frombuffer(b64decode(message["steps"][0]["heard"]), np.uint8)
    spoken = np.frombuffer(b64decode(message["steps"][0]["spoken"]), np.uint8)
    # The tone of 2 kHz lies a quarter up; silence is as dark as can be.
    assert heard.argmax() in (NUM_ROWS * 3 // 4 - 1, NUM_ROWS * 3 // 4)
    assert not spoken.any()
    # The next message begins anew.
    assert writer.add(step(2), silence) is None


@pytest.mark.parametrize("hz", [150, 1050, 4050, 7950])
def test_a_tone_is_brightest_in_its_row(hz: int) -> None:
    tone = np.sin(2 * np.pi * hz * np.arange(960) / 48_000).astype(np.float32)
    assert level_column(tone).argmax() == NUM_ROWS - 1 - hz * NUM_ROWS // TOP_HZ
