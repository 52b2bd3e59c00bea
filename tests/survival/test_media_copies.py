"""Blobs in several stores: when a put is acknowledged, how reads are mended, what waits for a store."""

import shutil
import threading
from pathlib import Path

import pytest

from roseau.kernel import clock
from roseau.kernel.errors import Unavailable
from roseau.settings import WrongSetting
from roseau.storage.blobs import FolderBlobs, is_right
from roseau.storage.stores import Missing, StoreAway, copies
from roseau.storage.stores.copies import Blobs, open_blobs
from tests.survival.media import PATIENCE, Fickle, spoil, until


@pytest.fixture
def one(tmp_path: Path) -> Fickle:
    """A further store."""
    return Fickle(tmp_path / "one")


@pytest.fixture
def two(tmp_path: Path) -> Fickle:
    """And another."""
    return Fickle(tmp_path / "two")


@pytest.fixture
def blobs(tmp_path: Path, one: Fickle, two: Fickle) -> Blobs:
    """Three places, two of which have to have a blob."""
    return Blobs(tmp_path / "media", [one, two], copies=2)


def owed(blobs: Blobs) -> dict[str, list[str]]:
    """What each store has still to get."""
    return {line.store.name: sorted(line.debts.lacks()) for line in blobs.lines() if any(line.debts.lacks())}


def test_a_put_reaches_every_store(blobs: Blobs, one: Fickle, two: Fickle) -> None:
    name = blobs.put_bytes(b"reeds", "png")
    assert one.has(name) or two.has(name)
    until(lambda: one.has(name) and two.has(name) and not owed(blobs))


def test_one_slow_store_holds_up_nobody(blobs: Blobs, one: Fickle, two: Fickle) -> None:
    one.held.clear()
    name = blobs.put_bytes(b"reeds", "png")
    assert two.has(name)
    assert owed(blobs)[one.name] == [name]
    one.held.set()
    until(lambda: one.has(name) and not owed(blobs))


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_a_put_is_acknowledged_when_enough_have_it(
    tmp_path: Path, one: Fickle, two: Fickle, wanted: int
) -> None:
    blobs = Blobs(tmp_path / "media", [one, two], copies=wanted)
    two.away = True
    if wanted < 3:
        name = blobs.put_bytes(b"reeds", "png")
        assert one.has(name) or wanted == 1
    else:
        with pytest.raises(Unavailable, match="in enough places"):
            blobs.put_bytes(b"reeds", "png")
        two.away = False
        name = blobs.put_bytes(b"reeds", "png")
        assert one.has(name) and two.has(name)


def test_with_fewer_stores_than_copies_all_have_to_have_it(tmp_path: Path, one: Fickle) -> None:
    assert FolderBlobs(tmp_path / "alone").put_bytes(b"x", "png") == Blobs(
        tmp_path / "media", copies=5
    ).put_bytes(b"x", "png")
    blobs = Blobs(tmp_path / "both", [one], copies=5)
    one.away = True
    with pytest.raises(Unavailable):
        blobs.put_bytes(b"x", "png")


