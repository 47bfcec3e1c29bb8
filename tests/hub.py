"""A file server that knows ranges, and the Hugging Face hub's protocol under `/datasets/`.

By hand: `python tests/hub.py MusicEval-full.zip [--gated] [--stall-at BYTES]` says what to set.
"""

import argparse
import base64
import hashlib
import json
import socket
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

BRANCH = "main"
ASKED_TOO_OFTEN = (429, {"Retry-After": "7"})


class Web:
    """Files by name, and how they are given out.

    `refuse` holds statuses by name, with headers or without; `told` checksums to tell instead of
    the true ones; `tokens`, where files are gated, which log-ins have accepted the terms. A
    connection breaks off at `drop_at`, politely, or at `reset_at`, once; it waits at `stall_at`.
    `asked` lists each request's method, path and range, `trusted` the hosts that saw a token;
    `repos` holds by name what was published: `private` and `files`.
    """

    def __init__(self):
        self.files, self.refuse, self.told, self.asked, self.trusted = {}, {}, {}, [], set()
        self.tokens = None
        self.drop_at = self.reset_at = None
        self.stall_at, self.stalled, self.go_on = None, threading.Event(), threading.Event()
        self.commits, self.repos = {}, {}

    @property
    def commit(self):
        """The name of the files as they are now, which keeps them."""
        digest = hashlib.sha1(b"".join(name.encode() + data for name, data in self.files.items()))
        self.commits[digest.hexdigest()] = dict(self.files)
        return digest.hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def do_POST(self):
        """Take a repository as the hub's client sends one: make it, say how, commit."""
        web = self.server.web
        web.asked.append((self.command, self.path, None))
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if closed := self.closed():
            return self.head(*closed)
        road = unquote(self.path).split("?")[0].removeprefix("/api/")
        lines = [json.loads(line) for line in sent.splitlines() if line]
        if road == "repos/create":
            private = lines[0].get("private") or lines[0].get("visibility") == "private"
            name = "/".join(filter(None, (lines[0].get("organization"), lines[0]["name"])))
            web.repos[name] = {"private": private, "files": {}}
            return self.say({"url": f"{web.url}/{name}"})
        if road == "validate-yaml":
            return self.say({"errors": [], "warnings": []})
        name, what = road.removeprefix("models/").rsplit("/", 2)[:2]
        if what == "preupload":
            told = [one["path"] for one in lines[0]["files"]]
            regular = [
                {"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in told
            ]
            return self.say({"files": regular})
        for line in lines:
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                web.repos[name]["files"][line["value"]["path"]] = content
        commit = {"commitOid": "c" * 40, "commitUrl": f"{web.url}/{name}/commit/{'c' * 40}"}
        return self.say({"success": True, "hookOutput": "", **commit})

    def say(self, found):
        data = json.dumps(found).encode()
        self.head(200, {"Content-Type": "application/json", "Content-Length": str(len(data))})
        self.wfile.write(data)

    def answer(self, body):
        web = self.server.web
        web.asked.append((self.command, self.path, self.headers.get("Range")))
        if self.headers.get("Authorization"):
            web.trusted.add(self.headers["Host"])
        _, road, *rest = unquote(self.path).split("/")
        name = rest[-1] if rest else ""
        if name in web.refuse:
            status = web.refuse[name]
            return self.head(*(status if isinstance(status, tuple) else (status, {})))
        if road == "datasets":
            return self.hub(unquote(self.path), name)
        files = web.commits[self.path.split("/")[2]] if road == "cdn" else web.files
        data = files.get(name)
        if data is None:
            return self.head(404, {})
        return self.send(data, f'"{hashlib.sha256(data).hexdigest()[:8]}"', body)

    def hub(self, path, name):
        web, now = self.server.web, self.server.web.commit
        closed = self.closed()
        if closed:
            return self.head(*closed)
        revision = path.split("/resolve/")[1].split("/")[0]
        commit = now if revision == BRANCH else revision
        if commit not in web.commits:
            return self.head(404, {"X-Error-Code": "RevisionNotFound"})
        data = web.commits[commit].get(name)
        if data is None:
            return self.head(404, {"X-Error-Code": "EntryNotFound"})
        digest = web.told.get(name) or hashlib.sha256(data).hexdigest()
        # Another host, as the hub's own: what it says of the file is in this answer alone.
        place = f"{web.url.replace('127.0.0.1', 'localhost')}/cdn/{commit}/{name}"
        facts = {"X-Repo-Commit": commit, "X-Linked-Etag": f'"{digest}"', "Location": place}
        return self.head(302, facts | {"X-Linked-Size": str(len(data))})

    def closed(self):
        tokens, given = self.server.web.tokens, self.headers.get("Authorization")
        if tokens is None:
            return None
        if given is None:
            return 401, {"X-Error-Code": "GatedRepo"}
        accepted = tokens.get(given.removeprefix("Bearer "))
        if accepted is None:
            return 401, {"X-Error-Message": "Invalid credentials in Authorization header"}
        return None if accepted else (403, {"X-Error-Code": "GatedRepo"})

    def send(self, data, etag, body):
        whole, asked = len(data), self.headers.get("Range")
        if self.headers.get("If-Range", etag) != etag:
            asked = None
        start = int((asked or "bytes=0-")[6:-1])
        facts = {"ETag": etag, "Content-Length": str(whole - start)}
        if start:
            facts["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        self.head(206 if start else 200, facts)
        if body:
            self.write(data[start:], start)

    def write(self, data, start):
        web = self.server.web
        stop = web.stall_at or web.drop_at or web.reset_at or start + len(data)
        self.wfile.write(data[: max(stop - start, 0)])
        self.wfile.flush()
        if web.stall_at:
            web.stalled.set()
            web.go_on.wait(600)
        elif web.reset_at:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        self.close_connection = stop < start + len(data)
        web.drop_at = web.reset_at = None

    def head(self, status, facts):
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | facts).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving(port=0):
    """Serve on this machine: `web.url`, `web.files[name] = bytes`."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.web = Web()
    server.web.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.web
    finally:
        server.web.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--gated", action="store_true", help="the token `good` is let in")
    parser.add_argument("--stall-at", type=int, help="bytes after which nothing more comes")
    given = parser.parse_args()
    with serving(given.port) as web:
        web.files[given.archive.name] = given.archive.read_bytes()
        web.tokens = {"good": True, "asked": False} if given.gated else None
        web.stall_at = given.stall_at
        print(f"HF_ENDPOINT={web.url}", flush=True)
        seen = 0
        while True:
            threading.Event().wait(0.5)
            for request in web.asked[seen:]:
                print(*request, flush=True)
                seen += 1


if __name__ == "__main__":
    main()
