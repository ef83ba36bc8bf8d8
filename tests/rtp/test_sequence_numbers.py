import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import RtpFormatError, UsageError
from dred.rtp import SequenceUnwrapper, TimestampUnwrapper

KINDS = [(SequenceUnwrapper, 16), (TimestampUnwrapper, 32)]
BY_KIND = pytest.mark.parametrize(("kind", "num_bits"), KINDS, ids=["sequence", "timestamp"])


@BY_KIND
@given(data=st.data())
def test_numbers_that_never_jump_by_half_the_range_come_back_whole(kind: type, num_bits: int, data) -> None:
    half = 1 << (num_bits - 1)
    first = data.draw(st.integers(0, 2 * half - 1))
    numbers = [first]
    for jump in data.draw(st.lists(st.integers(-half + 1, half - 1), max_size=30)):
        numbers.append(numbers[-1] + jump)
    unwrapper = kind()
    assert [unwrapper.unwrap(number % (2 * half)) for number in numbers] == numbers


@BY_KIND
def test_numbers_count_on_across_the_wrap_and_back(kind: type, num_bits: int) -> None:
    modulus = 1 << num_bits
    unwrapper = kind()
    wrapped = [modulus - 2, modulus - 1, 0, 1, modulus - 1, 2]
    expected = [modulus - 2, modulus - 1, modulus, modulus + 1, modulus - 1, modulus + 2]
    assert [unwrapper.unwrap(number) for number in wrapped] == expected


def test_a_number_from_before_the_first_is_negative() -> None:
    unwrapper = SequenceUnwrapper()
    assert [unwrapper.unwrap(number) for number in (0, 65535, 1)] == [0, -1, 1]


@BY_KIND
def test_a_jump_beyond_the_bound_is_a_format_error_and_changes_nothing(kind: type, num_bits: int) -> None:
    modulus = 1 << num_bits
    unwrapper = kind(max_jump=100)
    assert unwrapper.unwrap(0) == 0
    for wild in (101, modulus - 101, modulus // 2):
        with pytest.raises(RtpFormatError, match="within 100"):
            unwrapper.unwrap(wild)
    assert unwrapper.unwrap(100) == 100
    assert unwrapper.unwrap(0) == 0
    assert unwrapper.unwrap(modulus - 100) == -100


@BY_KIND
def test_half_the_range_is_ambiguous_and_refused(kind: type, num_bits: int) -> None:
    unwrapper = kind()
    unwrapper.unwrap(0)
    with pytest.raises(RtpFormatError):
        unwrapper.unwrap(1 << (num_bits - 1))


@BY_KIND
def test_numbers_and_bounds_out_of_range_are_usage_errors(kind: type, num_bits: int) -> None:
    for number in (-1, 1 << num_bits):
        with pytest.raises(UsageError, match="must lie in 0-"):
            kind().unwrap(number)
    for max_jump in (0, 1 << (num_bits - 1)):
        with pytest.raises(UsageError, match="max_jump must lie in 1-"):
            kind(max_jump=max_jump)
