"""The one way out over HTTP: a client that checks every address and redirect, and bounds time and size.

async with GuardedClient(ClientRules(site="https://example.org", version="0.1.0")) as client:
    page = await client.get("https://example.com/", accept=("text/html",))
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from ipaddress import ip_address
from types import TracebackType
from typing import Self, TypedDict, Unpack
from weakref import WeakValueDictionary

import httpcore2
import httpx2
import msgspec

from roseau.network.addresses import Network, Resolve, may_connect, resolve_name, to_networks
from roseau.network.bodies import is_accepted, unpack
from roseau.network.refusals import Failure, Refusal, Refused, Unreachable
from roseau.network.transport import GuardedTransport

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 4096
# A name after IDNA, or an address; neither a percent sign nor a zone (`fe80::1%eth0`) belongs in one.
HOST = re.compile(rb"[A-Za-z0-9._:-]{1,253}")

# What speaks for us to one origin is nothing to the next; a signature covers the host it was made for.
PRIVATE_HEADERS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "signature", "signature-input"}
)
# These follow from the address and the body, and are never the caller's to say.
DERIVED_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})

# Over our own transport errors come from httpcore2, over an injected one from httpx2.
TIMEOUTS = (httpcore2.TimeoutException, httpx2.TimeoutException)
CONNECTION_ERRORS = (httpcore2.NetworkError, httpcore2.ProxyError, httpx2.NetworkError, httpx2.ProxyError)
PROTOCOL_ERRORS = (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, httpx2.TransportError)


class ClientRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the client may do. `allowed_networks` are CIDRs open besides the public; `ports=None` opens all.

    `site` is the address of this site, for User-Agent. Times in seconds, sizes in bytes.
    """

    site: str
    version: str
    allowed_networks: tuple[str, ...] = ()
    ports: frozenset[int] | None = frozenset({80, 443})
    proxy: str | None = None
    max_redirects: int = 3
    max_header_bytes: int = 32_768
    max_connections: int = 100
    max_connections_per_host: int = 4
    connect_timeout: float = 5.0

    @property
    def user_agent(self) -> str:
        """How requests introduce themselves, so that another operator can find whom to ask."""
        return f"Roseau/{self.version} (+{self.site})"


class Options(TypedDict, total=False):
    """What may be asked of one request; `GuardedClient.fetch` explains each."""

    headers: Mapping[str, str] | None
    body: bytes
    accept: tuple[str, ...]
    max_bytes: int
    timeout: float
    max_redirects: int | None
    truncate: bool


class Fetched(msgspec.Struct, frozen=True):
    """An answer read to its end, or to the limit if `truncated`. `url` is where the last redirect led."""

    url: str
    status: int
    headers: httpx2.Headers
    body: bytes
    truncated: bool = False


