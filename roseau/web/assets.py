"""What the pages are drawn with: `asset("css/roseau.css")` names a file, `serve_asset` answers for it.

A file's address holds the hash of its bytes, so browsers may keep it for ever. Style sheets and islands
are each written in several files and leave here as one; there is no build step.
"""

import gzip
import hashlib
import mimetypes
import re
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_STATIC: Final = Path(__file__).parent / "static"

# In this order: later rules win over earlier ones of the same weight.
_STYLES: Final = (
    "tokens", "base", "controls", "layout", "post", "timelines", "accounts", "composer", "forms", "settings",
    "front", "firstrun", "control", "moderation", "utilities",
)  # fmt: skip
_ISLANDS: Final = ("say", "times", "compose", "feed", "keys", "viewer", "copy", "menus", "focus", "names")
# Those of the console, which members never load.
_CONSOLE_STYLES: Final = (
    "console-frame", "console-case", "console-decision", "console-pages", "console-widths",
)  # fmt: skip
_CONSOLE: Final = ("console-keys", "console-case", "console-undo", "console-palette")

# Names that browsers and clients may keep: fonts named in a style sheet are replaced by their own addresses.
_STYLE_URL: Final = re.compile(r"url\(\.\./([\w/.@-]+)\)")
_HASHED: Final = re.compile(r"(?P<stem>.+)\.(?P<hash>[0-9a-f]{8})(?P<suffix>\.\w+)")
_TEXT_TYPES: Final = frozenset(
    ("text/css", "text/javascript", "image/svg+xml", "application/json", "text/plain")
)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_FOR_A_WHILE: Final = "public, max-age=3600"

mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("text/javascript", ".js")


class _Vendored(msgspec.Struct):
    files: dict[str, str]


class Asset:
    """A file as it is served."""

    def __init__(self, name: str, body: bytes) -> None:
        self.name = name
        self.body = body
        self.content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.hash = hashlib.sha256(body).hexdigest()[:8]
        stem, _, suffix = name.rpartition(".")
        self.url = f"/static/{stem}.{self.hash}.{suffix}"

    @cached_property
    def compressed(self) -> bytes | None:
        """The gzipped bytes, made once; None for what is compressed already."""
        return gzip.compress(self.body, 9, mtime=0) if self.content_type in _TEXT_TYPES else None


def asset(name: str) -> str:
    """The address of a file in `static/`. Raises LookupError for a name that is not there."""
    return find_asset(name).url


def find_asset(name: str) -> Asset:
    """A file in `static/` itself, to be served from elsewhere. Raises LookupError."""
    found = _find(name)
    if found is None:
        raise LookupError(f"there is no asset {name!r} in roseau/web/static")
    return found


@cache
def icon_names() -> frozenset[str]:
    """The names of the icons in the sprite."""
    return frozenset(re.findall(r'<symbol id="([\w-]+)"', (_STATIC / "icons.svg").read_text("utf-8")))


@cache
def integrity(name: str) -> str:
    """The Subresource Integrity value (SHA-384) of a vendored script, as recorded when it was taken in."""
    record = msgspec.json.decode((_STATIC / "vendor" / "vendor.json").read_bytes(), type=dict[str, _Vendored])
    return next(library.files[name] for library in record.values() if name in library.files)


async def serve_asset(request: Request) -> Response:
    """Answer for `/static/{path}`; 404 for whatever is not a file there."""
    path = str(request.path_params["path"])
    match = _HASHED.fullmatch(path)
    found = _find(match["stem"] + match["suffix"]) if match else _find(path)
    if found is None:
        return PlainTextResponse("Not found", 404, headers={"Cache-Control": "no-store"})
    headers = {
        "Content-Type": found.content_type + ("; charset=utf-8" if found.content_type in _TEXT_TYPES else ""),
        "Cache-Control": _FOR_EVER if match and match["hash"] == found.hash else _FOR_A_WHILE,
        "ETag": f'"{found.hash}"',
        "X-Content-Type-Options": "nosniff",
        # Other people's web clients show our default pictures.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if found.compressed is not None:
        headers["Vary"] = "Accept-Encoding"
    if f'"{found.hash}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = found.body
    if found.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body = found.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers)


asset_route = Route("/static/{path:path}", serve_asset, methods=["GET"])
"""The route that answers for everything in `static/`."""


@cache
def _names() -> frozenset[str]:
    # Only what this lists can be asked for, so no path given from outside ever reaches the file system.
    return (
        frozenset(path.relative_to(_STATIC).as_posix() for path in _STATIC.rglob("*") if path.is_file())
        - {f"css/{name}.css" for name in (*_STYLES, *_CONSOLE_STYLES)}
        - {f"js/{name}.js" for name in (*_ISLANDS, *_CONSOLE)}
    )


@cache
def _bundles() -> dict[str, Asset]:
    return {
        "css/roseau.css": Asset("css/roseau.css", _style(_STYLES)),
        "css/console.css": Asset("css/console.css", _style(_CONSOLE_STYLES)),
        "js/roseau.js": Asset("js/roseau.js", _script(_ISLANDS)),
        "js/console.js": Asset("js/console.js", _script(_CONSOLE)),
    }


def _style(names: tuple[str, ...]) -> bytes:
    style = "\n".join((_STATIC / "css" / f"{name}.css").read_text("utf-8") for name in names)
    return _STYLE_URL.sub(lambda found: f"url({asset(found[1])})", style).encode()


def _script(islands: tuple[str, ...]) -> bytes:
    # Each island is a block of its own, so that two may use the same names inside.
    return "\n".join(
        "{\n" + (_STATIC / "js" / f"{name}.js").read_text("utf-8") + "}" for name in islands
    ).encode()


@cache
def _file(name: str) -> Asset:
    return Asset(name, (_STATIC / name).read_bytes())


def _find(name: str) -> Asset | None:
    if name in ("css/roseau.css", "css/console.css", "js/roseau.js", "js/console.js"):
        return _bundles()[name]
    return _file(name) if name in _names() else None
