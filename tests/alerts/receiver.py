"""A receiver on this machine: an HTTP server that records what it is sent, and answers, refuses or goes away."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "sesame0123456789"


class HttpReceiver:
    """Records messages; ``answers`` are the statuses of the next requests, and 200 after them."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.messages: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.answers: list[int] = []
        self.always = 200
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The Apprise URL, with a secret as user, password, path and parameter."""
        return f"json://{SECRET}:{SECRET}@127.0.0.1:{self.port}/{SECRET}?-token={SECRET}"

    @property
    def titles(self) -> list[str]:
        """The titles of the messages that were taken, in order."""
        return [message["title"] for message in self.messages]

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = receiver.answers.pop(0) if receiver.answers else receiver.always
                receiver.statuses.append(status)
                if status == 200:
                    receiver.messages.append(body)
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Requests are recorded, not logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def receiving() -> Iterator[HttpReceiver]:
    """A receiver that is up for the length of the ``with`` block."""
    receiver = HttpReceiver()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()
