"""A mirror of a test's site, renewed when the test says so."""

import html
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from roseau.survival.mirror.folder import open_folder
from roseau.survival.mirror.format import INDEX, decode_shard, open_envelope, shard_path
from roseau.survival.mirror.verifying import Verified, fingerprint, verify_mirror
from roseau.web.mirror.making import Done, renew

_LINK = re.compile(r'(?:href|src)="([^"]*)"')


class Mirror:
    """A folder, and the key that signs it."""

    def __init__(self, server: Any, path: Path) -> None:
        self.server = server
        self.path = path
        self.private = Ed25519PrivateKey.generate()
        self.key = fingerprint(self.private.public_key().public_bytes_raw())
        self.names: tuple[str, ...] = (server.site.base_url, "https://elsewhere.test")

    def sign(self, payload: bytes) -> tuple[bytes, bytes]:
        """As the site signs."""
        return self.private.public_key().public_bytes_raw(), self.private.sign(payload)

    def find_blob(self, name: str) -> Path | None:
        """A blob of the site's."""
        path: Path = self.server.blobs.path_of(name)
        return path if path.is_file() else None

    def renew(self, sign: Any = None) -> Done:
        """One round."""
        with open_folder(self.path) as folder:
            return renew(
                folder,
                self.server.database,
                self.server.site,
                names=self.names,
                find_blob=self.find_blob,
                sign=sign or self.sign,
            )

    def verify(self, **wanted: Any) -> Verified:
        """Check it."""
        return verify_mirror(self.path, **wanted)

    def entries(self) -> dict[str, Any]:
        """Every file that is listed."""
        signed = open_envelope((self.path / INDEX).read_bytes())[1]
        found: dict[str, Any] = {}
        for shard, sha256 in signed.shards.items():
            found |= decode_shard((self.path / shard_path(shard, sha256)).read_bytes())
        return found

    def read(self, path: str) -> str:
        """A page."""
        return (self.path / path).read_text("utf-8")

    def texts(self) -> str:
        """Every page and feed, one after the other."""
        return "\n".join(self.read(path) for path in self.entries() if path.endswith((".html", ".xml")))


def broken_links(mirror: Mirror) -> list[str]:
    """Links of pages and style sheets that lead to nothing in the mirror."""
    entries = mirror.entries()
    found = []
    for path in entries:
        if not path.endswith((".html", ".css")):
            continue
        text = mirror.read(path)
        links = _LINK.findall(text) + re.findall(r"url\(([^)]+)\)", text)
        for link in (html.unescape(one).partition("#")[0] for one in links):
            if not link or ":" in link:
                continue
            target = _resolve(PurePosixPath(path).parent, unquote(link))
            if link.startswith("/") or target not in entries:
                found.append(f"{path}: {link}")
    return found


def _resolve(folder: PurePosixPath, link: str) -> str:
    parts: list[str] = [part for part in folder.parts if part != "."]
    for part in link.split("/"):
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
