"""The published weights, fetched from where they are published.

release -> the official archive over https, else Debian's source package through apt -> import -> data directory

Either archive is trusted only by its pinned SHA-256.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dred.errors import ModelError, UsageError
from dred.weights.debian_source import fetch_debian_source
from dred.weights.download import Progress, SourceUnreachableError, download
from dred.weights.importing import import_weights
from dred.weights.registry import WAYS_OUT, data_directory, save

__all__ = ["RELEASES", "Release", "install"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release of libopus whose archive holds the weights.

    Attributes:
        name: Name of the set once installed.
        url: The official archive.
        sha256: Of the official archive.
        debian_suite: Suite of Debian whose source package `opus` has this release.
        debian_sha256: Of the archive in that source package, which Debian may have repacked.
    """

    name: str
    url: str
    sha256: str
    debian_suite: str
    debian_sha256: str

    @property
    def file_name(self) -> str:
        """File name of the official archive."""
        return self.url.rpartition("/")[2]


_OFFICIAL = "https://downloads.xiph.org/releases/opus/"

RELEASES: Mapping[str, Release] = {
    release.name: release
    for release in (
        Release(
            name="opus-1.6.1",
            url=f"{_OFFICIAL}opus-1.6.1.tar.gz",
            sha256="6ffcb593207be92584df15b32466ed64bbec99109f007c82205f0194572411a1",
            debian_suite="sid",
            debian_sha256="001ac615b9f8f8994b229ad2b1a5969ed12ab48b0d154d0af1016a5899cd6ba1",
        ),
        Release(
            name="opus-1.5.2",
            url=f"{_OFFICIAL}opus-1.5.2.tar.gz",
            sha256="65c1d2f78b9f2fb20082c38cbe47c951ad5839345876e46941612ee87f9a7ce1",
            debian_suite="trixie",
            debian_sha256="65c1d2f78b9f2fb20082c38cbe47c951ad5839345876e46941612ee87f9a7ce1",
        ),
    )
}
"""The releases that can be installed by name, newest first."""


def install(
    release: str | Release = "opus-1.6.1",
    *,
    directory: Path | None = None,
    on_stage: Callable[[str], None] | None = None,
    on_progress: Progress | None = None,
    imported: str = "",
    etc: Path = Path("/etc"),
) -> Path:
    """Fetch a release's archive, import its weights, install them and return their file's path.

    A download that is cut goes on where it stopped, within this call or in the next.

    Args:
        release: A key of `RELEASES`, or a release of one's own.
        directory: Instead of `data_directory()`.
        on_stage: Called with a few words at the start of each stage.
        on_progress: Called often with the bytes that are there and the bytes that there will be, None if unknown.
        imported: Date to note on the card.
        etc: Directory with the machine's `os-release` and `apt`.

    Raises:
        UsageError: The release is unknown.
        ModelError: An archive's hash is wrong, no place could be reached, or the file system refuses.
    """
    if isinstance(release, str):
        if release not in RELEASES:
            raise UsageError(f"release is one of {', '.join(RELEASES)}, not {release!r}")
        release = RELEASES[release]
    announce = on_stage or (lambda _: None)
    directory = directory or data_directory()
    archive = _fetch(release, directory / "downloads", announce, on_progress, etc)
    announce(f"importing {archive.name}")
    path = save(import_weights(archive, name=release.name, imported=imported), directory=directory)
    archive.unlink()
    return path


def _fetch(
    release: Release, downloads: Path, announce: Callable[[str], None], on_progress: Progress | None, etc: Path
) -> Path:
    announce(f"downloading {release.file_name}")
    try:
        return download(release.url, downloads / release.file_name, sha256=release.sha256, on_progress=on_progress)
    except SourceUnreachableError as error:
        official_problem = error
    announce(f"asking apt for Debian's source package opus of {release.debian_suite}")
    try:
        return fetch_debian_source(
            release.debian_suite,
            downloads,
            sha256s=(release.sha256, release.debian_sha256),
            on_progress=on_progress,
            etc=etc,
        )
    except SourceUnreachableError as debian_problem:
        raise ModelError(f"{release.name} is out of reach ({official_problem}; {debian_problem}): {WAYS_OUT}") from None
