"""A store in an S3-compatible bucket: `s3://KEY:SECRET@bucket/prefix?endpoint=https://…&region=auto`.

The keys may be left out; then they are those of the environment (`AWS_ACCESS_KEY_ID` and so on). A blob's key
is `PREFIX/ab/cd/abcd….jpg`, so that a bucket and a folder can be copied into each other by any means.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store

from roseau.settings import WrongSetting
from roseau.storage.blobs import is_name
from roseau.storage.stores import Missing, StoreAway

_PARAMETERS = frozenset({"endpoint", "region"})
_ENDPOINT = re.compile(r"https?://[\w.\[\]:/-]+")
_CHUNK = 1 << 20
_HEX = "0123456789abcdef"


class Address(msgspec.Struct, frozen=True):
    """What an s3:// address says; what it leaves out is empty."""

    bucket: str
    prefix: str = ""
    key: str = ""
    secret: str = ""
    endpoint: str = ""
    region: str = ""

    @property
    def name(self) -> str:
        """The address without what must stay secret."""
        place = "/".join(part for part in (self.bucket, self.prefix) if part)
        return f"s3://{place}" + (f"?endpoint={self.endpoint}" if self.endpoint else "")


def parse_address(text: str) -> Address:
    """Read an s3:// address. Raises WrongSetting, whose sentence holds nothing of a key."""
    try:
        parts = urlsplit(text)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        user, _, place = parts.netloc.rpartition("@")
    except ValueError:
        raise WrongSetting(
            "media_stores: one of the s3:// addresses cannot be read. It is written as "
            "s3://KEY:SECRET@bucket/prefix?endpoint=https://…&region=…, with / + @ : ? in keys as %2F %2B …"
        ) from None
    key, _, secret = user.partition(":")
    if parts.scheme != "s3" or not place or ":" in place or parts.fragment or bool(key) != bool(secret):
        raise WrongSetting(
            "media_stores: an s3:// address has a bucket, and both a key and its secret or neither: "
            "s3://KEY:SECRET@bucket/prefix. Write / + @ : ? # in them as %2F %2B %40 %3A %3F %23."
        )
    if unknown := sorted(set(given) - _PARAMETERS):
        raise WrongSetting(
            f"media_stores: {unknown[0]!r} is not known in an s3:// address; endpoint and region are."
        )
    endpoint = given.get("endpoint", "").rstrip("/")
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        raise WrongSetting(
            "media_stores: the endpoint of an s3:// address is one such as https://s3.example.org."
        )
    return Address(
        place,
        parts.path.strip("/"),
        unquote(key),
        unquote(secret),
        endpoint,
        given.get("region", ""),
    )


def open_address(text: str, memory: Path | None) -> "BucketStore":
    """The store at an s3:// address. Raises WrongSetting."""
    address = parse_address(text)
    keys = {"access_key_id": address.key, "secret_access_key": address.secret} if address.key else {}
    places = {"endpoint": address.endpoint, "region": address.region}
    config: dict[str, Any] = keys | {name: value for name, value in places.items() if value}
    try:
        bucket = S3Store(
            address.bucket,
            prefix=address.prefix or None,
            # Not every server can delete many at once, and we never do.
            disable_bulk_delete=True,
            client_options={
                "allow_http": address.endpoint.startswith("http://"),
                "connect_timeout": "3s",
                "read_timeout": "10s",
                "timeout": "60s",
            },
            retry_config={
                "max_retries": 2,
                "retry_timeout": timedelta(seconds=10),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
            **config,
        )
    except (BaseError, ValueError) as error:
        raise WrongSetting(f"media_stores: {address.name} cannot be used.") from error
    return BucketStore(address.name, bucket)


class BucketStore:
    """Blobs in a bucket. Bytes are hashed and signed on the way there, so that none arrives altered."""

    def __init__(self, name: str, bucket: ObjectStore) -> None:
        self.name = name
        self._bucket = bucket

    def check(self) -> None:
        """See that it answers. Raises StoreAway."""
        self._ask(partial(_first, self._bucket))

    def has(self, name: str) -> bool:
        """Whether there is an object under this name."""
        try:
            self._ask(partial(obstore.head, self._bucket, _key(name)))
        except Missing:
            return False
        return True

    def put(self, name: str, path: Path) -> None:
        """Send a file there; it is kept when this returns."""
        try:
            self._ask(partial(obstore.put, self._bucket, _key(name), path))
        except Missing:
            raise StoreAway(f"{self.name} cannot be used: there is no such bucket.") from None

    def get(self, name: str, into: Path) -> None:
        """Fetch a file from there. Raises Missing."""
        with self._explained():
            found = obstore.get(self._bucket, _key(name))
            with into.open("xb") as target:
                for chunk in found.stream(min_chunk_size=_CHUNK):
                    target.write(chunk)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of all that is kept there."""
        with self._explained():
            for folder in _folders(prefix):
                for page in obstore.list(self._bucket, folder, chunk_size=1000):
                    for entry in page:
                        name = entry["path"].rpartition("/")[2]
                        if is_name(name) and entry["path"].endswith(_key(name)):
                            yield name

    def remove(self, name: str) -> None:
        """Delete the object."""
        try:
            self._ask(partial(obstore.delete, self._bucket, _key(name)))
        except Missing:
            return

    def _ask(self, question: Callable[[], Any]) -> None:
        with self._explained():
            question()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise StoreAway(f"{self.name} cannot be used: there is no such bucket.") from error
            raise Missing(self.name) from error
        except BaseError as error:
            raise StoreAway(f"{self.name} cannot be used: {_reason(error)}.") from error


def _first(bucket: ObjectStore) -> None:
    next(iter(obstore.list(bucket, chunk_size=1)), None)


def _key(name: str) -> str:
    return f"{name[:2]}/{name[2:4]}/{name}"


def _folders(prefix: str) -> list[str | None]:
    if not prefix:
        return [None]
    return [prefix] if len(prefix) == 2 else [prefix + digit for digit in _HEX]


def _reason(error: BaseError) -> str:
    """What went wrong, in few words: the library adds pages, and addresses, to its own."""
    text = str(error).partition("\n\nDebug source")[0]
    for mark, words in _REASONS:
        if mark in text:
            return words
    return " ".join(text.rpartition(" - ")[2].split())[:200].rstrip(".")


_REASONS = (
    ("NoSuchBucket", "there is no such bucket"),
    ("403 Forbidden", "it refuses the key"),
    ("401 Unauthorized", "it refuses the key"),
    ("error sending request", "it does not answer"),
    ("timed out", "it does not answer"),
)
