"""Something between a client and an emulator that fails on request: an outage on demand.

Requests go through unchanged until a fault is set; a fault looks at each request and says what becomes of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Literal


@dataclass(frozen=True)
class Request:
    """A request on its way: what is asked of which path, with what body."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a client gets in place of the emulator's own answer."""

    status: int
    body: bytes = b"{}"


Fate = Answer | Literal["cut", "cut after", "cut within", "hang"] | None
"""What becomes of a request: an answer of the proxy's own; its connection cut before the emulator hears of it, or after
it did and before its answer, or in the middle of that; no answer for as long as the proxy is there; or (None)
nothing."""

Fault = Callable[[Request], Fate]


class Proxy(ThreadingHTTPServer):
    """A server in front of the one at ``port``; ``fault`` decides about each request."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = port
        self.fault: Fault = lambda _: None
        self.is_over = Event()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.server.fault(Request(self.command, self.path, body))
        if fate == "hang":
            self.server.is_over.wait()
        if fate in ("cut", "hang"):
            self._cut()
        elif isinstance(fate, Answer):
            self._answer(fate.status, {"Content-Type": "application/json"}, fate.body)
        else:
            self._forward(body, fate)

    do_GET = _pass_on  # noqa: N815 (http.server's name, as the others below)
    do_POST = _pass_on  # noqa: N815
    do_PUT = _pass_on  # noqa: N815
    do_PATCH = _pass_on  # noqa: N815
    do_DELETE = _pass_on  # noqa: N815

    def _forward(self, body: bytes, fate: Fate) -> None:
        connection = HTTPConnection("127.0.0.1", self.server.target, timeout=900)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self._cut()
            return
        finally:
            connection.close()
        if fate == "cut after":
            self._cut()
            return
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _OWN}
        self._answer(response.status, kept, content, is_whole=fate != "cut within")

    def _answer(self, status: int, headers: dict[str, str], content: bytes, is_whole: bool = True) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if is_whole else content[: len(content) // 2])
        if not is_whole:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the emulator behind keeps a log of its own."""


_OWN = {"content-length", "transfer-encoding", "connection"}


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A proxy in front of a server of this machine, for a ``with`` block."""
    with Proxy(port) as proxy:
        thread = Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.is_over.set()
            proxy.shutdown()
            thread.join()
