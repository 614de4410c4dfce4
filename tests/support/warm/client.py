"""One call of a warm command: hands its arguments, environment and output to the server and ends as the call does.

``tests.support.warm`` writes this file under the commands' names; the server's socket lies beside it.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

LOST = 70
"""The exit code of a call whose server is gone."""


def main() -> int:
    """Makes the call and waits for its end; returns its exit code."""
    program = Path(sys.argv[0])
    if program.name == "python" and sys.argv[1:2] != ["-m"]:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    call = {
        "program": program.name,
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 (a start as short as can be)
    }
    text = json.dumps(call).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(str(program.with_name("socket")))
        socket.send_fds(server, [len(text).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(text)
        child = int.from_bytes(server.recv(8, socket.MSG_WAITALL), "big")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(child, number))
        code = server.recv(1)
    return code[0] if code else LOST


if __name__ == "__main__":
    sys.exit(main())