class Answer:
    """An answer whose body has not been read yet. Valid inside `async with client.fetch(...)` only."""

    def __init__(self, response: httpx2.Response, url: httpx2.URL, max_bytes: int, truncate: bool) -> None:
        self._response = response
        self._max_bytes = max_bytes
        self._truncate = truncate
        self.url = str(url)
        self.status = response.status_code
        self.headers = response.headers
        self.truncated = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, decompressed, piece by piece, never more than the limit. Raises Refused, Unreachable."""
        given = 0
        async with aclosing(unpack(self._response, self._max_bytes)) as pieces:
            async for piece in pieces:
                fitting = piece[: self._max_bytes - given]
                if fitting:
                    given += len(fitting)
                    yield fitting
                if len(fitting) < len(piece):
                    self.truncated = True
                    break
        if self.truncated and not self._truncate:
            raise Refused(Refusal.SIZE)

    async def read(self) -> bytes:
        """The whole body. Raises Refused and Unreachable."""
        return b"".join([chunk async for chunk in self.chunks()])


class GuardedClient:
    """Makes requests within the rules. Safe to share between tasks of one event loop; close it at the end.

    A `transport` given takes the place of the network: names are then not looked up here, but every
    other rule holds. `resolve` takes the place of the system's name service.
    """

    def __init__(
        self,
        rules: ClientRules,
        transport: httpx2.AsyncBaseTransport | None = None,
        resolve: Resolve = resolve_name,
    ) -> None:
        self._rules = rules
        self._allowed = to_networks(rules.allowed_networks)
        self._seats: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._transport = transport or GuardedTransport(
            self._allowed, resolve, make_tls_context(), rules.max_connections, rules.proxy
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def get(self, url: str, **options: Unpack[Options]) -> Fetched:
        """Fetch one document, with the options of `fetch`."""
        return await self.request("GET", url, **options)

    async def request(self, method: str, url: str, **options: Unpack[Options]) -> Fetched:
        """Make one request and read the answer, with the options of `fetch`."""
        async with self.fetch(method, url, **options) as answer:
            body = await answer.read()
            return Fetched(answer.url, answer.status, answer.headers, body, answer.truncated)

    @asynccontextmanager
    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        accept: tuple[str, ...] = (),
        max_bytes: int = 1_000_000,
        timeout: float = 10,
        max_redirects: int | None = None,
        truncate: bool = False,
    ) -> AsyncIterator[Answer]:
        """Make one request and hand over the answer with its body still to come.

        `timeout` is for all of it in seconds: names, waiting for a connection, redirects and whatever
        the caller does inside the block. Any status is an answer. A 2xx answer must be of a type
        in `accept` (`image/*` works) if that is given. Beyond `max_bytes`, counted after decompression,
        the body is refused, or cut off there with `truncate`. Redirects are followed for GET and HEAD
        only. Raises Refused and Unreachable.
        """
        if method not in ("GET", "HEAD"):
            max_redirects = 0
        elif max_redirects is None:
            max_redirects = self._rules.max_redirects
        sent = self._to_headers(headers, accept)
        try:
            async with asyncio.timeout(timeout) as deadline, AsyncExitStack() as hops:
                with typed_failures():
                    response, target = await self._follow(
                        hops, method, url, sent, body, timeout, max_redirects
                    )
                    check_headers(response, self._rules.max_header_bytes, accept)
                    if not truncate and method != "HEAD":
                        check_length(response, max_bytes)
                    yield Answer(response, target, max_bytes, truncate)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise Unreachable(Failure.TIME) from error

    async def _follow(
        self,
        hops: AsyncExitStack,
        method: str,
        url: str,
        headers: httpx2.Headers,
        body: bytes,
        timeout: float,
        max_redirects: int,
    ) -> tuple[httpx2.Response, httpx2.URL]:
        target = to_target(url, self._rules.ports, self._allowed)
        for left in range(max_redirects, -1, -1):
            response = await hops.enter_async_context(self._hop(method, target, headers, body, timeout))
            if not (max_redirects and response.has_redirect_location):
                return response, target
            if not left:
                break
            following = to_target(
                join(target, response.headers["location"]), self._rules.ports, self._allowed
            )
            if target.scheme == "https" and following.scheme == "http":
                raise Refused(Refusal.DOWNGRADE)
            if origin(following) != origin(target):
                headers = without(headers, PRIVATE_HEADERS)
            target = following
            # The hop's connection and its seat are given back before the next one asks for its own.
            await hops.pop_all().aclose()
        raise Refused(Refusal.REDIRECTS)

    @asynccontextmanager
    async def _hop(
        self, method: str, target: httpx2.URL, headers: httpx2.Headers, body: bytes, timeout: float
    ) -> AsyncIterator[httpx2.Response]:
        seat = self._seats.get(target.host)
        if seat is None:
            seat = self._seats[target.host] = asyncio.Semaphore(self._rules.max_connections_per_host)
        limits = {
            "connect": self._rules.connect_timeout,
            "read": timeout,
            "write": timeout,
            "pool": timeout,
        }
        request = httpx2.Request(
            method, target, headers=headers, content=body or None, extensions={"timeout": limits}
        )
        async with seat:
            response = await self._transport.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()

    def _to_headers(self, given: Mapping[str, str] | None, accept: tuple[str, ...]) -> httpx2.Headers:
        headers = without(httpx2.Headers(given), DERIVED_HEADERS)
        headers.setdefault("user-agent", self._rules.user_agent)
        headers.setdefault("accept", ", ".join(accept) or "*/*")
        # Gzip is the one coding that is unpacked here, piece by piece within the limit.
        headers["accept-encoding"] = "gzip"
        return headers


def check_headers(response: httpx2.Response, max_bytes: int, accept: tuple[str, ...]) -> None:
    """Refuse an answer for what its headers are or say, before any of its body is read."""
    if sum(len(name) + len(value) + 4 for name, value in response.headers.raw) > max_bytes:
        raise Refused(Refusal.HEADERS)
    has_body = response.is_success and response.status_code not in (204, 205)
    if accept and has_body and not is_accepted(response.headers.get("content-type", ""), accept):
        raise Refused(Refusal.TYPE)


def check_length(response: httpx2.Response, max_bytes: int) -> None:
    """Refuse a body that is announced as too large, compressed or not."""
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:19]) > max_bytes:
        raise Refused(Refusal.SIZE)


def to_target(url: str, ports: frozenset[int] | None, allowed: tuple[Network, ...]) -> httpx2.URL:
    """Read an address that may be fetched, as far as can be told before a look-up. Raises Refused."""
    target = read_url(url)
    if ports is not None and origin(target)[2] not in ports:
        raise Refused(Refusal.PORT)
    try:
        ip_address(target.host)
    except ValueError:
        return target
    if not may_connect(target.host, allowed):
        raise Refused(Refusal.ADDRESS)
    return target


def read_url(url: str) -> httpx2.URL:
    """Read a complete http or https address without credentials. Raises Refused."""
    if len(url) > MAX_URL:
        raise Refused(Refusal.URL)
    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise Refused(Refusal.URL) from error
    if target.scheme not in DEFAULT_PORTS:
        raise Refused(Refusal.SCHEME if target.scheme else Refusal.URL)
    if not HOST.fullmatch(target.raw_host) or not 0 < origin(target)[2] < 65_536:
        raise Refused(Refusal.URL)
    if target.userinfo:
        raise Refused(Refusal.CREDENTIALS)
    return target


def join(base: httpx2.URL, location: str) -> str:
    """Where a redirect leads. Raises Refused."""
    try:
        return str(base.join(location))
    except httpx2.InvalidURL as error:
        raise Refused(Refusal.URL) from error


def origin(url: httpx2.URL) -> tuple[str, str, int]:
    """Scheme, host in its ASCII form, and port, always said (RFC 6454)."""
    port = url.port if url.port is not None else DEFAULT_PORTS[url.scheme]
    return url.scheme, url.raw_host.decode("ascii"), port


def without(headers: httpx2.Headers, names: frozenset[str]) -> httpx2.Headers:
    """The headers less those named."""
    return httpx2.Headers(
        [(name, value) for name, value in headers.multi_items() if name.lower() not in names]
    )


def make_tls_context() -> ssl.SSLContext:
    """Verify other servers against the system's authorities, or those in SSL_CERT_FILE or SSL_CERT_DIR."""
    return httpx2.create_ssl_context(trust_env=True)


@contextmanager
def typed_failures() -> Iterator[None]:
    """Turn what the libraries raise into Unreachable."""
    try:
        yield
    except TIMEOUTS as error:
        raise Unreachable(Failure.TIME) from error
    except CONNECTION_ERRORS as error:
        raise Unreachable(Failure.CERTIFICATE if _is_tls(error) else Failure.CONNECTION) from error
    except PROTOCOL_ERRORS as error:
        raise Unreachable(Failure.PROTOCOL) from error


def _is_tls(error: Exception) -> bool:
    # httpcore2 wraps the original error as the only argument of its own.
    return bool(error.args) and isinstance(error.args[0], ssl.SSLError)
