import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.network.client import ClientRules, GuardedClient
from roseau.network.refusals import Failure, Refusal, Unreachable
from tests.network.guarded import make_client, mock, refusal
from tests.network.loopback import Authority, answering, http, serve

pytestmark = pytest.mark.anyio

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 64
ZEROS = gzip.compress(bytes(50_000_000))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(b"x" * 1001), id="announced"),
        pytest.param(CHUNKED + b"0\r\n\r\n", id="chunked"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, id="until closed"),
        pytest.param(http(gzip.compress(bytes(1001)), content_encoding="gzip"), id="just over"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + ZEROS, id="gzip bomb"
        ),
    ],
)
async def test_a_body_over_the_limit_is_refused_or_cut(answer: bytes) -> None:
    async with serve(answering(answer)) as site:
        assert await refusal(make_client(), site.url, max_bytes=1000) is Refusal.SIZE
        async with make_client() as client:
            page = await client.get(site.url, max_bytes=1000, truncate=True)
    assert (len(page.body), page.truncated) == (1000, True)


@pytest.mark.parametrize(
    "answer", [http(b"x" * 1000), http(gzip.compress(b"x" * 1000), content_encoding="gzip")]
)
async def test_a_body_of_exactly_the_limit_is_whole(answer: bytes) -> None:
    async with serve(answering(answer)) as site, make_client() as client:
        page = await client.get(site.url, max_bytes=1000)
    assert (page.body, page.truncated) == (b"x" * 1000, False)


async def test_a_stream_that_unpacks_to_nothing_is_counted_as_it_comes() -> None:
    # Empty stored blocks: valid deflate for ever, and not one byte of content.
    nothing = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 40_000
    async with serve(answering(http(nothing, content_encoding="gzip"))) as site:
        assert await refusal(make_client(), site.url, max_bytes=1000, truncate=True) is Refusal.SIZE


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072, 900_000])
async def test_compressed_bodies_come_out_whole(size: int) -> None:
    text = (b"roseau " * (size // 7 + 1))[:size]
    answer = http(gzip.compress(text), content_encoding="gzip")
    async with serve(answering(answer)) as site, make_client() as client:
        assert (await client.get(site.url)).body == text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(b"x", content_encoding="br"), Refusal.ENCODING),
        (http(b"x", content_encoding="gzip, gzip"), Refusal.ENCODING),
        (http(b"not gzip", content_encoding="gzip"), Failure.PROTOCOL),
        (http(gzip.compress(b"cut short")[:-9], content_encoding="gzip"), Failure.PROTOCOL),
        (http(b"", x_large="x" * 40_000), Refusal.HEADERS),
        (b"HTTP/1.1 200 OK\r\nX-Endless: " + b"x" * 300_000, Failure.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Failure.PROTOCOL),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Failure.PROTOCOL),
        (b"", Failure.PROTOCOL),
    ],
)
async def test_answers_that_cannot_be_taken(answer: bytes, reason: Refusal | Failure) -> None:
    async with serve(answering(answer)) as site:
        assert await refusal(make_client(), site.url) is reason


