"""Packages of Debian, through apt, from the mirror that the machine already uses: the source of Opus, or any other.

/etc/os-release, /etc/apt -> find_mirror -> private apt directories -> apt-get -> archive with a pinned hash

Nothing of the system's apt state is read or changed but its list of sources and its settings, so that no special
rights are needed. No host is named here.

Source: apt.conf(5), sources.list(5), apt-get(8), os-release(5).
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dred.errors import ModelError
from dred.weights.download import Progress, SourceUnreachableError, hash_file

__all__ = ["DebianMirror", "fetch_debian_package", "fetch_debian_source", "find_mirror"]

_SUITES = frozenset(
    {"sid", "unstable", "testing", "stable", "oldstable", "buster", "bullseye", "bookworm", "trixie", "forky", "duke"}
)
_KEYRING_MARK = "debian-archive"

_MAX_POLLS = 1200
# Packages of data may be twenty times as large as the source.
_MAX_PACKAGE_POLLS = 7200
_POLL_S = 0.25

# Settings read after the system's own, so that they win; "#clear" drops hooks, which may need rights or change things.
_CONFIG = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "5";
Acquire::https::Timeout "5";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{root}/sources";
Dir::State::Lists "{root}/lists";
Dir::Cache "{root}/cache";
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianMirror:
    """A mirror of Debian's main archive.

    Attributes:
        uris: As in a sources file, one or more.
        signed_by: Keyring file or key, as in a deb822 sources file; empty for apt's own trusted keys.
    """

    uris: str
    signed_by: str


def find_mirror(etc: Path = Path("/etc")) -> DebianMirror:
    """Find the mirror of Debian's main archive among the machine's own sources, in either format.

    Security archives and those of third parties do not count.

    Args:
        etc: Directory with `os-release` and `apt`.

    Raises:
        SourceUnreachableError: The machine is not Debian-like, or none of its sources is such a mirror.
    """
    release = _read_text(etc / "os-release")
    words = re.findall(r'^(?:ID|ID_LIKE)="?([^"\n]*)', release, re.MULTILINE)
    if "debian" not in " ".join(words).split():
        raise SourceUnreachableError("this system is not Debian-like")
    lists = [etc / "apt" / "sources.list", *sorted((etc / "apt" / "sources.list.d").glob("*"))]
    for path in lists:
        stanzas = _parse_deb822(_read_text(path)) if path.suffix == ".sources" else _parse_lines(_read_text(path))
        for stanza in stanzas:
            if _is_debian_main(stanza):
                uris = " ".join(stanza["uris"].split())
                return DebianMirror(uris=uris, signed_by=stanza.get("signed-by", ""))
    raise SourceUnreachableError("apt's sources name no mirror of Debian's main archive")


def fetch_debian_source(
    suite: str,
    directory: Path,
    *,
    sha256s: Collection[str],
    on_progress: Progress | None = None,
    etc: Path = Path("/etc"),
) -> Path:
    """Fetch the archive in the source package `opus` of a suite into a directory.

    Args:
        suite: Such as "trixie" or "sid".
        sha256s: Pinned hashes; an archive with any other is refused.
        on_progress: Called with the bytes that apt has fetched, package lists included; the total is unknown.
        etc: Directory with the machine's `os-release` and `apt`.

    Raises:
        SourceUnreachableError: This machine is not Debian-like, has no apt-get, or its mirror does not answer or
            holds another archive.
        ModelError: The file system refuses.
    """
    request = _Request(
        kind="deb-src",
        arguments=("source", "--download-only", "--tar-only", f"opus/{suite}"),
        pattern="opus_*.orig.tar.*",
        max_polls=_MAX_POLLS,
    )
    return _fetch(request, suite, directory, sha256s, on_progress, etc)


def fetch_debian_package(
    package: str,
    suite: str,
    directory: Path,
    *,
    sha256s: Collection[str],
    on_progress: Progress | None = None,
    etc: Path = Path("/etc"),
) -> Path:
    """Fetch a package of a suite, `.deb`, into a directory; it is not installed.

    Args and errors are those of `fetch_debian_source`.
    """
    request = _Request(
        kind="deb",
        arguments=("download", f"{package}/{suite}"),
        pattern=f"{package}_*.deb",
        max_polls=_MAX_PACKAGE_POLLS,
    )
    return _fetch(request, suite, directory, sha256s, on_progress, etc)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What apt is asked for: the kind of its list, arguments, what the result is called, how long it may take."""

    kind: str
    arguments: tuple[str, ...]
    pattern: str
    max_polls: int


