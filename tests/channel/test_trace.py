import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.channel import loss_statistics, read_trace, write_trace
from dred.errors import FileFormatError, UsageError


@pytest.mark.parametrize(
    "data",
    [
        b"0\n1\n1\n0\n",
        b"0\n1\n1\n0",
        b"0\r\n1\r\n1\r\n0\r\n",
        b"0\r1\r1\r0\r",
        b"\xef\xbb\xbf0\r\n1\n1\n0\n",
        b"\n\n0\n1\n\n  \t\n1\n0\n\n",
        b"  0\n1  \n\t1\n 0 \n",
        b"0.0\n1.0\n1.\n0.000\n",
    ],
    ids=["plain", "no last line end", "crlf", "cr", "mark", "blank lines", "spaces", "floats"],
)
def test_every_usual_spelling_of_a_trace_means_the_same(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "trace.txt").write_bytes(data)
    lost = read_trace(tmp_path / "trace.txt")
    assert lost.dtype == np.bool_
    assert lost.tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("data", "line", "offset"),
    [
        (b"0\n1 0\n", 2, 2),
        (b"0,1\n", 1, 0),
        (b"\n\n0;1\n", 3, 2),
        (b"0\n1\n2\n", 3, 4),
        (b"0\r\n0.5\r\n", 2, 3),
        (b"-1\n", 1, 0),
        (b"1e0\n", 1, 0),
        (b"nan\n", 1, 0),
        (b"\xef\xbb\xbf0\nlost\n", 2, 5),
        ("0\n1\n".encode("utf-16"), 1, 0),
        (bytes(10), 1, 0),
    ],
)
def test_a_line_with_anything_else_is_an_error_that_names_the_line(
    tmp_path: Path, data: bytes, line: int, offset: int
) -> None:
    (tmp_path / "trace.txt").write_bytes(data)
    with pytest.raises(FileFormatError, match=f"line {line} ") as caught:
        read_trace(tmp_path / "trace.txt")
    assert caught.value.offset == offset


@pytest.mark.parametrize("data", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_a_trace_without_packets_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "trace.txt").write_bytes(data)
    with pytest.raises(FileFormatError, match="at least one packet"):
        read_trace(tmp_path / "trace.txt")


def test_a_missing_trace_and_an_empty_one_to_write_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_trace(tmp_path / "absent.txt")
    with pytest.raises(UsageError, match="at least one packet"):
        write_trace(tmp_path / "empty.txt", np.zeros(0, bool))
    assert list(tmp_path.iterdir()) == []


def test_a_file_too_large_for_a_trace_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "trace.txt").open("wb") as file:
        file.truncate((1 << 24) + 1)
    with pytest.raises(FileFormatError, match="at most 16777216 bytes"):
        read_trace(tmp_path / "trace.txt")


@given(st.lists(st.booleans(), min_size=1))
def test_a_written_trace_reads_back(tmp_path_factory: pytest.TempPathFactory, losses: list[bool]) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.txt"
    write_trace(path, np.array(losses))
    assert read_trace(path).tolist() == losses


@given(st.binary(max_size=40) | st.text("01 .\r\n,", max_size=40).map(str.encode))
def test_any_bytes_are_a_trace_or_a_format_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    with contextlib.suppress(FileFormatError):
        assert len(read_trace(path)) >= 1


def test_the_shared_traces_read_with_the_losses_they_are_named_after(shared: Path) -> None:
    rates = {path.stem: loss_statistics(read_trace(path)).loss_rate for path in (shared / "traces").glob("*.txt")}
    assert len(rates) >= 7
    assert rates["call_high_loss"] == pytest.approx(0.696, abs=0.001)
    for percent in (10, 20, 30):
        assert rates[f"lossgen_{percent}"] == pytest.approx(percent / 100, abs=0.03)
    assert loss_statistics(read_trace(shared / "traces/call_high_loss.txt")).longest_burst == 41
