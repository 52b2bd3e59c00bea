"""A vault in an S3-compatible bucket, through obstore."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from roseau.settings import WrongSetting
from roseau.storage.stores.bucket import parse_address
from roseau.survival.vault.names import Item
from roseau.survival.vault.shelf import READ, Missing, ShelfAway, place_of

_CONNECT = timedelta(seconds=5)
_READ = timedelta(seconds=20)
_WHOLE = timedelta(hours=6)
_RETRIES = timedelta(seconds=20)


class BucketShelf:
    """A vault in a bucket, or under a prefix of one. Keys that the address lacks are in AWS_… variables."""

    def __init__(self, address: str) -> None:
        self.place = place_of(address)
        self._store = _open(address)

    def put(self, name: str, content: Iterable[bytes]) -> int:
        """Store an object."""
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for piece in content:
                size += len(piece)
                yield piece

        with self._explained():
            obstore.put(self._store, name, counted(), max_concurrency=2)
        return size

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of an object."""
        with self._explained(name):
            for piece in obstore.get(self._store, name).stream(min_chunk_size=READ):
                yield bytes(piece)

    def list(self, prefix: str = "") -> Iterator[Item]:
        """Every object under a prefix."""
        with self._explained():
            for page in obstore.list(self._store, prefix or None, chunk_size=1000):
                for found in page:
                    at = int(found["last_modified"].timestamp() * 1000)
                    yield Item(found["path"], found["size"], at)

    def delete(self, name: str) -> None:
        """Remove an object."""
        with self._explained(), _ignoring_missing():
            obstore.delete(self._store, name)

    @contextmanager
    def _explained(self, name: str = "") -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if not name or "NoSuchBucket" in str(error):
                raise ShelfAway(f"{self.place} cannot be used: there is no such bucket.") from error
            raise Missing(name) from error
        except (BaseError, OSError, ValueError) as error:
            raise ShelfAway(f"{self.place} cannot be used: {_explain(error)}.") from error


@contextmanager
def _ignoring_missing() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        return


def _open(text: str) -> S3Store:
    try:
        address = parse_address(text)
    except WrongSetting as error:
        raise ShelfAway(str(error).removeprefix("media_stores: ")) from error
    keys = {"access_key_id": address.key, "secret_access_key": address.secret} if address.key else {}
    places = {"endpoint": address.endpoint, "region": address.region}
    config: dict[str, Any] = keys | {name: value for name, value in places.items() if value}
    return S3Store(
        address.bucket,
        prefix=address.prefix or None,
        # Not every server can delete many at once, and we never do.
        disable_bulk_delete=True,
        client_options={
            "allow_http": address.endpoint.startswith("http://"),
            "connect_timeout": _CONNECT,
            "read_timeout": _READ,
            # For the whole of a base copy, over a slow line.
            "timeout": _WHOLE,
        },
        retry_config={"max_retries": 3, "retry_timeout": _RETRIES},
        **config,
    )


def _explain(error: Exception) -> str:
    """What a person can use of an error: the library's own words name its inner parts."""
    text = str(error)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return "it refuses the key"
    if "error sending request" in text or "timed out" in text:
        return "it does not answer"
    return " ".join(text.partition("\n\nDebug source")[0].rpartition(" - ")[2].split())[:200].rstrip(".")
