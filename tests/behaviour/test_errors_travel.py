"""Errors on their way from a worker process to the one that asked: nothing is lost, nothing said twice."""

import pickle

import pytest

from dred.errors import DredError, FileFormatError, LibopusError, ModelError, OpusFormatError, UsageError


@pytest.mark.parametrize(
    "error",
    [
        UsageError("jobs must be at least 1, got 0"),
        ModelError("no weights"),
        LibopusError("libopus refuses", -1),
        FileFormatError("one 0 or 1", offset=7, value=b"x"),
        OpusFormatError("a packet of one frame", value="y"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_it_left(error: DredError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
