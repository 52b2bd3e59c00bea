"""What a folder and a bucket have in common as the place of a vault, and how each can fail."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from roseau.survival.vault.restoring import find_volumes, restore_database
from roseau.survival.vault.shelf import FolderShelf, Missing, Shelf, ShelfAway, open_shelf, place_of
from tests.cli.running import ok, run
from tests.servers.bucket import BUCKET, BucketServer
from tests.survival.keeping import KeptSite, title_of


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    """One S3 server for the module."""
    server = BucketServer(tmp_path_factory.mktemp("s3"))
    yield server
    server.kill()


@pytest.fixture(params=["folder", "bucket"])
def address(request: pytest.FixtureRequest, tmp_path: Path, buckets: BucketServer) -> str:
    """Where an empty vault is."""
    if request.param == "folder":
        (tmp_path / "vault").mkdir()
        return str(tmp_path / "vault")
    shutil.rmtree(buckets.folder)
    buckets.folder.mkdir()
    return buckets.address


@pytest.fixture
def shelf(address: str) -> Shelf:
    """An empty vault."""
    return open_shelf(address)


def test_what_is_put_is_there(shelf: Shelf) -> None:
    assert list(shelf.list()) == []
    assert shelf.put("a/b/one.sealed", [b"first ", b"second"]) == 12
    shelf.put("a/c/two.sealed", iter([b"x" * 3_000_000] * 4))
    assert b"".join(shelf.read("a/b/one.sealed")) == b"first second"
    assert sum(len(piece) for piece in shelf.read("a/c/two.sealed")) == 12_000_000
    assert {(item.name, item.size) for item in shelf.list()} == {
        ("a/b/one.sealed", 12),
        ("a/c/two.sealed", 12_000_000),
    }
    assert [item.name for item in shelf.list("a/c/")] == ["a/c/two.sealed"]
    assert all(item.modified_at > 1_700_000_000_000 for item in shelf.list())


def test_what_is_put_again_is_replaced(shelf: Shelf) -> None:
    shelf.put("a/b.sealed", [b"older"])
    shelf.put("a/b.sealed", [b"new"])
    assert b"".join(shelf.read("a/b.sealed")) == b"new"


def test_what_is_deleted_is_gone(shelf: Shelf) -> None:
    shelf.put("a/b/c.sealed", [b"x"])
    shelf.put("a/d.sealed", [b"x"])
    for _ in range(2):
        shelf.delete("a/b/c.sealed")
    with pytest.raises(Missing):
        list(shelf.read("a/b/c.sealed"))
    assert [item.name for item in shelf.list()] == ["a/d.sealed"]
    assert list(shelf.list("a/b/")) == []


def test_what_fails_on_the_way_is_not_there(shelf: Shelf) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 100
        raise ValueError("the source failed")

    with pytest.raises((ValueError, ShelfAway)):
        shelf.put("a/b.sealed", broken())
    assert list(shelf.list()) == []


def test_a_folder_that_is_not_mounted_is_away(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "share")
    with pytest.raises(ShelfAway, match="share"):
        shelf.put("a", [b"x"])
    with pytest.raises(ShelfAway, match="share"):
        list(shelf.list())
    assert not (tmp_path / "share").exists()


def test_a_bucket_that_is_away_or_not_there_says_so(buckets: BucketServer) -> None:
    none = open_shelf(buckets.address.replace(BUCKET, "another"))
    with pytest.raises(ShelfAway, match="another"):
        none.put("a", [b"x"])
    with pytest.raises(ShelfAway, match="another"):
        list(none.list())
    for wrong in ("s3://", "s3://key@bucket", "s3://bucket?colour=red", "s3:bucket"):
        with pytest.raises(ShelfAway):
            open_shelf(wrong)


def test_no_secret_is_shown(buckets: BucketServer) -> None:
    place = place_of(buckets.address)
    assert place == f"s3://{BUCKET}/media" == open_shelf(buckets.address).place
    buckets.kill()
    try:
        result = run("vault", "list", buckets.address)
        assert result.status == 1 and place in result.err
        assert result.err == f"roseau: {place} cannot be used: it does not answer.\n"
    finally:
        buckets.start()


def test_a_site_is_kept_and_restored_wherever_the_vault_is(address: str, tmp_path: Path) -> None:
    assert "can be used" in ok("vault", "init", address)
    kept = KeptSite(tmp_path / "data", tmp_path / "none", address)
    kept.make_key()
    for number in range(4):
        kept.title(f"title {number}")
        kept.turn()
        kept.keeper.step(now=True)
    kept.close()
    kept.open()
    kept.title("after a restart")
    kept.keeper.step(now=True)
    shelf, target = open_shelf(address), tmp_path / "restored.db"
    volumes = find_volumes(shelf, kept.private)
    assert [len(volume.bases) for volume in volumes] == [1]
    restored = restore_database(shelf, volumes, kept.private, None, target, lambda done, total: None)
    assert title_of(target) == "after a restart" and restored.troubles == []
    assert "read back" in ok("vault", "verify", address)
    kept.close()


def test_a_bucket_that_comes_back_is_gone_on_with(buckets: BucketServer, tmp_path: Path) -> None:
    shutil.rmtree(buckets.folder)
    buckets.folder.mkdir()
    kept = KeptSite(tmp_path / "data", tmp_path / "none", buckets.address)
    kept.make_key()
    kept.keeper.step()
    buckets.kill()
    kept.title("while it was away")
    with pytest.raises(ShelfAway):
        kept.keeper.step(now=True)
    buckets.start()
    kept.keeper.step(now=True)
    shelf, target = open_shelf(buckets.address), tmp_path / "restored.db"
    volumes = find_volumes(shelf, kept.private)
    restored = restore_database(shelf, volumes, kept.private, None, target, lambda done, total: None)
    assert title_of(target) == "while it was away" and not restored.broken_off
    kept.close()
