"""How an endpoint is made: who may call it, how its parameters are read, how it answers.

    routes = Routes()

    @routes.post("/api/v1/statuses", scope="write:statuses")
    async def create(call: Call) -> Response: ...

`access` says who gets in: `member` (a user token with the scope; the default), `anyone` (a user token
is honoured and must then have the scope), `app` (any token), `open` (no token is looked at), `probe` (nor
is the call counted: for whoever watches over the server). `tests/api/test_permissions.py` walks the table.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.doors import limits
from roseau.doors.callers import (
    Caller,
    bearer_of,
    check_caller,
    client_address,
    find_caller,
    is_stale,
    touch_token,
)
from roseau.doors.forms import parse_pairs, read_form, to_struct
from roseau.doors.names import url_here
from roseau.doors.sentences import known_language, sentence_of
from roseau.doors.server import Server, server_of
from roseau.kernel import clock
from roseau.kernel.errors import BadRequest, NotFound, RoseauError, TooMany, Unauthorized
from roseau.kernel.i18n import LANGUAGES
from roseau.kernel.ids import MAX_ID, parse_id
from roseau.storage.pages import Page

T = TypeVar("T")
Access = Literal["member", "anyone", "app", "open", "probe"]

#: Every answer of the API may be read by a page of another site: it carries no cookie's authority.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Idempotency-Key"
    ),
}
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "86400",
}


class Call:
    """One call of an endpoint: the request, its server, its caller."""

    __slots__ = ("asked_language", "caller", "headers", "request", "server")

    def __init__(self, request: Request, server: Server) -> None:
        self.request = request
        self.server = server
        self.caller: Caller | None = None
        self.headers: dict[str, str] = {}
        #: The parameter `lang`, once the parameters are read.
        self.asked_language = ""

    @property
    def language(self) -> str:
        """The language of errors: as the parameter `lang` asks, else the member's, else English."""
        asked = self.asked_language
        if not asked:
            # This is asked for on the way to an error, which may be that the query cannot be read.
            with suppress(BadRequest):
                asked = self.query().get("lang", "")
        return known_language(asked or (self.caller and self.caller.locale) or "")

    @property
    def viewer(self) -> int:
        """The calling member's id, 0 for anyone else."""
        return self.caller.viewer if self.caller else 0

    @property
    def member(self) -> Caller:
        """The calling member; only in endpoints that ask for one."""
        if self.caller is None or self.caller.account_id is None:
            raise Unauthorized
        return self.caller

    def path_id(self, name: str = "id") -> int:
        """The id in the path. Raises NotFound for anything that cannot be one."""
        found = parse_id(self.request.path_params[name])
        if found is None:
            raise NotFound
        return found

    async def values(self, max_file: int = 0, max_files: int = 0) -> dict[str, Any]:
        """All parameters as they came, nested."""
        values = await read_form(self.request, max_file, max_files)
        asked = values.get("lang")
        self.asked_language = asked if isinstance(asked, str) else ""
        return values

    async def form(self, struct: type[T], max_file: int = 0, max_files: int = 0) -> T:
        """All parameters as `struct`."""
        return to_struct(await self.values(max_file, max_files), struct)

    def query(self) -> dict[str, str]:
        """The query's parameters, the last of each name."""
        return dict(parse_pairs(self.request.scope["query_string"]))

    def flag(self, name: str) -> bool:
        """Whether a parameter of the query is set to something true."""
        return self.query().get(name, "").lower() in ("1", "true", "t", "yes", "on")

    def page(self, default: int = 20, most: int = 40) -> Page:
        """The page that the query asks for."""
        query = self.query()
        if not query:
            return Page(limit=default)
        limit = parse_id(query.get("limit"))
        bounds = {name: _bound(query[name]) for name in ("max_id", "since_id", "min_id") if query.get(name)}
        return Page(limit=default if limit is None else max(1, min(limit, most)), **bounds)

    def spend(self, limit: limits.Limit, who: str | None = None) -> None:
        """Count this call against a limit. Raises TooMany."""
        if self.server.settings.rate_limits:
            spent = self.server.counter.spend(limit, who or str(self.viewer or client_address(self.request)))
            self.headers.update(spent.headers())

    def link(self, first: int | None, last: int | None, *, full: bool = True) -> None:
        """Set the `Link` header: `next` goes on below `last`, `prev` is right above `first`."""
        if first is None or last is None:
            return
        kept = [
            (name, value)
            for name, value in parse_pairs(self.request.scope["query_string"])
            if name not in ("max_id", "since_id", "min_id")
        ]
        base = url_here(self.request) + self.request.url.path
        links = [f'<{base}?{urlencode([*kept, ("min_id", first)])}>; rel="prev"']
        if full:
            links.insert(0, f'<{base}?{urlencode([*kept, ("max_id", last)])}>; rel="next"')
        self.headers["Link"] = ", ".join(links)

    def json(self, value: Any, status: int = 200) -> Response:
        """Answer with JSON; bytes are taken as JSON that is already encoded."""
        body = value if isinstance(value, bytes) else msgspec.json.encode(value)
        return Response(body, status, self.headers, "application/json; charset=utf-8")

    def json_list(self, items: list[bytes], status: int = 200) -> Response:
        """Answer with a list of things that are already encoded."""
        return self.json(b"[" + b",".join(items) + b"]", status)


