"""The wire under the guarded client: names are resolved once, checked, and connected to by address."""

import ssl
from collections.abc import AsyncIterator, Iterable

import httpcore2
import httpx2

from roseau.network.addresses import Network, Resolve, list_addresses

# A name may have any number of addresses; more than a few are not worth the caller's time.
MAX_TRIES = 4


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections to checked addresses only.

    The check stands here, at the moment of connecting, so that no second look-up can give another
    answer (DNS rebinding). The pool above keeps the name: for Host, for TLS, and as the key under which
    a connection is used again.
    """

    def __init__(self, allowed: tuple[Network, ...], resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._wire = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers, each within `timeout` seconds."""
        addresses = await list_addresses(host, port, self._allowed, self._resolve)
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses[:MAX_TRIES]:
            try:
                return await self._wire.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait, as the pool asks between attempts."""
        await self._wire.sleep(seconds)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport over a pool of connections that the checked backend opens.

    With `proxy` the pool connects to that proxy instead, which the operator chose and which may be on a
    private address; it resolves the names, so it must itself refuse private destinations.
    """

    def __init__(
        self,
        allowed: tuple[Network, ...],
        resolve: Resolve,
        tls: ssl.SSLContext,
        max_connections: int,
        proxy: str | None = None,
    ) -> None:
        # Idle connections are few and short-lived: a server talks to thousands of others, rarely twice.
        kept, seconds = max_connections // 4, 5.0
        self._pool: httpcore2.AsyncConnectionPool
        if proxy is None:
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=max_connections,
                max_keepalive_connections=kept,
                keepalive_expiry=seconds,
                network_backend=CheckedBackend(allowed, resolve),
            )
        else:
            via = httpx2.Proxy(proxy)
            self._pool = httpcore2.AsyncHTTPProxy(
                str(via.url),
                proxy_auth=via.raw_auth,
                ssl_context=tls,
                max_connections=max_connections,
                max_keepalive_connections=kept,
                keepalive_expiry=seconds,
            )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises Refused and Unreachable for names and addresses, else httpcore2's own."""
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.aiter_stream()

    async def aclose(self) -> None:
        await self._answer.aclose()
