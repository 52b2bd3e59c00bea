"""The site's manifest: its addresses in order, signed, for everyone who may need them once a door is shut.

    {"payload": "<JSON>", "signature": "<base64>", "earlier": [{"payload": ..., "signature": ...}]}

The payload is signed as the text that it is, so nobody has to agree on how JSON is written. It names the
key that signs it and the one that will come after. Whoever keeps a manifest takes another one only by the
same key with a higher number, or by the successor that the kept one names. `accept_manifest` is this rule;
`static/js/names.js` has it once more for browsers. `earlier` has the last manifest of each key before the
present one, so that somebody who was away for several keys finds the way.
"""

import base64
import binascii
import hashlib
from contextlib import suppress
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import idna
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

S = TypeVar("S", bound=msgspec.Struct)

FORMAT = 1
#: What stands before the payload when it is signed: no signature for anything else can be put here.
CONTEXT = b"roseau-manifest\n"
#: The largest number that every reader of JSON can hold (RFC 8259, section 6).
LARGEST = 2**53 - 1
#: More than any site has to say, in characters.
LONGEST = 64 * 1024
MOST_ADDRESSES = 100
MOST_EARLIER = 100

Reason = Literal[
    "unreadable", "wrong_signature", "other_site", "unknown_key", "old_number", "other_successor"
]
_SENTENCES: dict[Reason, str] = {
    "unreadable": "This is no manifest that this version of Roseau can read.",
    "wrong_signature": "The manifest is not signed by the key that it names.",
    "other_site": "The manifest is that of another site.",
    "unknown_key": "The manifest is signed by a key that the one before does not name.",
    "old_number": "The manifest is older than the one that is kept.",
    "other_successor": "The manifest names another successor than its key named before.",
}


class ManifestRefused(ValueError):
    """A manifest that may not take the place of the kept one; `reason` says why in one word."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(_SENTENCES[reason])


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says. Addresses have no path, but for mirrors and gateways; keys are base64."""

    format: int = msgspec.field(default=FORMAT, name="roseau-manifest")
    #: The same for ever: `to_site_id` of the first key.
    site: str
    number: int
    #: Milliseconds since the epoch.
    issued_at: int
    names: tuple[str, ...]
    gateways: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    key: str
    successor: str


class Signed(msgspec.Struct, frozen=True):
    """A manifest as it travels."""

    payload: str
    signature: str


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `/.well-known/roseau-manifest` answers."""

    payload: str
    signature: str
    earlier: tuple[Signed, ...] = ()


# Making


def to_public_text(private: bytes) -> str:
    """The public half of a key, as manifests name it."""
    return base64.b64encode(
        Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    ).decode()


def to_site_id(public_text: str) -> str:
    """The site's id from its first key: 32 hexadecimal digits of the SHA-256 of the public half."""
    return hashlib.sha256(base64.b64decode(public_text)).hexdigest()[:32]


def sign_manifest(manifest: Manifest, private: bytes) -> Signed:
    """The manifest as text, signed by the key that it names."""
    payload = msgspec.json.encode(manifest).decode()
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(CONTEXT + payload.encode())
    return Signed(payload, base64.b64encode(signature).decode())


def to_plain_address(url: str) -> str:
    """An address as manifests write it: small letters, and other alphabets as DNS has them (RFC 5891)."""
    parts = urlsplit(url)
    netloc = parts.netloc.lower()
    if not netloc.isascii():
        host, colon, port = netloc.partition(":")
        with suppress(idna.IDNAError):
            netloc = idna.encode(host, uts46=True).decode() + colon + port
    return f"{parts.scheme}://{netloc}{parts.path}"


# Reading


def open_manifest(signed: Signed | Document) -> Manifest:
    """What it says, if it is well formed and signed by the key that it names. Raises ManifestRefused."""
    if len(signed.payload) > LONGEST:
        raise ManifestRefused("unreadable")
    manifest = _decode(signed.payload, Manifest)
    if not _is_sound(manifest):
        raise ManifestRefused("unreadable")
    public = Ed25519PublicKey.from_public_bytes(_to_bytes(manifest.key, 32))
    try:
        public.verify(_to_bytes(signed.signature, 64), CONTEXT + signed.payload.encode())
    except (InvalidSignature, UnicodeEncodeError):
        raise ManifestRefused("wrong_signature") from None
    return manifest


def accept_manifest(kept: Manifest | None, offered: Signed | Document) -> Manifest:
    """The manifest to keep from now on; with none kept, any that is whole. Raises ManifestRefused.

    Numbers order the manifests of one key, and the succession orders the keys: so a stolen key can neither
    name another successor nor, by a number that is out of reach, lock out the one that was named.
    """
    manifest = open_manifest(offered)
    if kept is None or manifest == kept:
        return manifest
    if manifest.site != kept.site:
        raise ManifestRefused("other_site")
    if manifest.key == kept.successor:
        return manifest
    if manifest.key != kept.key:
        raise ManifestRefused("unknown_key")
    if manifest.number <= kept.number:
        raise ManifestRefused("old_number")
    if manifest.successor != kept.successor:
        raise ManifestRefused("other_successor")
    return manifest


def accept_document(kept: Manifest | None, body: bytes | str) -> Manifest:
    """The manifest to keep of what a site answers, over keys that came between. Raises ManifestRefused."""
    document = _decode(body, Document)
    if len(document.earlier) > MOST_EARLIER:
        raise ManifestRefused("unreadable")
    for signed in document.earlier:
        with suppress(ManifestRefused):
            kept = accept_manifest(kept, signed)
    return accept_manifest(kept, document)


def _decode(text: bytes | str, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError):
        raise ManifestRefused("unreadable") from None


def _to_bytes(text: str, length: int) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != length:
        raise ManifestRefused("unreadable")
    return found


def _is_sound(manifest: Manifest) -> bool:
    addresses = (*manifest.names, *manifest.gateways, *manifest.mirrors)
    return (
        manifest.format == FORMAT
        and 0 < manifest.number <= LARGEST
        and 0 < manifest.issued_at <= LARGEST
        and len(manifest.names) > 0
        and len(addresses) <= MOST_ADDRESSES
        and len(_to_bytes(manifest.successor, 32)) == 32
        and manifest.successor != manifest.key
        and all(is_address(name, path=False) for name in manifest.names)
        and all(is_address(other, path=True) for other in (*manifest.gateways, *manifest.mirrors))
    )


def is_address(text: str, *, path: bool) -> bool:
    """Whether it is an address of the web with nothing but a host and a port, or with a `path` too."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = f"{parts.scheme}://{parts.netloc}{parts.path if path else ''}"
    return (
        (port is None or port > 0)
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and text == plain
        and text.isascii()
        and not any(character in text for character in " \"'<>\\^`{|}")
        and text.isprintable()
    )
