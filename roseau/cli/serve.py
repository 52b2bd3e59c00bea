"""`roseau serve`: the server. Makes what is missing in the data folder, says where it is, and runs."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
import msgspec
import uvicorn
import uvloop

from roseau import __version__
from roseau.app import create_app, open_server
from roseau.cli.groups import Command, settings_of
from roseau.cli.working import explained, make_folder, refuse_reed
from roseau.control import open_control, perform
from roseau.domain.accounts.founding import has_owner
from roseau.domain.site import OPEN, has_contacts, load_choices
from roseau.doors.server import Server
from roseau.kernel.errors import Unavailable
from roseau.logs import log_to_stderr
from roseau.operations import Nothing, open_first_run
from roseau.settings import Settings, describe_settings
from roseau.storage.lease import take_lease

GRACE_SECONDS = 5
BACKLOG = 2048
STOPPING = (signal.SIGINT, signal.SIGTERM)


def setting_flags(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command a flag for every setting but `data`, which all commands have."""
    kinds = get_type_hints(Settings)
    for name, description in reversed(describe_settings().items()):
        if name == "data":
            continue
        choices = _choices_of(kinds[name])
        default = getattr(Settings(), name)
        shown = f"  [default: {_show(default)}]" if default not in (None, "", ()) else ""
        flag = click.option(
            "--" + name.replace("_", "-"),
            name,
            type=click.Choice(choices) if choices else str,
            metavar=None if choices else _metavar(kinds[name]),
            help=description + shown,
        )
        function = flag(function)
    return function


def _choices_of(kind: Any) -> list[str]:
    if kind is bool:
        return ["true", "false"]
    for part in (kind, *get_args(kind)):
        if get_origin(part) is Literal:
            return list(get_args(part))
    return []


def _metavar(kind: Any) -> str:
    if kind is int or int in get_args(kind):
        return "NUMBER"
    return "CIDR,…" if get_origin(kind) is tuple else "TEXT"


def _show(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@click.command("serve", cls=Command)
@setting_flags
@click.pass_context
def command(context: click.Context, /, **flags: str | None) -> None:
    """Run the server.

    With nothing but a data folder, or not even that: it makes the database and the secrets, listens on
    http://127.0.0.1:8000 and prints a link, good for a day, to the pages that make the first account. It runs
    until it is interrupted, and finishes the answers it has begun.

    Every flag below is a setting, and can also be written in roseau.toml in the data folder (port = 8000) or
    in the environment (ROSEAU_PORT=8000). A flag wins over the environment, and that over the file.
    Passwords are better kept out of flags, where other users of the machine can see them.

    \b
    Behind a proxy that speaks TLS:
      roseau serve --base-url https://example.org --trusted-proxies 127.0.0.1/32
    """
    settings = settings_of(context, **flags)
    log_to_stderr(settings)
    folder = make_folder(settings)
    refuse_reed(folder)
    with take_lease(folder), _listen(settings) as listener:
        # With port 0 the system chooses one, which the addresses in posts have to name.
        settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])
        with explained():
            server = open_server(settings)
        try:
            link = _open_first_run(server)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(server, listener, link))
        finally:
            server.blobs.close()
            if server.survival is not None:
                server.survival.close()
            server.database.close()


def _open_first_run(server: Server) -> str | None:
    """A link for whoever is to own the site, if nobody does. Without its reeds a site can be read only."""
    if server.database.read_now(has_owner):
        return None
    try:
        return server.database.write_now(open_first_run, server.site, Nothing())
    except Unavailable:
        return None


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {settings.host}, port {settings.port}: {error.strerror}. "
            "Choose others with --host and --port."
        ) from error


class _Announcing(uvicorn.Server):
    """uvicorn, which says where the site is once it answers, and at the end hangs up on open streams."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], hang_up: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._hang_up = hang_up

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """When asked to stop, end the server and not the process: what is open is closed behind it."""
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield
        for number in STOPPING:
            loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application and the listener, then announce them."""
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the streams, which would never end by themselves; then finish what was begun."""
        self._hang_up()
        await super().shutdown(sockets)


async def _serve(server: Server, listener: socket.socket, link: str | None) -> None:
    config = uvicorn.Config(
        create_app(server),
        loop="none",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        lifespan="on",
        log_config=None,
        access_log=False,
        # Which proxies are believed is a setting of ours (`doors/callers.py`).
        proxy_headers=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    async with open_control(server.folder, partial(perform, server)):
        announce = partial(_announce, server, listener, link)
        await _Announcing(config, announce, server.hub.close).serve([listener])


def _announce(server: Server, listener: socket.socket, link: str | None) -> None:
    host, port = listener.getsockname()[:2]
    listens = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    print(f"Roseau {__version__} listens on {listens}")
    if server.site.base_url != listens:
        print(f"Members reach it at {server.site.base_url}")
    if link:
        print("Nobody owns this site yet. Make the first account here, within a day:")
        print(f"  {link}")
    if server.site.settings.registrations in OPEN and not has_contacts(
        server.database.read_now(load_choices)
    ):
        print("Nobody can sign up yet: say in the settings where users and authorities write to you.")
    sys.stdout.flush()
