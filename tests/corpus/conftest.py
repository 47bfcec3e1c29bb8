import hashlib
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from whisq.corpus import rehearsal


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    return rehearsal.make(tmp_path_factory.mktemp("musiceval") / "raw", clips=60, seconds=0.1)


@pytest.fixture
def corpus(made_once, tmp_path):
    """A corpus of 60 clips that a test may damage."""
    return shutil.copytree(made_once, tmp_path / "raw")


class Handler(BaseHTTPRequestHandler):
    """A file server that knows ranges, and the hub's protocol under `/datasets/`."""

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        web = self.server.web
        web.asked.append((self.command, self.path, self.headers.get("Range")))
        name = Path(self.path).name
        status = web.refuse.get(name)
        if status:
            return self.head(status, {"X-Error-Code": "GatedRepo"} if status == 401 else {})
        data = web.files.get(name)
        if data is None:
            return self.head(404, {"X-Error-Code": "EntryNotFound"})
        digest = web.told.get(name) or hashlib.sha256(data).hexdigest()
        if self.path.startswith("/datasets/"):
            facts = {"X-Repo-Commit": "c" * 40, "X-Linked-Etag": f'"{digest}"'}
            # Another host, as the hub's own: what it says of the file is in this answer alone.
            elsewhere = web.url.replace("127.0.0.1", "localhost")
            facts |= {"Location": f"{elsewhere}/cdn/{name}"}
            facts |= {"X-Linked-Size": str(len(data))}
            return self.head(302, facts)
        return self.send(data, f'"{digest[:8]}"', body)

    def send(self, data, etag, body):
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        whole = len(data)
        facts = {"ETag": etag, "Content-Length": str(whole - start)}
        if start:
            facts["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        self.head(206 if start else 200, facts)
        if body:
            web = self.server.web
            stop = web.stall_at or web.drop_at or whole
            self.wfile.write(data[start:stop])
            if web.drop_at:
                web.drop_at = None
                self.close_connection = True
            elif stop < whole:
                self.wfile.flush()
                web.stalled.set()
                web.go_on.wait(60)

    def head(self, status, facts):
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | facts).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


class Web:
    """Files by name, statuses to refuse them with, checksums to tell, and what was asked for."""

    def __init__(self):
        self.files, self.refuse, self.told, self.asked = {}, {}, {}, []
        self.drop_at = None
        self.stall_at, self.stalled, self.go_on = None, threading.Event(), threading.Event()


@pytest.fixture
def web(monkeypatch, tmp_path):
    """A server on this machine: `web.url`, `web.files[name] = bytes`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.web = Web()
    server.web.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", server.web.url)
    monkeypatch.setenv("WHISQ_CACHE", str(tmp_path / "cache"))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.web
    server.web.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()
