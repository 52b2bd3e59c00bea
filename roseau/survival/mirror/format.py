"""How a mirror is signed: `mirror.json` names and signs 256 shards, and each shard names its files by hash.

A file belongs to the shard that the hash of its path begins with, so that one page is checked with two small
files, and a change of one page renews no more than one shard and `mirror.json`.
"""

import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = 1
INDEX = "mirror.json"
SHARDS = "index"
#: Signed before the text, so that no signature made for something else is one of a mirror.
PURPOSE = b"roseau-mirror-1\n"
KEY_BYTES = 32
_SHORT = 16


class WrongMirror(ValueError):
    """`mirror.json` cannot be believed: not one, altered, or of a later format."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What the site signs of its mirror."""

    format: int
    #: The site's address, and all its names in the order in which to try them.
    site: str
    names: tuple[str, ...]
    title: str
    #: Higher with each round; a lower one is an older copy.
    number: int
    made_at: int
    #: Two hexadecimal digits, and the SHA-256 of that shard.
    shards: dict[str, str]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """`mirror.json`: the signed text exactly as it was signed, the key, the signature; both hexadecimal."""

    signed: str
    key: str
    signature: str


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A file in a shard. `previous`: what it was a moment ago, while it is being replaced."""

    sha256: str
    size: int
    previous: str = ""


Shard = dict[str, Entry]


def shard_of(path: str) -> str:
    """The shard that lists this file."""
    return hashlib.sha256(path.encode()).hexdigest()[:2]


def shard_path(shard: str, sha256: str) -> str:
    """Where a shard lies; its name changes with what it says, so nobody reads half an update."""
    return f"{SHARDS}/{shard}-{sha256[:_SHORT]}.json"


def to_payload(signed: str) -> bytes:
    """The bytes that the site's key signs."""
    return PURPOSE + signed.encode()


def encode_shard(shard: Shard) -> bytes:
    """A shard as it is written; the same entries always give the same bytes."""
    return msgspec.json.encode(shard, order="sorted")


def decode_shard(body: bytes) -> Shard:
    """The entries of a shard. Raises WrongMirror."""
    try:
        return msgspec.json.decode(body, type=Shard)
    except msgspec.DecodeError as error:
        raise WrongMirror(f"a part of the index cannot be read: {error}") from error


def open_envelope(body: bytes) -> tuple[bytes, Signed]:
    """The key and what it signed. Raises WrongMirror unless the signature is that key's."""
    try:
        envelope = msgspec.json.decode(body, type=Envelope)
        key = bytes.fromhex(envelope.key)
        Ed25519PublicKey.from_public_bytes(key).verify(
            bytes.fromhex(envelope.signature), to_payload(envelope.signed)
        )
        signed = msgspec.json.decode(envelope.signed, type=Signed)
    except InvalidSignature as error:
        raise WrongMirror(f"{INDEX} was altered: its signature is not right.") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise WrongMirror(f"{INDEX} is not the index of a mirror: {error}") from error
    if signed.format != FORMAT:
        raise WrongMirror(f"{INDEX} has the format {signed.format}; this Roseau knows {FORMAT}.")
    return key, signed
