"""Starts gcp-storage-emulator with its objects on disk, where bqemulator finds them.

Only tests start it: ``python -m tests.support.emulators.launch_storage PORT FOLDER``.
"""

import sys

from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]

if __name__ == "__main__":
    server = create_server("127.0.0.1", int(sys.argv[1]), in_memory=False, data_dir=sys.argv[2])
    server.run()
