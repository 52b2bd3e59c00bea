"""Requests for the tests of forms: any bytes as a body, in chunks, and multipart bodies made by hand."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from starlette.requests import Request

from roseau.storage.blobs import FolderBlobs

BOUNDARY = "a-line-between"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def make_request(
    folder: Path,
    body: bytes = b"",
    kind: str | None = None,
    query: bytes = b"",
    *,
    chunk: int = 65_536,
    whole: bool = True,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> Request:
    """A request whose body comes in chunks; not `whole`: the client goes away before its end."""
    chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": True} for part in chunks
    ]
    messages.append({"type": "http.request", "body": b""} if whole else {"type": "http.disconnect"})

    async def receive() -> Any:
        return messages.pop(0)

    server = SimpleNamespace(blobs=FolderBlobs(folder))
    named = [(b"content-type", kind.encode("latin-1"))] if kind is not None else []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": query,
        "headers": [*named, *headers],
        "app": SimpleNamespace(state=SimpleNamespace(server=server)),
    }
    return Request(scope, receive)


def part(name: str, data: bytes, filename: str | None = None, extra: bytes = b"") -> bytes:
    """One part of a multipart body."""
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n".encode() + extra + b"\r\n" + data + b"\r\n"
    )


def multipart(*parts: bytes) -> bytes:
    """A whole multipart body."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
