"""The server, wired by hand in one place: what it stands on, its routes, its middleware, its life."""

import asyncio
import gc
import logging
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import Thread
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from roseau import __version__
from roseau.api import ROUTES as API_ROUTES
from roseau.api.routing import PREFLIGHT, to_error, to_routes
from roseau.api.streaming import SOCKETS
from roseau.domain.media.keeping import keep_copies
from roseau.domain.media.uploads import plan_sweep
from roseau.domain.moderation.record.roots import plan_roots
from roseau.domain.moderation.servers.subscriptions import plan_fetches
from roseau.domain.notifications.push import make_vapid_keys
from roseau.domain.policy import backfill_versions
from roseau.doors.abuse_mail import take_abuse_mail
from roseau.doors.callers import TrustedProxies
from roseau.doors.evidence import keep_evidence
from roseau.doors.gate import Gate
from roseau.doors.mailing import hand_over
from roseau.doors.multipart import discard_uploads
from roseau.doors.nightly import back_up_nightly
from roseau.doors.server import Server
from roseau.kernel.errors import NotFound, RoseauError
from roseau.network.client import ClientRules, GuardedClient
from roseau.opening import open_database, open_site
from roseau.settings import Settings
from roseau.storage.stores.copies import open_blobs
from roseau.streams import Hub
from roseau.survival.addresses.issuing import issue_manifest
from roseau.survival.addresses.pointing import point_names_here
from roseau.survival.reeds.carrying import carry_settings
from roseau.survival.reeds.primary import Primary, open_primary
from roseau.survival.reeds.reed_store import ReedStores
from roseau.survival.vault.keeper import Vaults
from roseau.survival.watching.watch import Watch
from roseau.web.rendering import render_error
from roseau.web.routes import ROUTES as WEB_ROUTES
from roseau.worker import Worker

log = logging.getLogger("roseau.requests")

#: Requests under these are a client's: their errors are JSON, and other sites' pages may read the answers.
API_PREFIXES = (
    "/api/",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/userinfo",
    "/.well-known/",
    "/nodeinfo/",
    "/health",
    "/survival/",
)

#: What follows these opens a door by itself, and is not written down.
SECRET_PREFIXES = ("/first-run/", "/confirm/", "/password/reset/", "/invite/", "/notices/")


def open_server(settings: Settings) -> Server:
    """Everything a server stands on, from the settings alone."""
    database = open_database(settings)
    site = open_site(database, settings)
    database.write_now(make_vapid_keys, site)
    database.write_now(plan_sweep)
    database.write_now(backfill_versions)
    database.write_now(plan_fetches)
    database.write_now(plan_roots)
    database.write_now(issue_manifest, site)
    carry_settings(database, site.data_key, settings)
    folder = Path(settings.data)
    blobs = open_blobs(folder / "media", settings.media_stores, settings.media_copies)
    rules = ClientRules(site=site.base_url, version=__version__, allowed_networks=settings.outgoing_networks)
    server = Server(database, site, blobs, folder, GuardedClient(rules), Hub(database))
    server.survival = survival = open_primary(database, folder, settings, site.data_key, site.base_url)
    if survival is not None:
        survival.stores = ReedStores(survival.shipper, blobs, settings.media_copies)
        # Last: what was written until here is told to nobody, and a server starts while no reed answers.
        survival.start()
        server.vaults = Vaults(database, folder, site, survival.shipper.log) if settings.vaults else None
    return server