async def drip(head: str, writer: asyncio.StreamWriter) -> None:
    """One byte at a time, each long before any limit on a single read."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_headers(head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(1000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("handle", [drip, drip_headers])
async def test_the_deadline_is_for_the_whole(handle: Callable[..., object]) -> None:
    async with serve(handle) as site:  # type: ignore[arg-type]
        begun = time.monotonic()
        assert await refusal(make_client(), site.url, timeout=0.3) is Failure.TIME
        assert time.monotonic() - begun < 5


async def test_the_deadline_covers_names() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    client = GuardedClient(ClientRules(site="https://r.example", version="0"), None, never)
    assert await refusal(client, "https://slow.example/", timeout=0.1) is Failure.TIME


async def test_the_deadline_covers_what_the_caller_does_and_no_other_timeout_is_taken_for_it() -> None:
    client, _ = mock(lambda request: httpx2.Response(200, content=b"x"))
    with pytest.raises(Unreachable) as late:
        async with client.fetch("GET", "https://site.example/", timeout=0.05):
            await asyncio.Event().wait()
    assert late.value.reason is Failure.TIME
    with pytest.raises(TimeoutError, match="mine"):
        async with client.fetch("GET", "https://site.example/"):
            raise TimeoutError("mine")


async def test_no_more_connections_to_one_host_than_allowed() -> None:
    open_now = most = 0

    async def count(head: str, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        writer.write(http(b"x", connection="close"))

    async with serve(count) as site, make_client(max_connections_per_host=2) as client:
        pages = await asyncio.gather(*(client.get(site.url) for _ in range(8)))
    assert len(pages) == 8
    assert most == 2


async def test_leaving_early_gives_the_seat_back() -> None:
    async with serve(answering(CHUNKED)) as site, make_client(max_connections_per_host=1) as client:
        for _ in range(3):
            async with client.fetch("GET", site.url, timeout=5) as answer:
                assert answer.status == 200


async def test_a_redirect_gives_the_seat_back_before_it_asks_for_one() -> None:
    async def lead(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(http(b"end") if " /end " in head else http(status="302 Found", location="/end"))

    async with serve(lead) as site, make_client(max_connections_per_host=1) as client:
        assert (await client.get(site.url, timeout=5)).body == b"end"


async def test_a_body_is_handed_over_piece_by_piece() -> None:
    handle = answering(CHUNKED + b"0\r\n\r\n")
    async with serve(handle) as site, make_client() as client, client.fetch("GET", site.url) as answer:
        sizes = [len(chunk) async for chunk in answer.chunks()]
    assert sum(sizes) == 65_536
    assert len(sizes) > 1


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serve(answering(http(b"direct"))) as site, make_client() as client:
        assert (await client.get(site.url)).body == b"direct"


async def test_a_proxy_that_is_set_is_used() -> None:
    async with serve(answering(http(b"through"))) as proxy:
        client = make_client(proxy=proxy.url.replace("//", "//me:secret@"))
        assert (await client.get("http://anywhere.example/x")).body == b"through"
        assert await refusal(client, "http://10.0.0.1/") is Refusal.ADDRESS
    assert len(proxy.requests) == 1
    assert proxy.requests[0].startswith("GET http://anywhere.example/x HTTP/1.1\r\n")
    assert "proxy-authorization: basic bwu6c2vjcmv0\r\n" in proxy.requests[0].lower()


async def test_a_closed_port_and_a_missing_name() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert await refusal(make_client(), f"http://127.0.0.1:{port}/") is Failure.CONNECTION
    # Too long for a label, so the system's own resolver says no without asking anyone.
    rules = ClientRules(site="https://r.example", version="0")
    assert await refusal(GuardedClient(rules), f"http://{'a' * 64}.example/") in (Failure.NAME, Refusal.URL)


async def test_tls_keeps_the_name_while_the_address_is_pinned(trusted: Authority) -> None:
    seen: list[str | None] = []
    context = trusted.context("site.example")
    context.sni_callback = lambda sock, name, context: seen.append(name)
    async with serve(answering(http(b"safe")), context) as site, make_client() as client:
        assert (await client.get(f"https://site.example:{site.port}/")).body == b"safe"
        assert seen == ["site.example"]
        with pytest.raises(Unreachable) as wrong_name:
            await client.get(f"https://other.example:{site.port}/")
        assert wrong_name.value.reason is Failure.CERTIFICATE


async def test_an_unknown_authority_is_not_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with serve(answering(http(b"safe")), authority.context("site.example")) as site:
        assert await refusal(make_client(), f"https://site.example:{site.port}/") is Failure.CERTIFICATE


async def test_errors_of_an_injected_transport_are_typed_too() -> None:
    for error, reason in (
        (httpx2.ConnectError("no"), Failure.CONNECTION),
        (httpx2.ReadTimeout("late"), Failure.TIME),
        (httpx2.RemoteProtocolError("what"), Failure.PROTOCOL),
    ):

        def fail(request: httpx2.Request, error: Exception = error) -> httpx2.Response:
            raise error

        assert await refusal(mock(fail)[0], "https://site.example/") is reason


async def slowly(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@given(st.binary(max_size=300_000), st.integers(1, 70_000))
def test_unpacking_gives_back_what_was_packed(body: bytes, step: int) -> None:
    packed = gzip.compress(body)
    parts = [packed[i : i + step] for i in range(0, len(packed), step)]

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-encoding": "gzip"}, content=slowly(parts))

    assert asyncio.run(mock(answer)[0].get("https://site.example/")).body == body
