"""A real S3-compatible server for the tests, from the `localbucket` wheel; a test may kill and restart it."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

BUCKET = "roseau-media"
PATIENCE = 30.0


class BucketServer:
    """A server with one bucket, whose objects lie in `folder`."""

    def __init__(self, home: Path) -> None:
        self.folder = home / BUCKET
        self.folder.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        """What the setting `media_stores` says of it."""
        return f"s3://key:sec%2Fret@{BUCKET}/media?endpoint=http://127.0.0.1:{self.port}&region=eu-test"

    def start(self) -> None:
        """Serve, at the same address as before."""
        command = [sys.executable, "-m", "localbucket", str(self.folder.parent), "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                urlopen(f"http://127.0.0.1:{self.port}/", timeout=PATIENCE).close()
                return
            except OSError:
                assert time.monotonic() < until, "the S3 server does not start"
                time.sleep(0.05)

    def pause(self) -> None:
        """Answer nobody, and refuse nobody either."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