def test_a_store_that_hangs_is_not_waited_for_for_ever(
    blobs: Blobs, one: Fickle, two: Fickle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PATIENCE_SECONDS", 0.2)
    one.held.clear()
    two.held.clear()
    with pytest.raises(Unavailable):
        blobs.put_bytes(b"reeds", "png")
    one.held.set()
    two.held.set()
    until(lambda: not owed(blobs))


def test_what_a_store_missed_reaches_it_after_a_restart(
    tmp_path: Path, blobs: Blobs, one: Fickle, two: Fickle
) -> None:
    one.away = True
    names = sorted(blobs.put_bytes(bytes([number]), "png") for number in range(30))
    until(lambda: list(owed(blobs)) == [one.name])
    assert blobs.lines()[0].away
    blobs.close()
    again = Blobs(tmp_path / "media", [one, two], copies=2)
    assert again.settle(removals=False) == 0
    assert owed(again) == {one.name: names}
    one.away = False
    assert again.settle(removals=False) == 30
    assert sorted(one.names()) == names
    assert owed(again) == {}


# Reading


@pytest.mark.parametrize("harm", ["spoilt", "missing"])
def test_a_read_is_mended_from_another_store(
    tmp_path: Path, blobs: Blobs, one: Fickle, two: Fickle, harm: str
) -> None:
    name = blobs.put_bytes(b"reeds", "png")
    until(lambda: not owed(blobs))
    spoil(one, name)
    again = Blobs(tmp_path / "media", [one, two])
    path = again.path_of(name)
    if harm == "spoilt":
        spoil(again, name)
    else:
        path.unlink()
    assert again.known_right(name) is None
    assert again.bring(name) == path
    assert path.read_bytes() == b"reeds"
    assert again.known_right(name) == path
    if harm == "spoilt":
        assert not is_right(path.with_name(name + ".wrong"), name)
    # The first store had a wrong copy: it gets the right one.
    until(lambda: is_right(FolderBlobs(one.folder).path_of(name)))
    assert list(again.names()) == [name]


def test_a_right_copy_is_read_once(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    name = blobs.put_bytes(b"reeds", "png")
    until(lambda: not owed(blobs))
    again = Blobs(blobs.folder)
    hashed: list[Path] = []

    def read(path: Path) -> bool:
        hashed.append(path)
        return True

    monkeypatch.setattr(copies, "is_right", read)
    for _ in range(3):
        again.bring(name)
    assert len(hashed) == 1
    path = again.path_of(name)
    path.write_bytes(b"changed")
    again.bring(name)
    assert len(hashed) == 2
    monkeypatch.setattr(copies, "TRUSTED_SECONDS", 0)
    again.bring(name)
    assert len(hashed) == 3


def test_a_blob_that_nobody_has_is_missing_or_out_of_reach(blobs: Blobs, one: Fickle) -> None:
    name = "ab" * 32 + ".png"
    with pytest.raises(Missing):
        blobs.bring(name)
    one.away = True
    with pytest.raises(StoreAway):
        blobs.bring(name)


def test_a_wrong_blob_is_never_served(blobs: Blobs, one: Fickle, two: Fickle) -> None:
    name = blobs.put_bytes(b"reeds", "png")
    until(lambda: not owed(blobs))
    again = Blobs(blobs.folder, [one, two])
    for place in (again, one, two):
        spoil(place, name)
    with pytest.raises(Missing):
        again.bring(name)
    assert not again.has(name)


def test_many_readers_fetch_once(
    blobs: Blobs, one: Fickle, two: Fickle, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = blobs.put_bytes(b"reeds" * 1000, "png")
    until(lambda: not owed(blobs))
    shutil.rmtree(blobs.folder / name[:2])
    fetched: list[str] = []
    get = one.get

    def count(name: str, into: Path) -> None:
        fetched.append(name)
        get(name, into)

    monkeypatch.setattr(one, "get", count)
    readers = [threading.Thread(target=blobs.bring, args=(name,)) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(PATIENCE)
    assert fetched == [name]
    assert is_right(blobs.path_of(name))


# Deleting


def test_a_deletion_reaches_every_store(blobs: Blobs, one: Fickle, two: Fickle) -> None:
    name = blobs.put_bytes(b"reeds", "png")
    until(lambda: not owed(blobs))
    one.away = True
    assert blobs.remove_older(name, clock.now() + 1000)
    until(lambda: not two.has(name))
    until(lambda: blobs.lines()[0].away)
    one.away = False
    again = Blobs(blobs.folder, [one, two])
    assert again.owes_removals()
    again.settle(removals=False)
    assert one.has(name)
    again.settle(removals=True)
    assert not one.has(name)
    assert not again.owes_removals()


def test_a_blob_that_is_put_again_is_not_deleted_behind_its_back(
    blobs: Blobs, one: Fickle, two: Fickle
) -> None:
    name = blobs.put_bytes(b"reeds", "png")
    until(lambda: not owed(blobs))
    one.away = two.away = True
    blobs.remove(name)
    until(lambda: all(line.away for line in blobs.lines()))
    assert blobs.owes_removals()
    one.away = two.away = False
    assert blobs.put_bytes(b"reeds", "png") == name
    assert not blobs.owes_removals()
    # A deletion that was begun before, and comes to it only now.
    for line in blobs.lines():
        line.debts.owe_removal(name)
    blobs.settle(removals=True)
    assert not blobs.owes_removals()
    assert one.has(name) and two.has(name)


# Stores that come and go


def test_stores_can_be_attached_and_detached(tmp_path: Path, one: Fickle, two: Fickle) -> None:
    blobs = Blobs(tmp_path / "media", [one], copies=2)
    blobs.attach(two)
    assert blobs.fresh
    one.away = True
    name = blobs.put_bytes(b"reeds", "png")
    assert two.has(name)
    blobs.detach(one.name)
    assert [line.store.name for line in blobs.lines()] == [two.name]
    blobs.attach(one)
    assert owed(blobs) == {}


def test_the_folder_itself_is_no_further_place(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="one place already"):
        open_blobs(tmp_path / "media", [str(tmp_path / "media")])


def test_a_wrong_local_copy_makes_room_for_the_same_bytes(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "media")
    name = blobs.put_bytes(b"reeds", "png")
    spoil(blobs, name)
    assert blobs.put_bytes(b"reeds", "png") == name
    assert blobs.path_of(name).read_bytes() == b"reeds"
