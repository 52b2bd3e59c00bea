"""Reading what another server sends: its type, and its body unpacked within a limit."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterator

import httpx2

from roseau.network.refusals import Failure, Refusal, Refused, Unreachable

PIECE = 65_536
# A window of 15 bits and 16 for "a gzip header is expected", as zlib's own manual writes it.
GZIP_WINDOW = zlib.MAX_WBITS | 16


def is_accepted(content_type: str, accept: tuple[str, ...]) -> bool:
    """Whether a Content-Type is one of those asked for, parameters aside; `image/*` takes any image."""
    got = _essence(content_type)
    family = got.partition("/")[0] + "/*"
    return any(wanted in (got, family, "*/*") for wanted in map(_essence, accept))


def is_gzipped(response: httpx2.Response) -> bool:
    """Whether the body is compressed. Raises Refused for codings that were not asked for."""
    codings = [
        coding
        for value in response.headers.get_list("content-encoding", split_commas=True)
        if (coding := value.strip().lower()) not in ("", "identity")
    ]
    if not codings:
        return False
    if codings not in (["gzip"], ["x-gzip"]):
        raise Refused(Refusal.ENCODING)
    return True


async def unpack(response: httpx2.Response, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body in pieces of at most 64 KiB or what arrived at once. Raises Refused and Unreachable.

    The caller counts what comes out. What goes in is counted here, because a compressed stream can go
    on for ever and yield nothing.
    """
    inflate = zlib.decompressobj(GZIP_WINDOW) if is_gzipped(response) else None
    arrived = 0
    async for data in _raw(response):
        if inflate is None:
            yield data
            continue
        arrived += len(data)
        if arrived > max_bytes + PIECE:
            raise Refused(Refusal.SIZE)
        for piece in _inflate(inflate, data):
            yield piece
        if inflate.eof:
            return
    if inflate is not None and arrived and not inflate.eof:
        raise Unreachable(Failure.PROTOCOL)


def _raw(response: httpx2.Response) -> AsyncIterable[bytes]:
    # Not `aiter_raw`: it has nothing to give where an injected transport made the body from bytes.
    if not isinstance(response.stream, httpx2.AsyncByteStream):
        raise TypeError("The transport's answers must have bodies to be read asynchronously.")
    return response.stream


def _inflate(inflate: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    try:
        while data:
            if piece := inflate.decompress(data, PIECE):
                yield piece
            data = inflate.unconsumed_tail
    except zlib.error as error:
        raise Unreachable(Failure.PROTOCOL) from error


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
