import hashlib
import sys
from pathlib import Path

import pytest

from dred.weights import debian_source
from dred.weights.debian_source import DebianMirror, fetch_debian_package, fetch_debian_source, find_mirror
from dred.weights.download import SourceUnreachableError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBIAN = 'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\n'
DEB822 = f"""\
# a comment
Types: deb
URIs: http://security.invalid/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}

Types: deb
# URIs: http://commented.invalid/debian
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: {KEYRING}
"""


def write_etc(root: Path, sources: dict[str, str], *, release: str = DEBIAN) -> Path:
    (root / "apt" / "sources.list.d").mkdir(parents=True)
    (root / "os-release").write_text(release)
    for name, text in sources.items():
        (root / "apt" / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("sources.list.d/debian.sources", DEB822, DebianMirror(uris="http://mirror.invalid/debian", signed_by=KEYRING)),
        (
            "sources.list",
            "# deb http://old.invalid/debian bookworm main\n"
            "deb cdrom:[Debian 12]/ bookworm main\n"
            "deb http://security.invalid/debian-security bookworm-security main\n"
            "deb [ arch=amd64 signed-by=/k/debian-archive-keyring.gpg ] http://mirror.invalid/debian trixie main # x\n",
            DebianMirror(uris="http://mirror.invalid/debian", signed_by="/k/debian-archive-keyring.gpg"),
        ),
        (
            "sources.list.d/x.list",
            "deb-src https://mirror.invalid/debian/ sid contrib main\n",
            DebianMirror(uris="https://mirror.invalid/debian/", signed_by=""),
        ),
        (
            "sources.list.d/x.sources",
            "Types: deb\nURIs: http://a.invalid/debian\n http://b.invalid/debian\nSuites: stable\nComponents: main\n"
            "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n",
            DebianMirror(
                uris="http://a.invalid/debian http://b.invalid/debian",
                signed_by="-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc",
            ),
        ),
    ],
    ids=["deb822", "one line each", "deb-src without key", "key in the file"],
)
def test_the_machines_own_mirror_is_found(tmp_path: Path, name, text, mirror):
    assert find_mirror(write_etc(tmp_path / "etc", {name: text})) == mirror


@pytest.mark.parametrize(
    "text",
    [
        "deb https://third.invalid/node_20.x nodistro main\n",
        "deb [signed-by=/etc/apt/keyrings/third.gpg] https://third.invalid/debian bookworm main\n",
        "deb https://third.invalid/linux/debian bookworm stable\n",
        "deb http://security.invalid/debian-security bookworm main\n",
        "deb http://ubuntu.invalid/ubuntu noble main universe\n",
        "deb\n",
        "deb http://mirror.invalid/debian\n",
    ],
)
def test_sources_of_third_parties_and_security_do_not_count(tmp_path: Path, text):
    with pytest.raises(SourceUnreachableError, match="no mirror of Debian's main archive"):
        find_mirror(write_etc(tmp_path / "etc", {"sources.list": text}))


def test_a_disabled_source_does_not_count(tmp_path: Path):
    etc = write_etc(tmp_path / "etc", {"sources.list.d/x.sources": DEB822.replace("Types:", "Enabled: no\nTypes:")})
    with pytest.raises(SourceUnreachableError):
        find_mirror(etc)


