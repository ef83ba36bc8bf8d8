import hashlib
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from dred.errors import ModelError
from dred.weights import download as module
from dred.weights.download import SourceUnreachableError, download

CONTENT = np.random.default_rng(5).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """A web server on this machine that serves CONTENT with the faults that a test asks for."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.knows_ranges = True
        self.tells_length = True
        self.status = 200
        self.cut_after: list[int] = []
        self.stalls = False
        self.released = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/files/opus.tar.gz"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range", "")
        self.requests.append(wanted)
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and self.knows_ranges else 0
        status = self.status if self.status != 200 else 416 if start >= len(CONTENT) else 206 if start else 200
        body = CONTENT[start:] if status in (200, 206) else b""
        handler.send_response(status)
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if self.tells_length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if body and self.cut_after:
            handler.wfile.write(body[: self.cut_after.pop(0)])
            if self.stalls:
                self.released.wait(10)
        else:
            handler.wfile.write(body)

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.close()


def test_a_file_arrives_whole_with_progress(server: Server, tmp_path: Path):
    seen: list[tuple[int, int | None]] = []
    path = download(
        server.url, tmp_path / "new" / "x", sha256=SHA256, on_progress=lambda done, total: seen.append((done, total))
    )
    assert path == tmp_path / "new" / "x"
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["x"]
    assert seen == sorted(seen)
    assert seen[-1] == (300_000, 300_000)


def test_a_server_that_tells_no_length_is_fine(server: Server, tmp_path: Path):
    server.tells_length = False
    seen = []
    download(server.url, tmp_path / "x", sha256=SHA256, on_progress=lambda *step: seen.append(step))
    assert seen[-1] == (300_000, None)


def test_a_download_goes_on_where_an_earlier_call_stopped(server: Server, tmp_path: Path):
    (tmp_path / "x.part").write_bytes(CONTENT[:100_000])
    seen = []
    path = download(server.url, tmp_path / "x", sha256=SHA256, on_progress=lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert server.requests == ["bytes=100000-"]
    assert seen[0][0] > 100_000
    assert seen[-1] == (300_000, 300_000)


def test_a_cut_connection_is_taken_up_again_in_the_same_call(server: Server, tmp_path: Path):
    server.cut_after = [70_000, 50_000]
    assert download(server.url, tmp_path / "x", sha256=SHA256).read_bytes() == CONTENT
    assert server.requests == ["", "bytes=70000-", "bytes=120000-"]


def test_a_stalled_connection_is_taken_up_again(server: Server, tmp_path: Path):
    server.cut_after, server.stalls = [70_000], True
    assert download(server.url, tmp_path / "x", sha256=SHA256, timeout_s=0.3).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_connection_that_brings_nothing_new_is_given_up_and_what_arrived_stays(server: Server, tmp_path: Path):
    server.cut_after = [70_000, 0]
    with pytest.raises(SourceUnreachableError, match="cut after 70000 of 300000 bytes"):
        download(server.url, tmp_path / "x", sha256=SHA256)
    assert (tmp_path / "x.part").read_bytes() == CONTENT[:70_000]


def test_a_server_without_ranges_sends_the_file_from_its_start(server: Server, tmp_path: Path):
    server.knows_ranges = False
    (tmp_path / "x.part").write_bytes(b"stale" * 70_000)
    assert download(server.url, tmp_path / "x", sha256=SHA256).read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_taken(server: Server, tmp_path: Path):
    (tmp_path / "x.part").write_bytes(CONTENT)
    assert download(server.url, tmp_path / "x", sha256=SHA256).read_bytes() == CONTENT
    assert server.requests == ["bytes=300000-"]


@pytest.mark.parametrize("stale", [b"", b"wrong" * 1000, b"longer than the file " * 20_000])
def test_a_wrong_hash_removes_the_file(server: Server, tmp_path: Path, stale):
    if stale:
        (tmp_path / "x.part").write_bytes(stale)
    with pytest.raises(ModelError, match=r"SHA-256 is [0-9a-f]{64}, not ") as caught:
        download(server.url, tmp_path / "x", sha256=SHA256 if stale else "0" * 64)
    assert not isinstance(caught.value, SourceUnreachableError)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_file_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_MAX_BYTES", 200_000)
    with pytest.raises(ModelError, match="which no release has"):
        download(server.url, tmp_path / "x", sha256=SHA256)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_refuses_is_unreachable(server: Server, tmp_path: Path, status):
    server.status = status
    with pytest.raises(SourceUnreachableError, match=f"HTTP status {status}"):
        download(server.url, tmp_path / "x", sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_port_where_nobody_listens_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceUnreachableError, match="refused"):
        download(f"http://127.0.0.1:{port}/x", tmp_path / "x", sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_speaks_no_http_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"\x00\x01 no http\r\n\r\n")

        thread = Thread(target=babble)
        thread.start()
        with pytest.raises(SourceUnreachableError):
            download(f"http://127.0.0.1:{listener.getsockname()[1]}/x", tmp_path / "x", sha256=SHA256)
        thread.join()


def test_a_directory_that_cannot_be_made_is_a_model_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot write"):
        download("http://127.0.0.1:9/x", tmp_path / "file" / "x", sha256=SHA256)
