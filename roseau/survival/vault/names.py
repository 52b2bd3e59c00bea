"""What lies in a vault, by name.

    KEY/VOLUME/base/EPOCH-NUMBER-AT.sealed             a copy of the database, and where in the log it stands
    KEY/VOLUME/log/BEFORE-SALTS/START-END-NUMBER.sealed bytes of a generation, and the last commit in them
    KEY/blobs/NN/NAME.sealed                            a picture

KEY is a digest of the recovery key's public half: what other words open lies elsewhere, and so do other
sites. A VOLUME is one unbroken stretch of the log with its base copies, written by one machine; another is
begun when the log breaks or another machine takes over. All numbers are written with leading zeros.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from roseau.kernel.sealing import derive_key

_SEALED = ".sealed"
_VOLUME = re.compile(r"\d{6}-\d{13}-[0-9a-f]{8}\Z")
_BASE = re.compile(r"(\d{6})-(\d{16})-(\d{13})\.sealed\Z")
_GENERATION = re.compile(r"(\d{16})-([0-9a-f]{16})\Z")
_PIECE = re.compile(r"(\d{16})-(\d{16})-(\d{16})\.sealed\Z")


class Item(NamedTuple):
    """An object as a shelf lists it; `modified_at` in milliseconds."""

    name: str
    size: int
    modified_at: int


class Base(NamedTuple):
    """A base copy: whole up to the commit `number`, made at a moment of the clock."""

    epoch: int
    number: int
    at: int
    item: Item


class Piece(NamedTuple):
    """Bytes of a generation; `number` is the last commit in them."""

    start: int
    end: int
    number: int
    item: Item


class Generation(msgspec.Struct):
    """What the vault has of one generation of the log, in order."""

    before: int
    salts: str
    pieces: list[Piece]

    @property
    def name(self) -> str:
        """As its folder is called."""
        return f"{self.before:016d}-{self.salts}"

    @property
    def number(self) -> int:
        """The last commit in it, as far as the names say."""
        return max((piece.number for piece in self.pieces), default=0)

    @property
    def end(self) -> int:
        """Up to where it is there without a gap."""
        chain = self.chain()
        return chain[-1].end if chain else 0

    def chain(self) -> list[Piece]:
        """The pieces from the beginning that follow on each other, the longest where several would do."""
        found: list[Piece] = []
        end = 0
        while piece := max(
            (piece for piece in self.pieces if piece.start == end < piece.end),
            key=lambda piece: piece.end,
            default=None,
        ):
            found.append(piece)
            end = piece.end
        return found


class Volume(msgspec.Struct):
    """One unbroken stretch of the log: its base copies and generations, oldest first."""

    path: str
    bases: list[Base]
    generations: list[Generation]

    def items(self) -> list[Item]:
        """Every object of it."""
        pieces = [piece.item for generation in self.generations for piece in generation.pieces]
        return [base.item for base in self.bases] + pieces


def key_id_of(public: bytes) -> str:
    """The folder of what is sealed for this recovery key."""
    return hashlib.sha256(b"roseau vault " + public).hexdigest()[:16]


def new_volume(key_id: str, epoch: int, at: int) -> str:
    """A path for a volume that begins now."""
    return f"{key_id}/{epoch:06d}-{at:013d}-{secrets.token_hex(4)}"


def base_name(volume: str, epoch: int, number: int, at: int) -> str:
    """The name of a base copy."""
    return f"{volume}/base/{epoch:06d}-{number:016d}-{at:013d}{_SEALED}"


def piece_name(volume: str, before: int, salts: str, start: int, end: int, number: int) -> str:
    """The name of a piece of the log."""
    return f"{volume}/log/{before:016d}-{salts}/{start:016d}-{end:016d}-{number:016d}{_SEALED}"


def blob_name(key_id: str, data_key: bytes, blob: str) -> str:
    """The name of a picture. Its own would tell a vault's keeper which known pictures the site has."""
    digest = hmac.new(derive_key(data_key, "vault names"), blob.encode(), hashlib.sha256).hexdigest()
    return f"{blobs_prefix(key_id)}{blob[:2]}/{digest}{_SEALED}"


def blobs_prefix(key_id: str) -> str:
    """Where all pictures lie."""
    return f"{key_id}/blobs/"


def sort_volumes(items: Iterable[Item]) -> list[Volume]:
    """The volumes in a listing, oldest first; what has no name of ours is passed over."""
    volumes: dict[str, Volume] = {}
    for item in items:
        parts = item.name.split("/")
        if len(parts) >= 4 and _VOLUME.match(parts[1]):
            path = "/".join(parts[:2])
            _sort_in(volumes.setdefault(path, Volume(path, [], [])), parts[2:], item)
    for volume in volumes.values():
        volume.bases.sort()
        volume.generations.sort(key=lambda generation: generation.before)
        for generation in volume.generations:
            generation.pieces.sort()
    return [volumes[path] for path in sorted(volumes)]


def _sort_in(volume: Volume, parts: list[str], item: Item) -> None:
    if len(parts) == 2 and parts[0] == "base" and (match := _BASE.match(parts[1])):
        volume.bases.append(Base(int(match[1]), int(match[2]), int(match[3]), item))
    elif len(parts) == 3 and parts[0] == "log":
        generation, piece = _GENERATION.match(parts[1]), _PIECE.match(parts[2])
        if generation and piece:
            found = _find_generation(volume, int(generation[1]), generation[2])
            found.pieces.append(Piece(int(piece[1]), int(piece[2]), int(piece[3]), item))


def _find_generation(volume: Volume, before: int, salts: str) -> Generation:
    # The newest is last in any listing by name, and there may be thousands.
    for generation in reversed(volume.generations):
        if (generation.before, generation.salts) == (before, salts):
            return generation
    volume.generations.append(Generation(before, salts, []))
    return volume.generations[-1]
