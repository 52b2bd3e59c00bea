"""What was acknowledged is there after a crash: servers killed at random moments while people post.

A real process, real sockets, both databases; the seed that is printed makes the same moments again.
"""

import http.client
import io
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
from PIL import Image

from tests.cli.running import PATIENCE, Served, ok
from tests.servers import postgresql

KILLS = 3
WRITERS = 4
#: Posts that have to be acknowledged before the kill, which comes up to so many seconds later.
WARM, LATEST = 5, 0.6


@dataclass
class Acknowledged:
    """What the server said it had saved: posts by id with their text, and the ids of uploads."""

    posts: dict[str, str] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    refused: list[tuple[int, Any]] = field(default_factory=list)


class Connection:
    """A client that keeps its connection."""

    def __init__(self, address: str, token: str) -> None:
        self._http = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
        self._headers = {"Authorization": f"Bearer {token}"}

    def request(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, Any]:
        """One request; status and JSON. Raises OSError, HTTPException."""
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        self._http.request(method, path, body, headers)
        answer = self._http.getresponse()
        data = answer.read()
        return answer.status, msgspec.json.decode(data) if data[:1] in (b"{", b"[") else data

    def post(self, text: str, media_id: str = "") -> tuple[int, Any]:
        """Post a status."""
        form = {"status": text, **({"media_ids[]": media_id} if media_id else {})}
        return self.request(
            "POST", "/api/v1/statuses", urlencode(form).encode(), "application/x-www-form-urlencoded"
        )

    def upload(self, picture: bytes) -> tuple[int, Any]:
        """Upload a picture."""
        head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        body = head + b"Content-Type: image/png\r\n\r\n" + picture + b"\r\n--cut--\r\n"
        return self.request("POST", "/api/v2/media", body, "multipart/form-data; boundary=cut")

    def close(self) -> None:
        """Let go of it."""
        self._http.close()


def draw(seed: str) -> bytes:
    """A small picture unlike any other."""
    source = random.Random(seed)
    picture = Image.new("RGB", (24, 24), tuple(source.randrange(256) for _ in range(3)))
    picture.putpixel((source.randrange(24), source.randrange(24)), (255, 255, 255))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def write(address: str, token: str, name: str, found: Acknowledged, stop: threading.Event) -> None:
    """Post until the server is gone or the test says stop; what it refuses is kept to be looked at."""
    connection = Connection(address, token)
    try:
        for count in range(100_000):
            if stop.is_set():
                return
            text = f"{name} says {count}"
            status, body = connection.post(text)
            if status == 200:
                found.posts[body["id"]] = text
            else:
                found.refused.append((status, body))
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


def upload(address: str, token: str, name: str, found: Acknowledged, stop: threading.Event) -> None:
    """The same with pictures."""
    connection = Connection(address, token)
    try:
        for count in range(100_000):
            if stop.is_set():
                return
            status, body = connection.upload(draw(f"{name} {count}"))
            if status in (200, 202):
                found.uploads.append(body["id"])
            else:
                found.refused.append((status, body))
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


def load(
    served: Served, token: str, name: str, found: Acknowledged, moment: float, kill: Callable[[], None]
) -> None:
    """Let several clients write, and kill in the middle of it."""
    stop = threading.Event()
    already = len(found.posts)
    clients = [
        threading.Thread(target=write, args=(served.address, token, f"{name}.{number}", found, stop))
        for number in range(WRITERS)
    ]
    clients.append(threading.Thread(target=upload, args=(served.address, token, name, found, stop)))
    for client in clients:
        client.start()
    deadline = time.monotonic() + PATIENCE
    while len(found.posts) < already + WARM:
        assert time.monotonic() < deadline, found.refused
        time.sleep(0.005)
    stop.wait(moment)
    kill()
    stop.set()
    for client in clients:
        client.join(PATIENCE)
        assert not client.is_alive()


def check(address: str, token: str, found: Acknowledged) -> None:
    """Everything that was acknowledged is there, with its text; pictures are ready or get ready."""
    connection = Connection(address, token)
    missing = {}
    for status_id, text in found.posts.items():
        status, body = connection.request("GET", f"/api/v1/statuses/{status_id}")
        if status != 200 or body["content"] != f"<p>{text}</p>":
            missing[status_id] = (text, status, body)
    assert missing == {}
    deadline = time.monotonic() + PATIENCE
    for media_id in found.uploads:
        status, body = connection.request("GET", f"/api/v1/media/{media_id}")
        while status == 206 and time.monotonic() < deadline:
            time.sleep(0.05)
            status, body = connection.request("GET", f"/api/v1/media/{media_id}")
        assert status == 200, (media_id, status, body)
        status, picture = connection.request("GET", urlsplit(body["url"]).path)
        assert status == 200 and picture
    connection.close()


@pytest.fixture
def moments(request: pytest.FixtureRequest) -> list[float]:
    """When to kill, in seconds after the first posts; the seed is printed with a failure."""
    seed = random.randrange(1 << 32)
    sys.stdout.write(f"the moments of {request.node.name} come from seed {seed}\n")
    source = random.Random(seed)
    return [source.uniform(0, LATEST) for _ in range(KILLS)]


def prepare(data: Path, database: str) -> str:
    """A site with one member; her token."""
    ok("init", "--domain", "roseau.test", "--data", data, database=database)
    ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data, database=database)
    return ok("token", "create", "ada", "--data", data, database=database)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_server_has_lost_nothing(tmp_path: Path, kind: str, moments: list[float]) -> None:
    server = postgresql.start(fsync=True) if kind == "postgresql" else None
    try:
        database = postgresql.create_database(server, "roseau_kill") if server else ""
        token = prepare(tmp_path / "data", database)
        found = Acknowledged()
        for number, moment in enumerate(moments):
            served = Served(tmp_path / "data", database=database, rate_limits="false")
            check(served.address, token, found)
            load(served, token, f"run {number}", found, moment, lambda s=served: s.end(signal.SIGKILL))  # type: ignore[misc]
        served = Served(tmp_path / "data", database=database, rate_limits="false")
        try:
            check(served.address, token, found)
        finally:
            served.end(signal.SIGTERM)
        assert found.refused == []
        assert len(found.posts) >= KILLS * WARM
    finally:
        if server:
            server.stop()


def test_a_killed_postgresql_has_lost_nothing_and_roseau_goes_on(
    tmp_path: Path, moments: list[float]
) -> None:
    server = postgresql.start(fsync=True)
    try:
        database = postgresql.create_database(server, "roseau_kill")
        token = prepare(tmp_path / "data", database)
        found = Acknowledged()
        served = Served(tmp_path / "data", database=database, rate_limits="false")
        try:
            for number, moment in enumerate(moments):
                load(served, token, f"run {number}", found, moment, lambda: crash(server))
                wait_until_it_posts(served.address, token)
                check(served.address, token, found)
        finally:
            served.end(signal.SIGTERM)
        # While the database was away, nobody was told anything but to try again.
        assert {status for status, _ in found.refused} <= {503}
        assert len(found.posts) >= KILLS * WARM
    finally:
        server.stop()


def crash(server: postgresql.PostgresServer) -> None:
    """End PostgreSQL without warning, and bring it back while people go on writing."""
    server.kill()
    server.restart()


def wait_until_it_posts(address: str, token: str) -> None:
    """Roseau finds its database again by itself."""
    deadline = time.monotonic() + PATIENCE
    connection = Connection(address, token)
    while (answer := connection.post("back again"))[0] != 200:
        assert answer[0] == 503, answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    connection.close()
