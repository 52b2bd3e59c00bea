"""A whole site on a loopback port, for tests that look at it with a real browser."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvicorn

from roseau.app import create_app, open_server
from roseau.domain.site import choose
from roseau.doors.server import Server
from roseau.settings import Settings
from roseau.storage.database import Transaction

_PATIENCE = 20.0


class Living(msgspec.Struct):
    """A site that answers: its address, and what it stands on."""

    url: str
    server: Server


def _say_where_to_write(tx: Transaction) -> None:
    """Without contact points nobody can sign up."""
    choose(tx, None, contact_authorities="law@roseau.test", contact_users="help@roseau.test")


@contextmanager
def living_site(folder: Path) -> Iterator[Living]:
    """Serve an empty site, its worker included, from a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        data=str(folder / "data"),
        base_url=url,
        rate_limits=False,
        registrations="open",
        mail_confirmation=False,
        synchronous="OFF",
    )
    server = open_server(settings)
    server.database.write_now(_say_where_to_write)
    config = uvicorn.Config(
        create_app(server), lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve([listener])), name="site")
    thread.start()
    try:
        until = time.monotonic() + _PATIENCE
        while not running.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the site did not start")
            time.sleep(0.01)
        yield Living(url, server)
    finally:
        running.should_exit = True
        thread.join(_PATIENCE)
        server.database.close()
