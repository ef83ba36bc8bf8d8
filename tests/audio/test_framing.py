import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.audio import BlockBuffer, as_block, float_to_int16, int16_to_float, to_mono
from dred.errors import UsageError


def _frames(buffer: BlockBuffer) -> list[np.ndarray]:
    frames = []
    while (frame := buffer.pop()) is not None:
        frames.append(frame)
    return frames


@given(
    st.lists(st.integers(0, 700), max_size=12),
    st.integers(1, 400),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
)
def test_any_block_size_gives_the_same_frames(
    sizes: list[int], frame_samples: int, num_channels: int, as_int16: bool, pop_at_once: bool
) -> None:
    pcm = np.random.default_rng(1).integers(-32768, 32767, (sum(sizes), num_channels), np.int16, endpoint=True)
    buffer = BlockBuffer(frame_samples, num_channels=num_channels)
    frames = []
    for block in np.split(pcm, np.cumsum(sizes)[:-1]) if sizes else []:
        buffer.push(block if as_int16 else int16_to_float(block))
        frames += _frames(buffer) if pop_at_once else []
    frames += _frames(buffer)
    whole = len(pcm) // frame_samples * frame_samples
    assert len(frames) == whole // frame_samples
    assert buffer.num_buffered_samples == len(pcm) - whole
    assert all(frame.shape == (frame_samples, num_channels) and frame.dtype == np.float32 for frame in frames)
    rest = buffer.flush()
    joined = np.concatenate([*frames, rest] if rest is not None else [*frames, np.zeros((0, num_channels))])
    np.testing.assert_array_equal(joined[: len(pcm)], pcm / 32768)
    assert not joined[len(pcm) :].any()
    assert buffer.flush() is None


def test_a_flat_block_is_one_channel_and_later_changes_to_it_do_not_reach_the_frames() -> None:
    block = np.full(4, 0.5, np.float32)
    buffer = BlockBuffer(4)
    buffer.push(block)
    block[:] = 0
    frame = buffer.pop()
    assert frame is not None
    np.testing.assert_array_equal(frame, np.full((4, 1), 0.5))
    assert buffer.pop() is None


def test_every_accepted_form_of_a_signal_becomes_the_same_block() -> None:
    pcm = np.array([-32768, 0, 16384], np.int16)
    expected = np.array([[-1], [0], [0.5]], np.float32)
    for form in (pcm, pcm[:, np.newaxis], pcm / 32768, (pcm / 32768).astype(np.float32)):
        block = as_block(form, 1)
        assert block.dtype == np.float32
        np.testing.assert_array_equal(block, expected)


def test_a_flush_before_the_last_whole_frame_is_a_usage_error() -> None:
    buffer = BlockBuffer(4)
    buffer.push(np.zeros(5, np.int16))
    with pytest.raises(UsageError, match="pop every whole frame"):
        buffer.flush()


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        (np.zeros((5, 2), np.int32), "float or int16"),
        (np.zeros((5, 2), np.uint8), "float or int16"),
        (np.zeros((5, 2), np.float16), "float or int16"),
        (np.full((5, 2), 1e300), "finite"),
        (np.zeros(5, np.float32), "2 channel"),
        (np.zeros((5, 1), np.float32), "2 channel"),
        (np.zeros((2, 5), np.int16), "2 channel"),
        (np.zeros((5, 2, 2), np.int16), "2 channel"),
        (np.full((5, 2), np.nan, np.float32), "finite"),
        (np.full((5, 2), np.inf, np.float32), "finite"),
    ],
)
def test_a_block_of_the_wrong_kind_is_refused_and_not_kept(block: np.ndarray, rule: str) -> None:
    buffer = BlockBuffer(4, num_channels=2)
    with pytest.raises(UsageError, match=rule):
        buffer.push(block)
    assert buffer.num_buffered_samples == 0


@pytest.mark.parametrize(("frame_samples", "num_channels"), [(0, 1), (-1, 1), (160, 0)])
def test_an_empty_frame_is_a_usage_error(frame_samples: int, num_channels: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        BlockBuffer(frame_samples, num_channels=num_channels)


def test_every_int16_value_survives_the_way_to_float_and_back() -> None:
    pcm = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(float_to_int16(int16_to_float(pcm)), pcm)


def test_floats_are_rounded_to_the_nearest_step_and_clipped() -> None:
    samples = np.array([1.0, 5.0, -1.0, -5.0, 0.6 / 32768, -0.6 / 32768, 0.4 / 32768], np.float32)
    np.testing.assert_array_equal(float_to_int16(samples), [32767, 32767, -32768, -32768, 1, -1, 0])
    with pytest.raises(UsageError, match="finite"):
        float_to_int16(np.array([np.nan], np.float32))


def test_mono_is_the_mean_of_the_channels() -> None:
    np.testing.assert_array_equal(to_mono(np.array([[1, 3], [-1, 1]], np.float32)), np.array([2, 0], np.float32))
