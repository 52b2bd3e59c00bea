"""Stores one by one: the same rules for a folder and for a bucket, and how addresses are read."""

import hashlib
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roseau.settings import WrongSetting
from roseau.storage.stores import Missing, Store, StoreAway, open_store
from roseau.storage.stores.bucket import Address, parse_address
from tests.servers.bucket import BucketServer

DATA = b"reeds in the wind"


def named(data: bytes, extension: str = "png") -> str:
    """The name of a blob with these bytes."""
    return f"{hashlib.sha256(data).hexdigest()}.{extension}"


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    """One S3 server for the module."""
    server = BucketServer(tmp_path_factory.mktemp("s3"))
    yield server
    server.kill()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, buckets: BucketServer) -> Store:
    """A store with nothing in it."""
    shutil.rmtree(buckets.folder)
    buckets.folder.mkdir()
    return open_store(str(tmp_path / "store") if request.param == "folder" else buckets.address)


def test_a_store_keeps_what_it_is_given(store: Store, tmp_path: Path) -> None:
    source, name = tmp_path / "source", named(DATA)
    source.write_bytes(DATA)
    store.check()
    assert not store.has(name)
    store.put(name, source)
    store.put(name, source)
    assert store.has(name)
    store.get(name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == DATA
    assert source.read_bytes() == DATA
    store.remove(name)
    store.remove(name)
    assert not store.has(name)
    with pytest.raises(Missing):
        store.get(name, tmp_path / "again")


def test_a_store_lists_what_begins_with_some_digits(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    names = set()
    for number in range(40):
        data = f"{number}".encode()
        source.write_bytes(data)
        names.add(named(data))
        store.put(named(data), source)
    assert set(store.names()) == names
    one = min(names)
    for prefix in (one[:1], one[:2]):
        assert set(store.names(prefix)) == {name for name in names if name.startswith(prefix)}


def test_a_large_blob_comes_back_whole(store: Store, tmp_path: Path) -> None:
    data = bytes(range(256)) * 50_000
    (tmp_path / "large").write_bytes(data)
    store.put(named(data), tmp_path / "large")
    store.get(named(data), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data


def test_a_bucket_that_does_not_answer_is_away(tmp_path: Path) -> None:
    server = BucketServer(tmp_path / "s3")
    store = open_store(server.address)
    (tmp_path / "source").write_bytes(DATA)
    store.put(named(DATA), tmp_path / "source")
    server.kill()
    with pytest.raises(StoreAway, match="does not answer") as told:
        store.get(named(DATA), tmp_path / "back")
    assert "ret" not in str(told.value).replace("roseau-media", "")
    server.start()
    store.get(named(DATA), tmp_path / "back2")
    server.kill()


def test_a_bucket_that_is_not_there_is_said_to_be_so(buckets: BucketServer, tmp_path: Path) -> None:
    store = open_store(buckets.address.replace("roseau-media", "no-such-bucket"))
    (tmp_path / "source").write_bytes(DATA)
    for attempt in (
        store.check,
        lambda: store.put(named(DATA), tmp_path / "source"),
        lambda: store.get(named(DATA), tmp_path / "back"),
        lambda: list(store.names()),
    ):
        with pytest.raises(StoreAway, match="there is no such bucket"):
            attempt()


def test_a_bucket_that_refuses_the_key_is_said_to_do_so(tmp_path: Path) -> None:
    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert "AWS4-HMAC-SHA256 Credential=key/" in self.headers["Authorization"]
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = open_store(f"s3://key:secret@bucket?endpoint=http://127.0.0.1:{server.server_port}")
        with pytest.raises(StoreAway, match="it refuses the key"):
            store.get(named(DATA), tmp_path / "back")
        server.shutdown()


# Folders


def test_a_folder_whose_disk_is_not_mounted_is_away(tmp_path: Path) -> None:
    mount, disk, memory = tmp_path / "mnt", tmp_path / "disk", tmp_path / "memory"
    (tmp_path / "source").write_bytes(DATA)
    store = open_store(str(mount), memory)
    store.put(named(DATA), tmp_path / "source")
    mount.rename(disk)
    mount.mkdir()
    for again in (store, open_store(str(mount), memory)):
        with pytest.raises(StoreAway, match="is its disk mounted"):
            again.put(named(DATA), tmp_path / "source")
    assert list(mount.iterdir()) == []
    mount.rmdir()
    disk.rename(mount)
    assert store.has(named(DATA))


def test_a_full_folder_is_away(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(DATA)
    store = open_store(str(tmp_path / "store"))
    store.check()
    # A file in the way fails as a full disk does, for root as well: with an OSError.
    (tmp_path / "store" / named(DATA)[:2]).write_bytes(b"")
    with pytest.raises(StoreAway, match="cannot be used"):
        store.put(named(DATA), tmp_path / "source")
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


# Addresses

_words = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=20)


@settings(deadline=None)
@given(_words, _words)
def test_any_key_can_be_written_in_an_address(key: str, secret: str) -> None:
    text = f"s3://{quote(key, safe='')}:{quote(secret, safe='')}@bucket/a/b?endpoint=https://s3.test&region=x"
    address = parse_address(text)
    assert address == Address("bucket", "a/b", key, secret, "https://s3.test", "x")
    assert address.name == "s3://bucket/a/b?endpoint=https://s3.test"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_an_address_is_read_or_refused(text: str) -> None:
    for address in (text, f"s3://{text}", f"s3://key:{text}@bucket"):
        try:
            assert open_store(address).name
        except WrongSetting as refusal:
            assert str(refusal).startswith("media_stores: ")


@settings(deadline=None)
@given(st.text("abcXYZ019+/=@:?#& ", min_size=12, max_size=40))
def test_no_secret_is_in_the_name_or_in_an_error(secret: str) -> None:
    try:
        said = open_store(f"s3://key:S3CR{secret}@bucket/x").name
    except WrongSetting as refusal:
        said = str(refusal)
    assert "S3CR" not in said


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("relative/folder", "has to begin with a slash"),
        ("https://example.org/", "is that of a folder, or begins with s3://"),
        ("s3://", "has a bucket"),
        ("s3://key@bucket", "both a key and its secret"),
        ("s3://bucket?endpoint=ftp://x", "endpoint"),
        ("s3://bucket?endpoint=https://user:password@x", "endpoint"),
        ("s3://bucket?acl=public", "'acl' is not known"),
    ],
)
def test_a_wrong_address_is_explained(address: str, words: str) -> None:
    with pytest.raises(WrongSetting, match=words):
        open_store(address)