def _fetch(
    request: _Request,
    suite: str,
    directory: Path,
    sha256s: Collection[str],
    on_progress: Progress | None,
    etc: Path,
) -> Path:
    mirror = find_mirror(etc)
    apt_get = shutil.which("apt-get")
    if apt_get is None:
        raise SourceUnreachableError("there is no apt-get")
    with tempfile.TemporaryDirectory(prefix="dred-apt-") as name:
        root = Path(name)
        _write_private_setup(root, request.kind, suite, mirror)
        command = [apt_get, "-qq", "-c", str(root / "apt.conf")]
        _run([*command, "update"], root, request.max_polls, on_progress)
        _run([*command, *request.arguments], root, request.max_polls, on_progress)
        archives = sorted((root / "work").glob(request.pattern))
        for archive in archives:
            if hash_file(archive) in sha256s:
                return _move(archive, directory)
    held = ", ".join(archive.name for archive in archives) or "no archive"
    raise SourceUnreachableError(f"Debian's {suite} holds {held}, not the one that is pinned")


def _write_private_setup(root: Path, kind: str, suite: str, mirror: DebianMirror) -> None:
    for directory in ("sources", "lists/partial", "cache/archives/partial", "work"):
        (root / directory).mkdir(parents=True)
    (root / "apt.conf").write_text(_CONFIG.format(root=root))
    stanza = f"Types: {kind}\nURIs: {mirror.uris}\nSuites: {suite}\nComponents: main\n"
    if mirror.signed_by:
        # A key that stands in the sources file itself begins on a line of its own.
        separator = "\n " if "\n" in mirror.signed_by else " "
        stanza += f"Signed-By:{separator}{mirror.signed_by}\n"
    (root / "sources" / "dred.sources").write_text(stanza)


def _run(command: list[str], root: Path, max_polls: int, on_progress: Progress | None) -> None:
    log = root / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=root / "work",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
        )
        try:
            for _ in range(max_polls):
                try:
                    process.wait(timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    if on_progress is not None:
                        on_progress(_count_bytes(root), None)
            else:
                raise SourceUnreachableError(f"apt-get did not end within {max_polls * _POLL_S:.0f} s")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        raise SourceUnreachableError(f"apt: {_last_error(_read_text(log))}")


def _last_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    return (errors or lines or ["apt-get failed without a word"])[-1]


def _count_bytes(root: Path) -> int:
    total_bytes = 0
    for directory, _, names in os.walk(root):
        for name in names:
            # apt renames and removes files while it works.
            try:
                total_bytes += (Path(directory) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total_bytes


def _move(archive: Path, directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(archive, directory / archive.name))
    except OSError as error:
        raise ModelError(f"cannot write to {directory}: {error.strerror}") from error


def _is_debian_main(stanza: Mapping[str, str]) -> bool:
    uris = stanza.get("uris", "")
    signed_by = stanza.get("signed-by", "")
    is_debians_key = not signed_by or _KEYRING_MARK in signed_by or "BEGIN PGP" in signed_by
    return (
        stanza.get("enabled", "yes") != "no"
        and bool(uris)
        and not uris.startswith("cdrom:")
        and "security" not in uris
        and not _SUITES.isdisjoint(stanza.get("suites", "").split())
        and "main" in stanza.get("components", "").split()
        and is_debians_key
    )


def _parse_deb822(text: str) -> Iterator[dict[str, str]]:
    """Read stanzas of fields; names in lower case, continuation lines as they stand."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for block in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = re.findall(r"^([A-Za-z-]+):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", block, re.MULTILINE)
        yield {name.lower(): value.strip() for name, value in fields}


def _parse_lines(text: str) -> Iterator[dict[str, str]]:
    """Read one-line entries into the same fields."""
    for line in text.splitlines():
        entry = re.match(r"\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if entry is None:
            continue
        options, uri, suite, components = entry.groups(default="")
        signed_by = re.search(r"(?:^|\s)signed-by=(\S+)", options)
        yield {
            "uris": uri,
            "suites": suite,
            "components": components,
            "signed-by": signed_by[1] if signed_by else "",
        }


def _read_text(path: Path) -> str:
    """Read a file of the system; one that is missing or closed to us says nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
