"""Checking a mirror without its site: files against the index, the index against a key."""

import hashlib
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from roseau.survival.mirror.format import (
    INDEX,
    SHARDS,
    Entry,
    Signed,
    WrongMirror,
    decode_shard,
    open_envelope,
    shard_of,
    shard_path,
)

#: Digits of a key's SHA-256 by which people compare it.
_FINGERPRINT = 32
_SHARD = re.compile(SHARDS + r"/[0-9a-f]{2}-[0-9a-f]{16}\.json")


class Verified(msgspec.Struct, frozen=True):
    """What a check came to: whose the mirror is, and each thing that is wrong with it, in a sentence."""

    signed: Signed
    #: 32 hexadecimal digits, as the pages show them.
    key: str
    files: int
    findings: tuple[str, ...]


def fingerprint(key: bytes) -> str:
    """How a key is shown to people and named in links."""
    return hashlib.sha256(key).hexdigest()[:_FINGERPRINT]


def verify_mirror(folder: Path, *, key: str = "", at_least: int = 0) -> Verified:
    """Check all of it. `key`: the fingerprint it must have; `at_least`: the number below which it is too old.

    Raises WrongMirror when there is no index, or one that cannot be believed.
    """
    try:
        body = (folder / INDEX).read_bytes()
    except OSError as error:
        raise WrongMirror(f"{folder / INDEX} cannot be read: {error.strerror}.") from error
    public, signed = open_envelope(body)
    found = fingerprint(public)
    findings: list[str] = []
    if key and found != key.strip().lower():
        findings.append(f"It is signed with another key: {found}.")
    if signed.number < at_least:
        findings.append(f"It is older than it should be: its number is {signed.number}.")
    entries: dict[str, Entry] = {}
    for shard, sha256 in signed.shards.items():
        findings += _read_shard(folder, shard, sha256, entries)
    listed = {shard_of(path) for path in entries}
    findings += _check_files(folder, entries, signed.shards.keys() - listed)
    return Verified(signed, found, len(entries), tuple(findings))


def _read_shard(folder: Path, shard: str, sha256: str, entries: dict[str, Entry]) -> Iterator[str]:
    path = shard_path(shard, sha256)
    try:
        body = (folder / path).read_bytes()
    except OSError:
        yield f"{path} is missing."
        return
    if hashlib.sha256(body).hexdigest() != sha256:
        yield f"{path} was altered."
        return
    for name, entry in decode_shard(body).items():
        entries[name] = entry
        if shard_of(name) != shard:
            yield f"{name} is listed in the wrong place."


def _check_files(folder: Path, entries: dict[str, Entry], unread: AbstractSet[str]) -> Iterator[str]:
    """What is wrong with files, but for those of shards that could not be read."""
    for path, entry in sorted(entries.items()):
        leads_out = path.startswith("/") or ".." in path.split("/")
        sentence = "is no place in a mirror." if leads_out else _check_file(folder / path, entry)
        if sentence:
            yield f"{path} {sentence}"
    # What begins with a dot is its host's, or the state of whoever writes it.
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        # Shards of a moment ago stay until nobody reads by the index that names them.
        listed = path in entries or path == INDEX or _SHARD.fullmatch(path) or shard_of(path) in unread
        if file.is_file() and not hidden and not listed:
            yield f"{path} is not the site's."


def _check_file(path: Path, entry: Entry) -> str:
    try:
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return "is missing."
    return "" if found in (entry.sha256, entry.previous) else "was altered."
