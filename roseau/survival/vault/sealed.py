"""The objects of a vault: written by whoever has the recovery key's public half, opened by the nine words.

An object is a head, chunks, and the SHA-256 of both. The head says in clear what the object is, and holds the
object's own key, sealed for the recovery key. Each chunk is a piece of the content of at most 1 MiB,
compressed, then AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance"): the nonce is the chunk's number and whether
it is the last, the associated data the digest of the head. So nothing can be cut off, moved, or given another
name. The digest at the end finds damage without the words; only they find malice.

The public half never goes into the vault, so whoever merely keeps it cannot seal anything either.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from roseau.kernel import keys
from roseau.kernel.sealing import seal_for, unseal_with

MAGIC = b"roseau vault 1\n"
CHUNK = 1024 * 1024
#: What a head may be long at most; it is read before anything is verified.
LONGEST_HEAD = 16 * 1024
_COMPRESSION = 1
_DIGEST_BYTES = 32
_LAST = 0x8000_0000
_LENGTH = struct.Struct(">I")


class Altered(ValueError):
    """An object of the vault is not as it was written; the message names it."""


class WrongWords(Altered):
    """These words do not open this object: it was sealed for others, or its key was altered."""


class Label(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an object says of itself to everybody."""

    name: str
    made_at: int
    #: Of a piece of the log: a digest of its last frame's header, by which a writer knows its own log.
    tail: str = ""


class _Head(msgspec.Struct, frozen=True):
    """The label, and the object's own key."""

    label: Label
    key: bytes


def seal_object(public: bytes, label: Label, content: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of an object with this content, in pieces of about a chunk."""
    key = keys.new_key()
    head = msgspec.json.encode(_Head(label, seal_for(public, label.name, key)))
    digest = hashlib.sha256()
    opening = MAGIC + _LENGTH.pack(len(head)) + head
    bound = hashlib.sha256(opening).digest()
    digest.update(opening)
    yield opening
    cipher = AESGCM(key)
    for number, (chunk, last) in enumerate(_in_chunks(content)):
        sealed = cipher.encrypt(_to_nonce(number, last), zlib.compress(chunk, _COMPRESSION), bound)
        piece = _LENGTH.pack(len(sealed) | (_LAST if last else 0)) + sealed
        digest.update(piece)
        yield piece
    yield digest.digest()


def read_chunks(stream: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    """The content of a file between two offsets, to be sealed."""
    stream.seek(start)
    left = end - start
    while left > 0 and (chunk := stream.read(min(CHUNK, left))):
        left -= len(chunk)
        yield chunk


def open_object(private: bytes, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of an object, chunk by chunk, each of them verified. Raises Altered, WrongWords.

    Until the end is reached it is not known whether everything is there.
    """
    source = _Source(name, pieces)
    head, bound = _read_head(source)
    try:
        cipher = AESGCM(unseal_with(private, name, head.key))
    except keys.Unsealable as error:
        raise WrongWords(f"{name} does not open with these words.") from error
    number, last = 0, False
    while not last:
        sealed, last = _read_chunk(source)
        try:
            chunk = _decompress(cipher.decrypt(_to_nonce(number, last), sealed, bound))
        except (InvalidTag, zlib.error) as error:
            raise _altered(name) from error
        yield chunk
        number += 1
    source.finish()


def check_object(name: str, pieces: Iterable[bytes]) -> Label:
    """Look through an object without the words, for damage; its label. Raises Altered."""
    source = _Source(name, pieces)
    head, _ = _read_head(source)
    while not _read_chunk(source)[1]:
        pass
    source.finish()
    return head.label


def read_label(name: str, pieces: Iterable[bytes]) -> Label:
    """The label alone, from the first bytes of an object. Raises Altered."""
    return _read_head(_Source(name, pieces))[0].label


def _altered(name: str) -> Altered:
    return Altered(f"{name} is damaged, incomplete, or was altered.")


def _to_nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _in_chunks(content: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The content cut into chunks, each with whether it is the last; one empty chunk for nothing."""
    waiting = b""
    for piece in content:
        waiting += piece
        # One byte more than a chunk, so that what is yielded here is known not to be the last.
        while len(waiting) > CHUNK:
            yield waiting[:CHUNK], False
            waiting = waiting[CHUNK:]
    yield waiting, True


def _decompress(data: bytes) -> bytes:
    plain = zlib.decompressobj()
    chunk = plain.decompress(data, CHUNK)
    if not plain.eof or plain.unused_data:
        raise zlib.error("more than a chunk")
    return chunk


def _read_head(source: "_Source") -> tuple[_Head, bytes]:
    opening = source.take(len(MAGIC) + _LENGTH.size)
    (length,) = _LENGTH.unpack(opening[len(MAGIC) :])
    if not opening.startswith(MAGIC) or length > LONGEST_HEAD:
        raise _altered(source.name)
    data = source.take(length)
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _altered(source.name) from error
    if head.label.name != source.name:
        raise Altered(f"{source.name} is not that: it was written as {head.label.name[:200]!r}.")
    return head, hashlib.sha256(opening + data).digest()


def _read_chunk(source: "_Source") -> tuple[bytes, bool]:
    (length,) = _LENGTH.unpack(source.take(_LENGTH.size))
    last, length = bool(length & _LAST), length & ~_LAST
    if length > CHUNK + CHUNK // 8:
        raise _altered(source.name)
    return source.take(length), last


class _Source:
    """An object's bytes by count rather than as they come, with their digest."""

    def __init__(self, name: str, pieces: Iterable[bytes]) -> None:
        self.name = name
        self._pieces = iter(pieces)
        self._waiting = bytearray()
        self._digest = hashlib.sha256()

    def take(self, count: int) -> bytes:
        """The next bytes. Raises Altered when there are not so many."""
        data = self._take(count)
        self._digest.update(data)
        return data

    def _take(self, count: int) -> bytes:
        while len(self._waiting) < count:
            piece = next(self._pieces, None)
            if piece is None:
                raise _altered(self.name)
            self._waiting += piece
        data = bytes(self._waiting[:count])
        del self._waiting[:count]
        return data

    def finish(self) -> None:
        """Make sure that the digest is right and that nothing follows it. Raises Altered."""
        digest = self._take(_DIGEST_BYTES)
        if digest != self._digest.digest() or self._waiting or any(self._pieces):
            raise _altered(self.name)
