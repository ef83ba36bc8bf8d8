import contextlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.audio import read_audio, write_wav
from dred.data import bundled_clip
from dred.errors import DredError, FileFormatError, UsageError
from dred.whole_file import read_whole_file, write_whole_file


def _tone(num_samples: int, num_channels: int = 1) -> np.ndarray:
    phase = np.arange(num_samples)[:, None] * np.arange(1, num_channels + 1) * 0.05
    return (0.5 * np.sin(phase)).astype(np.float32)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.aiff", "a.WAV"])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_a_file_of_any_common_format_is_read_as_float_samples_by_channel(
    tmp_path: Path, name: str, num_channels: int
) -> None:
    tone = _tone(70_000, num_channels)
    soundfile.write(tmp_path / name, tone, 24_000)
    audio = read_audio(tmp_path / name)
    assert audio.rate_hz == 24_000
    assert audio.samples.dtype == np.float32
    assert audio.samples.shape == tone.shape
    np.testing.assert_allclose(audio.samples, tone, atol=0.05 if name == "a.ogg" else 1e-4)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_part_of_a_file_is_what_the_whole_file_has_there(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, _tone(200_000, 2), 16_000)
    whole = read_audio(tmp_path / name).samples
    for start_s, duration_s in ((0.0, 1.5), (0.25, 10.0), (3.0, None), (12.4, 5.0)):
        part = read_audio(tmp_path / name, start_s=start_s, duration_s=duration_s).samples
        start = round(start_s * 16_000)
        np.testing.assert_array_equal(part, whole[start:][: None if duration_s is None else round(duration_s * 16_000)])


def test_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", _tone(1_000), 16_000)
    with pytest.raises(FileFormatError, match="at least one sample"):
        read_audio(tmp_path / "a.wav", start_s=1.0)
    for start_s, duration_s in ((-1.0, None), (0.0, 0.0), (float("nan"), 1.0)):
        with pytest.raises(UsageError, match="0 s or later"):
            read_audio(tmp_path / "a.wav", start_s=start_s, duration_s=duration_s)


def test_a_missing_file_a_folder_and_a_raw_file_are_usage_errors_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(100))
    for path in (tmp_path / "absent.wav", tmp_path, tmp_path / "a.raw"):
        with pytest.raises(UsageError, match=path.name) as caught:
            read_audio(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"not audio", bytes(1000), b"RIFF\0\0\0\0WAVE", b"fLaC" + bytes(40)])
def test_bytes_that_are_not_audio_are_a_format_error_of_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(FileFormatError) as caught:
        read_audio(path)
    assert "\n" not in str(caught.value)


def test_a_file_without_samples_is_a_format_error(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 1)), 16_000)
    with pytest.raises(FileFormatError, match="at least one sample"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_a_format_error_that_names_it(tmp_path: Path, bad: float) -> None:
    tone = _tone(100_000)
    tone[77_777] = bad
    soundfile.write(tmp_path / "a.wav", tone, 16_000, subtype="FLOAT")
    with pytest.raises(FileFormatError, match="77777"):
        read_audio(tmp_path / "a.wav")


def test_a_header_that_announces_more_samples_than_there_are_costs_no_memory(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", _tone(1000), 16_000)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    # STREAMINFO: the sample count is the low 36 bits of the 8 bytes at 18.
    (fields,) = struct.unpack_from(">Q", data, 18)
    struct.pack_into(">Q", data, 18, fields | ((1 << 36) - 1))
    (tmp_path / "a.flac").write_bytes(data)
    with contextlib.suppress(FileFormatError):
        assert len(read_audio(tmp_path / "a.flac").samples) <= 1000


@settings(max_examples=150)
@given(st.data())
def test_a_mutated_audio_file_is_a_value_or_a_typed_error(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    folder = tmp_path_factory.getbasetemp()
    kind = data.draw(st.sampled_from(["wav", "flac", "ogg"]))
    original = folder / f"original.{kind}"
    if not original.exists():
        soundfile.write(original, _tone(2000), 16_000)
    mutant = bytearray(original.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    path = folder / f"mutant.{kind}"
    path.write_bytes(mutant[: data.draw(st.integers(0, len(mutant)))])
    try:
        audio = read_audio(path)
    except DredError:
        return
    assert np.isfinite(audio.samples).all()


@pytest.mark.parametrize("samples", [_tone(500)[:, 0], _tone(500, 1), _tone(500, 3)], ids=["mono", "1", "3"])
def test_a_written_wav_reads_back_within_half_a_step(tmp_path: Path, samples: np.ndarray) -> None:
    write_wav(tmp_path / "a.wav", samples, 16_000)
    back = read_audio(tmp_path / "a.wav")
    assert back.rate_hz == 16_000
    np.testing.assert_allclose(back.samples, samples.reshape(500, -1), atol=0.5 / 32768)
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_16"


def test_int16_samples_are_written_unchanged_and_loud_floats_are_clipped(tmp_path: Path) -> None:
    pcm = np.array([-32768, -1, 0, 1, 32767], np.int16)
    write_wav(tmp_path / "a.wav", pcm, 8_000)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", dtype="int16")[0], pcm)
    write_wav(tmp_path / "b.wav", np.array([-2, 2], np.float32), 8_000)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "b.wav", dtype="int16")[0], [-32768, 32767])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    with pytest.raises(UsageError, match="finite"):
        write_wav(path, np.array([np.nan], np.float32), 16_000)
    with pytest.raises(UsageError, match="rate_hz"):
        write_wav(path, np.zeros(3, np.float32), 0)
    with pytest.raises(UsageError, match="shape"):
        write_wav(path, np.zeros((3, 0), np.float32), 16_000)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.wav"]  # noqa: PTH208


@pytest.mark.parametrize("name", ["absent/a.wav", "folder", "a" * 300], ids=["no folder", "a folder", "long name"])
def test_a_path_that_cannot_be_written_is_a_usage_error_of_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot write") as caught:
        write_whole_file(tmp_path / name, b"data")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_usage_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot write"):
        write_whole_file(tmp_path / "a", b"data")


def test_a_write_that_breaks_off_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UsageError, match="No space left"):
        write_whole_file(tmp_path / "a", b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_file_larger_than_the_limit_is_a_format_error(tmp_path: Path) -> None:
    write_whole_file(tmp_path / "a", bytes(11))
    assert read_whole_file(tmp_path / "a", max_bytes=11) == bytes(11)
    with pytest.raises(FileFormatError, match="at most 10 bytes"):
        read_whole_file(tmp_path / "a", max_bytes=10)


def test_the_bundled_clip_is_ten_seconds_of_unclipped_wideband_speech() -> None:
    audio = read_audio(bundled_clip())
    assert audio.rate_hz == 16_000
    assert audio.samples.shape[1] == 1
    assert 9 <= len(audio.samples) / 16_000 <= 12
    assert 20 * np.log10(np.abs(audio.samples).max()) == pytest.approx(-3, abs=0.01)
    spectrum = np.abs(np.fft.rfft(audio.samples[:, 0])) ** 2
    share_above_4_khz = spectrum[len(spectrum) // 2 :].sum() / spectrum.sum()
    assert share_above_4_khz > 0.001
    assert bundled_clip().stat().st_size <= 400_000
