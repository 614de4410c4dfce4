"""A bucket of a test's own, behind a proxy that makes outages."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import gcsfs.retry
import pytest
from google.cloud import storage

from tests.support.emulators.proxy import Proxy, proxy_to
from tests.support.emulators.servers import GoogleCloud
from tracks_assets.storage.inventory import ExportFile


@dataclass
class Bucket:
    """A bucket, and the proxy before it."""

    name: str
    proxy: Proxy
    handle: storage.Bucket

    @property
    def uri(self) -> str:
        """A prefix in it, as the settings name it."""
        return f"gs://{self.name}/posthog"

    def blob(self, file: ExportFile) -> storage.Blob:
        """An exported file's object, as the emulator has it: what is done to it does not pass the proxy."""
        return self.handle.blob(file.path.removeprefix(f"{self.name}/"))

    def put(self, folder: Path) -> None:
        """Puts every file below a folder under the prefix."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.handle.blob(f"posthog/{file.relative_to(folder)}").upload_from_filename(str(file))


@pytest.fixture
def bucket(cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A fresh bucket; gcsfs, which remembers its filesystems, knows the proxy's address for as long as the test runs.

    Between two tries it waits hardly at all.
    """
    with proxy_to(cloud.storage.port) as proxy:
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(gcsfs.retry.asyncio, "sleep", _hardly)
        gcsfs.GCSFileSystem.clear_instance_cache()
        client = storage.Client()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.address)
        name = f"bucket-{uuid4().hex[:8]}"
        yield Bucket(name, proxy, client.create_bucket(name))
        client.close()
        gcsfs.GCSFileSystem.clear_instance_cache()


_sleep = asyncio.sleep


async def _hardly(seconds: float, *_: object) -> None:
    await _sleep(min(seconds, 0.01))
