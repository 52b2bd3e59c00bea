"""Reeds as stores of pictures: what they take, from whom, and what is there when the primary is gone."""

import asyncio
import errno
import hashlib
import shutil
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
import msgspec
import pytest

from roseau.control import ask_server
from roseau.operations import Nothing
from roseau.steering import STATUS
from roseau.storage.blobs import FolderBlobs
from roseau.storage.stores import Missing, StoreAway
from roseau.storage.stores.copies import OWED
from roseau.survival.reeds import blob_keeping, messages, wire
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.reed_store import ReedStore
from roseau.survival.reeds.roster import Machine, Roster
from tests.cli.running import ok, serving
from tests.media.pictures import draw, encode
from tests.survival.media import spoil, until
from tests.survival.reeds import NAME, PICTURE, Pair, converse, free_ports, reed_process


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A primary and its reed."""
    opened = Pair(tmp_path)
    yield opened
    opened.close()


def remains(pair: Pair) -> list[str]:
    """What lies about on the reed besides blobs."""
    return [path.name for path in pair.reed.media.incoming.iterdir()]


# What a store does


def test_a_reed_keeps_and_gives_pictures(pair: Pair, tmp_path: Path) -> None:
    store = pair.store
    store.check()
    assert not store.has(NAME)
    with pytest.raises(Missing):
        store.get(NAME, tmp_path / "nothing")
    for _ in range(2):
        store.put(NAME, pair.file)
    assert store.has(NAME)
    assert pair.reed.media.path_of(NAME).read_bytes() == PICTURE
    assert list(store.names()) == list(store.names(NAME[0])) == list(store.names(NAME[:2])) == [NAME]
    assert list(store.names("00" if NAME[:2] != "00" else "01")) == []
    store.get(NAME, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == PICTURE
    for _ in range(2):
        store.remove(NAME)
    assert not store.has(NAME)
    assert remains(pair) == []


def test_an_empty_blob_is_one_too(pair: Pair, tmp_path: Path) -> None:
    name = f"{hashlib.sha256().hexdigest()}.gif"
    (tmp_path / "empty").touch()
    pair.store.put(name, tmp_path / "empty")
    pair.store.get(name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b""


def test_bytes_that_are_not_what_the_name_says_get_no_name(pair: Pair) -> None:
    pair.file.write_bytes(PICTURE[:-1] + b"!")
    with pytest.raises(StoreAway, match="reed:garden does not take it: what came is not what its name says"):
        pair.store.put(NAME, pair.file)
    assert not pair.store.has(NAME)
    assert remains(pair) == []


def test_a_picture_that_rots_on_the_reed_is_noticed_and_replaced(pair: Pair, tmp_path: Path) -> None:
    pair.put_again()
    spoil(pair.reed.media, NAME)
    line = pair.blobs.lines()[0]
    assert pair.blobs.examine(line, NAME) == "wrong"
    pair.blobs.send(line, NAME).result(20)
    assert pair.blobs.examine(line, NAME) == "right"


def test_a_lost_picture_comes_back_from_the_reed(pair: Pair, tmp_path: Path) -> None:
    pair.put_again()
    pair.blobs.path_of(NAME).unlink()
    assert pair.blobs.bring(NAME).read_bytes() == PICTURE


# The reed's disk


class Usage(NamedTuple):
    """How full a disk is."""

    free: int


def test_a_reed_leaves_room_for_the_log(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    free = blob_keeping.KEPT_FREE + len(PICTURE) - 1
    monkeypatch.setattr(blob_keeping.shutil, "disk_usage", lambda path: Usage(free))
    with pytest.raises(StoreAway, match="reed:garden does not take it: its disk has no room left"):
        pair.store.put(NAME, pair.file)
    assert not pair.store.has(NAME)
    monkeypatch.undo()
    # The conversation ended in good order: the next one succeeds.
    pair.store.put(NAME, pair.file)
    assert pair.store.has(NAME)


def test_half_a_picture_gets_no_name(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FolderBlobs, "take_over", fail)
    with pytest.raises(StoreAway, match="it cannot save pictures: No space left on device"):
        pair.store.put(NAME, pair.file)
    monkeypatch.undo()

    announced = messages.BlobPut(name=NAME, size=len(PICTURE), epoch=1)
    with pytest.raises(wire.Broken):
        converse(pair, announced, messages.Piece(), messages.Ping(), body=PICTURE[:100_000])
    until(lambda: not remains(pair))
    assert not pair.store.has(NAME)


# Who may ask


def test_a_stranger_is_told_nothing(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    stranger = Identity.of(tmp_path / "stranger")
    with pytest.raises((ConnectionError, ssl.SSLError)):
        converse(pair, messages.BlobNames(prefix="ab"), identity=stranger)


def test_a_machine_that_has_left_is_told_nothing(pair: Pair) -> None:
    pair.store.put(NAME, pair.file)
    pair.reed.reed.state.roster = Roster(epoch=2, machines=[pair.machine])
    with pytest.raises(StoreAway):
        pair.store.has(NAME)
    assert isinstance(converse(pair, messages.BlobHas(name=NAME)), messages.Refusal)


@pytest.mark.parametrize(
    "question",
    [
        messages.BlobGet(name="../../machine.key"),
        messages.BlobHas(name="/etc/passwd"),
        messages.BlobRemove(name="../../roseau.db", epoch=9),
        messages.BlobPut(name="../../roseau.db", size=1, epoch=9),
        messages.BlobPut(name=NAME, size=1 << 60, epoch=9),
        messages.BlobPut(name=NAME, size=-1, epoch=9),
        messages.BlobNames(prefix="*"),
        messages.BlobNames(prefix="??"),
    ],
    ids=repr,
)
def test_only_names_of_blobs_are_answered(pair: Pair, question: messages.Message) -> None:
    with pytest.raises(wire.Broken):
        converse(pair, question)


def test_a_former_primary_may_read_and_change_nothing(pair: Pair, tmp_path: Path) -> None:
    pair.store.put(NAME, pair.file)
    other = f"{hashlib.sha256(b'other').hexdigest()}.jpg"
    (tmp_path / "other").write_bytes(b"other")
    pair.reed.run(pair.reed.reed.promise(5, "another machine"))
    with pytest.raises(StoreAway, match="another primary"):
        pair.store.remove(NAME)
    with pytest.raises(StoreAway, match=r"(another primary|higher epoch)"):
        pair.store.put(other, tmp_path / "other")
    put = messages.BlobPut(name=other, size=0, epoch=4)
    assert isinstance(converse(pair, put), messages.Superseded)
    assert pair.store.has(NAME) and not pair.store.has(other)
    pair.store.get(NAME, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == PICTURE


def test_a_reed_forgets_what_it_owed_as_the_primary(pair: Pair) -> None:
    debts = pair.reed.media.folder / OWED / "0123456789abcdef"
    debts.mkdir(parents=True)
    (debts / f"{NAME}.gone").touch()
    known = pair.reed.media.folder / OWED / "0123.known"
    known.touch()
    pair.reed.stop()
    pair.reed.start(pair.roster(pair.machine))
    assert not debts.exists() and known.exists()


# A reed that is away


def test_what_an_absent_reed_has_missed_reaches_it(pair: Pair) -> None:
    pair.blobs.copies = 1
    pair.reed.stop()
    began = time.monotonic()
    with pytest.raises(StoreAway):
        pair.store.put(NAME, pair.file)
    pair.put_again()
    line = pair.blobs.lines()[0]
    until(lambda: line.away)
    assert time.monotonic() - began < wire.CALL_SECONDS
    assert list(line.debts.lacks()) == [NAME]
    pair.reed.start(pair.roster(pair.machine))
    until(lambda: pair.link.live)
    assert pair.blobs.settle(removals=True) == 1
    assert list(line.debts.lacks()) == [] and pair.store.has(NAME)


def test_a_reed_that_hangs_is_given_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roseau.survival.reeds.wire.CALL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        hanging = ReedStore(pair.shipper, msgspec.structs.replace(pair.machine, id="f" * 16, address=address))
        with pytest.raises(StoreAway, match="reed:garden does not answer"):
            hanging.has(NAME)


def test_whoever_waits_is_let_go_when_the_server_ends(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waits = threading.Event()

    async def stall(*_: Any) -> bool:
        waits.set()
        await asyncio.sleep(60)
        return True

    pair.reed.reed.blobs = stall
    failed: list[StoreAway] = []

    def ask() -> None:
        with pytest.raises(StoreAway) as caught:
            pair.store.get(NAME, tmp_path / "never")
        failed.append(caught.value)

    asking = threading.Thread(target=ask)
    asking.start()
    assert waits.wait(20)
    pair.store.close()
    asking.join(2)
    assert failed
    with pytest.raises(StoreAway):
        pair.store.check()


# Who is a store


def test_the_stores_follow_who_is_listed(pair: Pair) -> None:
    def names() -> set[str]:
        return {line.store.name for line in pair.blobs.lines()}

    def listed(name: str, **about: Any) -> Machine:
        return msgspec.structs.replace(pair.machine, id=name * 16, name=name, **about)

    assert (names(), pair.blobs.copies, pair.blobs.unawaited) == ({"reed:garden"}, 2, frozenset())
    (kept,) = pair.blobs.lines()
    others = [
        listed("a"),
        listed("b"),
        listed("c", counted=False, role="joining"),
        listed("d", counted=False, role="former"),
        listed("e", role="former"),
        listed("f", address=""),
    ]
    pair.become(pair.roster(pair.machine, *others, needed=2))
    assert names() == {"reed:garden", "reed:a", "reed:b", "reed:c", "reed:e"}
    assert pair.blobs.unawaited == {"reed:c"}
    assert pair.blobs.copies == 3
    assert pair.blobs.lines()[0] is kept
    pair.become(pair.roster(listed("a", address="127.0.0.1:1")))
    assert names() == {"reed:a"}
    with pytest.raises(StoreAway):
        pair.blobs.lines()[0].store.check()
    pair.become(pair.roster())
    assert names() == set()
    # Nobody is waited for, as there is nobody.
    assert pair.put_again() == NAME


def test_a_copy_on_a_reed_that_is_not_counted_is_not_enough(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roseau.storage.stores.copies.PATIENCE_SECONDS", 0.5)
    absent = msgspec.structs.replace(pair.machine, id="a" * 16, name="absent", address="127.0.0.1:1")
    guest = msgspec.structs.replace(pair.machine, counted=False)
    pair.become(pair.roster(guest, absent))
    with pytest.raises(Exception, match="in enough places"):
        pair.put_again()
    until(lambda: pair.store.has(NAME))


# The whole way


def test_a_picture_outlives_the_primary(tmp_path: Path) -> None:
    data, standby = tmp_path / "data", tmp_path / "standby"
    port, reed_port, later_port = free_ports(3)
    ok("init", "--domain", f"127.0.0.1:{port}", "--base-url", f"http://127.0.0.1:{port}", "--data", data)
    ok("account", "create", "ada", "--email", "ada@example.org", "--data", data)
    token = ok("token", "create", "ada", "--scopes", "read write", "--data", data)
    auth = {"Authorization": f"Bearer {token}"}
    with serving(data, "--port", str(port)) as served:
        code = ok("reed", "invite", "--data", data).split()[-1]
        words = ["--listen", f"127.0.0.1:{reed_port}", "--port", str(later_port), "--code", code]
        with reed_process(standby, *words):
            until(lambda: ask_server(data, STATUS, Nothing()).standing.needed == 1)
            upload = {"file": ("a.png", encode(draw(60, 60), "png"))}
            answer = httpx2.post(f"{served.address}/api/v2/media", headers=auth, files=upload, timeout=30)
            assert answer.status_code == 200, answer.text
            paths = {urlsplit(answer.json()[url]).path for url in ("url", "preview_url")}
            assert len(paths) == 2
            for path in paths:
                assert (standby / path.removeprefix("/")).is_file()
            pictures = {path: httpx2.get(served.address + path).content for path in paths}
            served.end(signal.SIGKILL)
            shutil.rmtree(data)
            assert "Promoted" in ok("promote", "--data", standby)
            for path, picture in pictures.items():
                found = httpx2.get(f"http://127.0.0.1:{later_port}{path}")
                assert (found.status_code, found.content) == (200, picture)
