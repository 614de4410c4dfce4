"""A service account that belongs to nobody: Google's libraries take it as they take a real one.

Its key is made for the test run, and its tokens come from a server in the test's own process, so that production code
logs in the way it always does and needs no branch for tests.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class _Tokens(BaseHTTPRequestHandler):
    """Gives a token to every caller."""

    def do_POST(self) -> None:
        """Answers a request for a token."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"access_token": "of-nobody", "token_type": "Bearer", "expires_in": 3600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: requests for tokens are no news."""


@contextmanager
def token_server() -> Iterator[str]:
    """The address of a server of tokens, for a ``with`` block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Tokens) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/token"
        finally:
            server.shutdown()
            thread.join()


def write_service_account(file: Path, project: str, token_uri: str) -> None:
    """Writes the key file of a service account of ``project``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "made-for-tests",
        "private_key": text,
        "client_email": f"tests@{project}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }
    file.write_text(json.dumps(account), encoding="utf-8")
