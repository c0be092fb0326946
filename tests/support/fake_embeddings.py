"""A server of /v1/embeddings whose vectors mean something: bags of hashed pairs of letters.

Texts that share pairs are near each other. `same` says which words mean the same, as a trained model would
know: each is read as the first of its group. `heard` holds every text that came, `fault` is a status it
answers with instead, `seconds` how long it thinks.
"""

from __future__ import annotations

import json
import threading
import time
from array import array
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32

WIDTH = 512


def vector(text: str, same: Sequence[Sequence[str]] = ()) -> list[float]:
    """Of pairs of letters; every text has at least its first letter."""
    for first, *others in same:
        for other in others:
            text = text.replace(other, first)
    letters = "".join(text.lower().split()) or "?"
    found = [0.0] * WIDTH
    for at in range(max(len(letters) - 1, 1)):
        found[crc32(letters[at : at + 2].encode()) % WIDTH] += 1.0
    return found


@dataclass
class FakeEmbeddings:
    url: str = ""
    same: Sequence[Sequence[str]] = ()
    heard: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    calls: int = 0
    fault: int | None = None
    body: bytes | None = None
    seconds: float = 0.0
    as_floats: bool = False


@contextmanager
def fake_embeddings(**options: object) -> Iterator[FakeEmbeddings]:
    fake = FakeEmbeddings(**options)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.path == "/v1/embeddings"
            fake.calls += 1
            fake.heard += asked["input"]
            fake.keys.append(self.headers.get("authorization"))
            time.sleep(fake.seconds)
            status, body = fake.fault or 200, fake.body
            if fake.fault is not None:
                body = b'{"error": {"message": "no", "code": "unavailable_error"}}'
            if body is None:
                rows = [
                    {"object": "embedding", "index": n, "embedding": self._written(vector(text, fake.same))}
                    for n, text in enumerate(asked["input"])
                ]
                usage = {"prompt_tokens": 7 * len(rows), "total_tokens": 7 * len(rows)}
                # the order of the rows is the index, not where they stand
                body = json.dumps({"object": "list", "data": rows[::-1], "usage": usage}).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _written(self, found: list[float]) -> object:
            return found if fake.as_floats else b64encode(array("f", found).tobytes()).decode()

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # who asked did not wait
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
