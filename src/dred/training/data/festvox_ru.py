"""festvox-ru: 620 sentences of Russian, read by one man, out of a package of Debian's main archive.

apt -> .deb with a pinned hash -> wav files, their text, and the notice that must stay with them -> manifest.jsonl

Source: package festvox-ru 0.5+dfsg-6: voices/russian/msu_ru_nsh_clunits, wav/*.wav (16 kHz) and etc/txt.done.data.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dred.errors import FileFormatError, UsageError
from dred.training.data.clips import MANIFEST_NAME
from dred.training.data.deb_archive import read_deb_files
from dred.weights.debian_source import fetch_debian_package
from dred.weights.download import Progress, SourceUnreachableError, hash_file
from dred.whole_file import write_whole_file

__all__ = ["fetch_festvox_ru", "unpack_festvox_ru"]

_PACKAGE = "festvox-ru"
_SHA256 = "21ef3f0f2978ecf2e2eddb367cb0ff4a72572196d28dc69feb84f4177af5e6c4"
# The package is the same in each.
_SUITES = ("stable", "sid")
_LICENCE = "BSD-like, Copyright 2005 Nickolay V. Shmyrev"
_NOTICE = "usr/share/doc/festvox-ru/copyright"
_TEXTS = "etc/txt.done.data"
_SENTENCE = re.compile(r'^\(\s*(\w+)\s+"(.*)"\s*\)\s*$', re.MULTILINE)
_WAV_NAME = re.compile(r"\w+\.wav")


def fetch_festvox_ru(folder: Path, *, on_progress: Progress | None = None, etc: Path = Path("/etc")) -> int:
    """Fetch the recordings through apt into a folder and return how many there are; done once, it is not done again.

    Args:
        folder: New, or of an earlier call.
        on_progress: Called with the bytes that apt has fetched; the total is not known.
        etc: Directory with the machine's `os-release` and `apt`.

    Raises:
        SourceUnreachableError: This machine is not Debian-like, or its mirror does not hold the package.
        ModelError: The file system refuses.
        UsageError: Likewise, later on.
    """
    manifest = folder / MANIFEST_NAME
    if manifest.is_file():
        return len(manifest.read_bytes().splitlines())
    package = next((path for path in folder.glob("*.deb") if hash_file(path) == _SHA256), None)
    package = package or _fetch(folder, on_progress, etc)
    num_recordings = unpack_festvox_ru(package, folder)
    package.unlink()
    return num_recordings


def unpack_festvox_ru(package: Path, folder: Path) -> int:
    """Unpack the recordings of a package and return how many there are; the manifest comes last.

    Raises:
        UsageError: The package cannot be read, or the folder cannot be written.
        FileFormatError: It is another package, or broken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from error
    names: list[str] = []
    texts: dict[str, str] = {}
    for path, data in read_deb_files(package, _is_wanted):
        name = PurePosixPath(path).name
        if name.endswith(".wav"):
            write_whole_file(folder / name, data)
            names.append(name)
        elif path.endswith(_TEXTS):
            texts = dict(_SENTENCE.findall(data.decode("utf-8", "replace")))
        else:
            write_whole_file(folder / name, data)
    if not names:
        raise FileFormatError(f"the package {_PACKAGE}", value=package.name)
    rows = (_row(name, texts) for name in sorted(names))
    manifest = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_whole_file(folder / MANIFEST_NAME, manifest.encode())
    return len(names)


def _fetch(folder: Path, on_progress: Progress | None, etc: Path) -> Path:
    problems = []
    for suite in _SUITES:
        try:
            return fetch_debian_package(_PACKAGE, suite, folder, sha256s=[_SHA256], on_progress=on_progress, etc=etc)
        except SourceUnreachableError as error:
            problems.append(f"{suite}: {error}")
    raise SourceUnreachableError(f"{_PACKAGE} is out of reach ({'; '.join(problems)})")


def _is_wanted(path: str) -> bool:
    place = PurePosixPath(path)
    is_recording = place.parent.name == "wav" and _WAV_NAME.fullmatch(place.name) is not None
    return is_recording or path.endswith((_NOTICE, _TEXTS))


def _row(name: str, texts: Mapping[str, str]) -> dict[str, str]:
    """One man speaks, so that all of it is of one split."""
    return {
        "path": name,
        "split": "train",
        "speaker": _PACKAGE,
        "licence": _LICENCE,
        "language": "ru",
        "text": texts.get(name.removesuffix(".wav"), ""),
    }