@pytest.mark.parametrize(
    ("release", "is_debian_like"),
    [
        ("ID=debian\n", True),
        ('ID=raspbian\nID_LIKE="debian"\n', True),
        ('ID=mint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\n", False),
        ("NAME=debian\nID=alpine\n", False),
        ("", False),
    ],
)
def test_a_debian_like_system_is_told_by_its_os_release(tmp_path: Path, release, is_debian_like):
    etc = write_etc(tmp_path / "etc", {"sources.list.d/debian.sources": DEB822}, release=release)
    if is_debian_like:
        assert find_mirror(etc).uris == "http://mirror.invalid/debian"
    else:
        with pytest.raises(SourceUnreachableError, match="not Debian-like"):
            find_mirror(etc)


ARCHIVE = b"an archive of opus"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()

# What a test wants the program to do stands in files beside it; what it saw goes there too.
FAKE_APT_GET = """\
#!{python}
import pathlib, re, sys, time
here = pathlib.Path(__file__).parent
config = pathlib.Path(sys.argv[sys.argv.index("-c") + 1]).read_text()
sources = pathlib.Path(re.search(r'SourceParts "(.*)"', config)[1])
lists = pathlib.Path(re.search(r'State::Lists "(.*)"', config)[1])
with open(here / "calls", "a") as calls:
    print(*sys.argv[4:], file=calls)
(here / "config").write_text(config)
(here / "sources").write_text("".join(path.read_text() for path in sources.iterdir()))
if "update" in sys.argv:
    (lists / "Sources").write_bytes(bytes(1000))
    time.sleep(float((here / "sleep").read_text()))
    if (here / "error").exists():
        print("W: a warning", (here / "error").read_text(), "W: another", sep="\\n", file=sys.stderr)
        sys.exit(100)
if "download" in sys.argv:
    pathlib.Path("speech_1_all.deb").write_bytes((here / "opus_9.orig.tar.gz").read_bytes())
if "source" in sys.argv:
    pathlib.Path("opus_9.dsc").write_text("of no interest")
    for path in here.glob("opus_*"):
        pathlib.Path(path.name).write_bytes(path.read_bytes())
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an apt-get that delivers ARCHIVE, first on the path, and the folder's files are its state."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "apt-get").write_text(FAKE_APT_GET.format(python=sys.executable))
    (folder / "apt-get").chmod(0o755)
    (folder / "sleep").write_text("0")
    (folder / "opus_9.orig.tar.gz").write_bytes(ARCHIVE)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    return write_etc(tmp_path / "etc", {"sources.list.d/debian.sources": DEB822})


def test_the_archive_comes_through_a_private_list(fake: Path, etc: Path, tmp_path: Path):
    path = fetch_debian_source("sid", tmp_path / "down", sha256s=["0", SHA256], etc=etc)
    assert path == tmp_path / "down" / "opus_9.orig.tar.gz"
    assert path.read_bytes() == ARCHIVE
    assert (fake / "calls").read_text() == "update\nsource --download-only --tar-only opus/sid\n"
    assert (fake / "sources").read_text() == (
        f"Types: deb-src\nURIs: http://mirror.invalid/debian\nSuites: sid\nComponents: main\nSigned-By: {KEYRING}\n"
    )


def test_a_package_comes_from_the_same_mirror_and_is_not_installed(fake: Path, etc: Path, tmp_path: Path):
    path = fetch_debian_package("speech", "stable", tmp_path / "down", sha256s=[SHA256], etc=etc)
    assert path == tmp_path / "down" / "speech_1_all.deb"
    assert (fake / "calls").read_text() == "update\ndownload speech/stable\n"
    assert (fake / "sources").read_text().startswith("Types: deb\nURIs: http://mirror.invalid/debian\nSuites: stable\n")
    with pytest.raises(SourceUnreachableError, match=r"stable holds speech_1_all\.deb, not the one"):
        fetch_debian_package("speech", "stable", tmp_path, sha256s=["0"], etc=etc)


def test_a_key_in_the_sources_file_is_passed_on(fake: Path, tmp_path: Path):
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
    sources = f"Types: deb\nURIs: http://a.invalid/debian\nSuites: stable\nComponents: main\n{key}"
    fetch_debian_source(
        "sid", tmp_path, sha256s=[SHA256], etc=write_etc(tmp_path / "etc", {"sources.list.d/x.sources": sources})
    )
    assert (fake / "sources").read_text().endswith(key)


def test_nothing_of_the_systems_state_is_named_and_nothing_is_left_behind(fake: Path, etc: Path, tmp_path: Path):
    fetch_debian_source("sid", tmp_path, sha256s=[SHA256], etc=etc)
    config = (fake / "config").read_text()
    private = {line.split('"')[1] for line in config.splitlines() if line.startswith("Dir::")} - {"/dev/null"}
    roots = {Path(directory).parent for directory in private}
    assert len(private) == 3
    assert len(roots) == 1
    assert not roots.pop().exists()
    assert "#clear APT::Update::Post-Invoke;" in config


def test_progress_is_told_while_apt_works(fake: Path, etc: Path, tmp_path: Path):
    (fake / "sleep").write_text("0.7")
    seen: list[tuple[int, int | None]] = []
    fetch_debian_source("sid", tmp_path, sha256s=[SHA256], etc=etc, on_progress=lambda *step: seen.append(step))
    assert seen
    assert seen[-1][0] >= 1000
    assert {total for _, total in seen} == {None}


def test_an_archive_with_another_hash_is_refused(fake: Path, etc: Path, tmp_path: Path):
    with pytest.raises(SourceUnreachableError, match=r"Debian's sid holds opus_9\.orig\.tar\.gz, not the one"):
        fetch_debian_source("sid", tmp_path / "down", sha256s=["0" * 64], etc=etc)
    assert not (tmp_path / "down").exists()


def test_a_suite_without_the_package_is_told(fake: Path, etc: Path, tmp_path: Path):
    (fake / "opus_9.orig.tar.gz").unlink()
    with pytest.raises(SourceUnreachableError, match="sid holds no archive"):
        fetch_debian_source("sid", tmp_path, sha256s=[SHA256], etc=etc)


def test_apts_own_error_is_passed_on(fake: Path, etc: Path, tmp_path: Path):
    (fake / "error").write_text("E: Some index files failed to download.")
    with pytest.raises(SourceUnreachableError, match=r"^apt: Some index files failed to download\.$"):
        fetch_debian_source("sid", tmp_path, sha256s=[SHA256], etc=etc)


def test_an_apt_that_never_ends_is_ended(fake: Path, etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(debian_source, "_MAX_POLLS", 1)
    (fake / "sleep").write_text("60")
    with pytest.raises(SourceUnreachableError, match="did not end within"):
        fetch_debian_source("sid", tmp_path, sha256s=[SHA256], etc=etc)


def test_a_machine_without_apt_get_is_told(etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnreachableError, match="no apt-get"):
        fetch_debian_source("sid", tmp_path, sha256s=[SHA256], etc=etc)