def _bound(text: str) -> int:
    """A bound of a page: any number is one, also one that no id can reach."""
    if not text.isascii() or not text.isdigit():
        raise BadRequest("max_id, since_id and min_id are ids")
    return min(int(text[:24]), MAX_ID)


Endpoint = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class EndpointRoute:
    """One line of the table of endpoints."""

    method: str
    path: str
    endpoint: Endpoint
    access: Access
    scope: str | None
    confirmed: bool


@dataclass(slots=True)
class Routes:
    """The endpoints of one module."""

    table: list[EndpointRoute] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        access: Access = "member",
        scope: str | None = None,
        confirmed: bool = True,
    ) -> Callable[[Endpoint], Endpoint]:
        """Serve `path` with the decorated function; `confirmed` asks for a login that is in order."""

        def register(endpoint: Endpoint) -> Endpoint:
            self.table.append(EndpointRoute(method, path, endpoint, access, scope, confirmed))
            return endpoint

        return register

    def get(self, path: str, **rules: Any) -> Callable[[Endpoint], Endpoint]:
        """`add` for GET."""
        return self.add("GET", path, **rules)

    def post(self, path: str, **rules: Any) -> Callable[[Endpoint], Endpoint]:
        """`add` for POST."""
        return self.add("POST", path, **rules)

    def put(self, path: str, **rules: Any) -> Callable[[Endpoint], Endpoint]:
        """`add` for PUT."""
        return self.add("PUT", path, **rules)

    def patch(self, path: str, **rules: Any) -> Callable[[Endpoint], Endpoint]:
        """`add` for PATCH."""
        return self.add("PATCH", path, **rules)

    def delete(self, path: str, **rules: Any) -> Callable[[Endpoint], Endpoint]:
        """`add` for DELETE."""
        return self.add("DELETE", path, **rules)


async def _identify(call: Call, route: EndpointRoute) -> None:
    if route.access == "probe":
        return
    await call.server.names.refresh(call.server.database, call.server.site)
    await call.server.shut_out.check(call.server.database, call.request)
    token = bearer_of(call.request)
    if route.access == "open" or (token is None and route.access == "anyone"):
        call.spend(limits.BY_ADDRESS)
        return
    call.caller = await call.server.database.read(find_caller, token)
    if call.caller is not None and call.caller.account_id is not None:
        call.spend(limits.BY_MEMBER)
    else:
        call.spend(limits.BY_ADDRESS)
    if route.access == "anyone" and call.caller is not None and call.caller.account_id is None:
        return
    check_caller(call.caller, route.scope, member=route.access != "app", confirmed=route.confirmed)
    if call.caller is not None and is_stale(call.caller):
        await call.server.note(touch_token, call.caller)


def to_error(error: RoseauError, language: str = LANGUAGES[0]) -> Response:
    """Mastodon's form of an error: `{"error": "..."}`, with `details` for fields that are wrong."""
    body: dict[str, Any] = {"error": sentence_of(error, language)}
    headers = dict(CORS)
    if problems := getattr(error, "problems", ()):
        details: dict[str, list[dict[str, str]]] = {}
        for problem in problems:
            details.setdefault(problem.field, []).append(
                {"error": problem.reason, "description": sentence_of(problem, language)}
            )
        body["details"] = details
    if isinstance(error, TooMany) and error.retry_at:
        headers |= limits.Spent(error.limit, 0, error.retry_at).headers()
        headers["Retry-After"] = str(max(1, -(-(error.retry_at - clock.now()) // clock.SECOND)))
    if error.status == 503:
        headers["Retry-After"] = "30"
    return Response(msgspec.json.encode(body), error.status, headers, "application/json; charset=utf-8")


def _to_handler(route: EndpointRoute) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        call = Call(request, server_of(request))
        call.headers.update(CORS)
        try:
            await _identify(call, route)
            return await route.endpoint(call)
        except RoseauError as error:
            return to_error(error, call.language)

    handle.__name__ = route.endpoint.__name__
    return handle


def to_routes(table: list[EndpointRoute]) -> list[Route]:
    """The table as Starlette's routes."""
    return [Route(route.path, _to_handler(route), methods=[route.method]) for route in table]
