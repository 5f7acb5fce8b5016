"""A small HTTP server in a thread of its own: for tests that wait in theirs, or whose system is another process."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    """By their lower-case names."""
    body: bytes


@dataclass(frozen=True)
class Answered:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def serving_in_thread(answer: Callable[[Asked], Answered]) -> Iterator[int]:
    """Gives the port on 127.0.0.1. Every method is answered alike."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answered = answer(Asked(self.path, headers, self.rfile.read(int(headers.get("content-length", "0")))))
            self.send_response(answered.status)
            for name, value in {"content-length": str(len(answered.body)), **answered.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answered.body)

        do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = do_HEAD = _answer  # noqa: N815 (the library's names)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