def create_app(server: Server, *, start_worker: bool = True) -> ASGIApp:
    """The ASGI application of a server; its worker runs as long as the application lives."""
    worker = Worker(server) if start_worker else None
    watch = server.watch = Watch(
        server.database,
        lambda: server.site,
        server.folder,
        server.standing_of_reeds,
        partial(hand_over, server),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        _spare_the_collector()
        running = [asyncio.create_task(server.hub.run())]
        if worker:
            running.append(asyncio.create_task(worker.run()))
            running.append(asyncio.create_task(keep_copies(server)))
            running.append(asyncio.create_task(keep_evidence(server)))
            running.append(asyncio.create_task(watch.run()))
            running.append(asyncio.create_task(back_up_nightly(server)))
            running.append(asyncio.create_task(take_abuse_mail(server)))
            Thread(
                target=point_names_here, args=(server.database, server.site, server.folder), daemon=True
            ).start()
            if server.vaults:
                server.vaults.start()
        async with server.client:
            yield
            if server.vaults:
                await asyncio.to_thread(server.vaults.close)
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await gate.close()

    app = Starlette(
        routes=[Mount("/", Table([*to_routes(API_ROUTES), *SOCKETS, *WEB_ROUTES]))], lifespan=lifespan
    )
    app.state.server = server
    # The Boundary answers for what fails; Starlette's own middleware would do it first, in plain text.
    app.middleware_stack = app.router
    gate = Gate(app)
    if isinstance(server.survival, Primary):
        server.survival.gate = gate
    logged = server.settings.log == "requests"
    return TrustedProxies(Boundary(gate, logged), server.settings.trusted_proxies)


def _spare_the_collector() -> None:
    """Let the garbage collector pass over what lives as long as the process, and look at the rest less often.

    A full collection beside a thousand open streams stopped everything for 300 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class Table:
    """The routes, with those without parameters in a dictionary: there are some two hundred."""

    def __init__(self, routes: list[Route | WebSocketRoute]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        rest: list[BaseRoute] = []
        for route in routes:
            if isinstance(route, WebSocketRoute):
                rest.append(route)
                continue
            if route.param_convertors:
                rest.append(route)
                continue
            for method in route.methods or ():
                self._exact.setdefault((method, route.path), route)
        self._paths = {path for _, path in self._exact}
        self._router = Router(rest, redirect_slashes=False, default=_not_found)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the route and let it answer."""
        path: str = scope["path"]
        if path.startswith(("/api/", "/oauth/")) and path.endswith("/"):
            # Some clients end a path with a slash, and follow no redirect.
            path = scope["path"] = path.rstrip("/")
        if scope["type"] == "websocket":
            await self._router(scope, receive, send)
            return
        route = self._exact.get((scope["method"], path))
        if route is not None:
            scope["path_params"] = {}
            await route.handle(scope, receive, send)
        elif path in self._paths:
            await _wrong_method(scope, receive, send)
        elif "\0" in path:
            # No database keeps it, so nothing has it in its name.
            raise NotFound
        else:
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:
            if error.status_code == WrongMethod.status:
                raise WrongMethod from error
            raise


class WrongMethod(RoseauError):
    """There is such a path, and it is not for this method."""

    status, code, sentence = 405, "method_not_allowed", "This address does not answer to this method"


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
        return
    raise NotFound


async def _wrong_method(scope: Scope, receive: Receive, send: Send) -> None:
    raise WrongMethod


def _for_client(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(API_PREFIXES)


def _to_loggable(path: str) -> str:
    """A path for the log. It holds ids and names but no content; the query may hold more, and is left out.

    Escaped, for otherwise a path could end the line and write the next one.
    """
    secret = next((prefix for prefix in SECRET_PREFIXES if path.startswith(prefix)), None)
    return f"{secret}..." if secret else quote(path)


class Boundary:
    """The outermost middleware: a request id, one line in the log, and an answer whatever happens inside."""

    def __init__(self, app: ASGIApp, logged: bool) -> None:
        self.app = app
        self.logged = logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or say that it failed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and _for_client(scope):
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except RoseauError as error:
            await self._answer(error, scope, receive, send_on, status)
        except HTTPException as error:
            # Starlette's word for a known path and an unknown method.
            refusal = WrongMethod() if error.status_code == 405 else NotFound()
            await self._answer(refusal, scope, receive, send_on, status)
        except Exception:
            log.error("request_failed id=%s\n%s", request_id, traceback.format_exc())
            await self._answer(RoseauError(), scope, receive, send_on, status)
        finally:
            discard_uploads(scope)
        if self.logged:
            spent = (time.perf_counter() - started) * 1000
            path = _to_loggable(scope["path"])
            log.info("%s %s %d %.1fms id=%s", scope["method"], path, status, spent, request_id)

    async def _answer(
        self, error: RoseauError, scope: Scope, receive: Receive, send: Send, status: int
    ) -> None:
        if status:
            # Half an answer is out: all that is left is to close the connection.
            raise error
        response = to_error(error) if _for_client(scope) else render_error(Request(scope, receive), error)
        await response(scope, receive, send)
