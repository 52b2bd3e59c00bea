"""What a vault's keeper, a bad disk or a thief can do to it: found, named, and never restored."""

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roseau.kernel import keys
from roseau.kernel.sealing import to_sealing_public
from roseau.survival.vault.names import Item, sort_volumes
from roseau.survival.vault.restoring import NothingToRestore, Restored, find_volumes, restore_database
from roseau.survival.vault.sealed import (
    CHUNK,
    Altered,
    Label,
    WrongWords,
    check_object,
    open_object,
    seal_object,
)
from roseau.survival.vault.shelf import FolderShelf
from roseau.survival.vault.verifying import verify_vault
from tests.survival.keeping import KeptSite, title_of

PRIVATE = keys.new_key()
PUBLIC = to_sealing_public(PRIVATE)


def seal(name: str, content: bytes) -> bytes:
    """An object in one piece."""
    return b"".join(seal_object(PUBLIC, Label(name=name, made_at=0), [content]))


def unseal(name: str, sealed: bytes, private: bytes = PRIVATE) -> bytes:
    """Its content."""
    return b"".join(open_object(private, name, [sealed]))


# One object


@given(st.lists(st.binary(max_size=4000), max_size=6), st.integers(1, 5000))
@settings(max_examples=50, deadline=None)
def test_what_was_sealed_opens_however_it_comes(content: list[bytes], step: int) -> None:
    sealed = b"".join(seal_object(PUBLIC, Label(name="a", made_at=7), content))
    pieces = [sealed[at : at + step] for at in range(0, len(sealed), step)]
    assert b"".join(open_object(PRIVATE, "a", pieces)) == b"".join(content)
    assert check_object("a", pieces).made_at == 7


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_chunks_of_every_size(size: int) -> None:
    content = random.Random(size).randbytes(size)
    assert unseal("a", seal("a", content)) == content


THREE_CHUNKS = random.Random(3).randbytes(2 * CHUNK + 500)
SEALED = seal("volume/log/1", THREE_CHUNKS)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_any_byte_that_was_changed_is_found(place: int, by: int) -> None:
    altered = bytearray(SEALED)
    altered[place] ^= by
    with pytest.raises(Altered):
        unseal("volume/log/1", bytes(altered))
    with pytest.raises(Altered):
        check_object("volume/log/1", [bytes(altered)])


@given(st.integers(0, len(SEALED) - 1))
@settings(max_examples=40, deadline=None)
def test_what_was_cut_off_is_found(length: int) -> None:
    for look in (unseal, lambda name, sealed: check_object(name, [sealed])):
        with pytest.raises(Altered, match="volume/log/1"):
            look("volume/log/1", SEALED[:length])


def test_what_was_added_is_found() -> None:
    with pytest.raises(Altered):
        unseal("volume/log/1", SEALED + b"\0")


def test_chunks_cannot_change_places_nor_be_left_out() -> None:
    """With the digest at the end made anew, as whoever keeps the vault can."""
    head, chunks = split(SEALED)
    assert len(chunks) == 3
    for order in ([1, 0, 2], [0, 2], [0, 1], [0, 0, 2], [0, 1, 2, 2]):
        forged = seal_anew(head, [chunks[index] for index in order])
        with pytest.raises(Altered):
            unseal("volume/log/1", forged)
    # The last of another object, of which the beginning is the same.
    other_head, other = split(seal("volume/log/1", THREE_CHUNKS))
    for mixed in ((head, [*chunks[:2], other[2]]), (other_head, chunks)):
        with pytest.raises(Altered):
            unseal("volume/log/1", seal_anew(*mixed))


def split(sealed: bytes) -> tuple[bytes, list[bytes]]:
    """An object's head and its chunks with their lengths."""
    start = 15
    start += 4 + int.from_bytes(sealed[start : start + 4])
    head, chunks = sealed[:start], []
    while start < len(sealed) - 32:
        end = start + 4 + (int.from_bytes(sealed[start : start + 4]) & 0x7FFF_FFFF)
        chunks.append(sealed[start:end])
        start = end
    return head, chunks


def seal_anew(head: bytes, chunks: list[bytes]) -> bytes:
    """An object of these parts, with the last marked as such and a digest that fits."""
    last = int.from_bytes(chunks[-1][:4]) | 0x8000_0000
    body = head + b"".join(
        (int.from_bytes(chunk[:4]) & 0x7FFF_FFFF).to_bytes(4) + chunk[4:] for chunk in chunks[:-1]
    )
    body += last.to_bytes(4) + chunks[-1][4:]
    return body + hashlib.sha256(body).digest()


def test_an_object_has_one_name() -> None:
    with pytest.raises(Altered, match="volume/log/2 is not that"):
        unseal("volume/log/2", SEALED)
    renamed = SEALED.replace(b"volume/log/1", b"volume/log/2")
    with pytest.raises(Altered):
        unseal("volume/log/2", renamed)


def test_other_words_open_no_object() -> None:
    with pytest.raises(WrongWords):
        unseal("volume/log/1", SEALED, keys.new_key())


@given(st.text(max_size=80))
def test_any_name_can_lie_in_a_vault(name: str) -> None:
    sort_volumes([Item(name, 1, 1), Item(f"0123456789abcdef/{name}", 1, 1)])


# A whole vault


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptSite]:
    """A site whose vault has one base copy and four generations of several pieces each."""
    folder = tmp_path_factory.mktemp("attacked")
    kept = KeptSite(folder / "data", folder / "vault")
    kept.make_key()
    kept.keeper.step()
    for generation in range(4):
        if generation:
            kept.turn()
        for piece in range(3):
            kept.title(f"{generation}.{piece}")
            kept.title(f"{generation}.{piece} end")
            kept.keeper.step(now=True)
    yield kept
    kept.close()


@pytest.fixture
def vault(site: KeptSite, tmp_path: Path) -> Path:
    """A copy of the vault, to do evil to."""
    return Path(shutil.copytree(site.vault, tmp_path / "vault"))


def restore(site: KeptSite, vault: Path) -> tuple[str, Restored]:
    """The last title that the vault gives, and what the restore says."""
    shelf, target = FolderShelf(vault), vault.parent / "restored.db"
    target.unlink(missing_ok=True)
    volumes = find_volumes(shelf, site.private)
    restored = restore_database(shelf, volumes, site.private, None, target, lambda done, total: None)
    return title_of(target), restored


def pieces_of(vault: Path) -> list[Path]:
    """The pieces of the log, oldest first."""
    return sorted(path for path in vault.rglob("*.sealed") if "log" in path.parts)


def alter(path: Path) -> None:
    """Change one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Lose the second half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def replay(path: Path) -> None:
    """Put an older object in its place."""
    older = pieces_of(path.parents[4])[0]
    assert older != path
    shutil.copy(older, path)


@pytest.mark.parametrize("evil", [alter, cut, replay, Path.unlink])
def test_the_restore_ends_before_what_was_done_to_the_log(
    site: KeptSite, vault: Path, evil: Callable[[Path], None]
) -> None:
    assert restore(site, vault)[0] == "3.2 end"
    target = pieces_of(vault)[2]
    evil(target)
    title, restored = restore(site, vault)
    assert title == "1.2 end"
    assert restored.broken_off
    (trouble,) = restored.troubles
    assert target.parent.name in trouble or "missing" in trouble
    for private in (site.private, None):
        assert verify_vault(FolderShelf(vault), private, lambda done, total: None).wrong


def test_the_newest_piece_can_be_bad(site: KeptSite, vault: Path) -> None:
    alter(pieces_of(vault)[-1])
    title, restored = restore(site, vault)
    assert title == "3.1 end" and restored.broken_off


def test_two_pieces_cannot_change_names(site: KeptSite, vault: Path) -> None:
    one, two = pieces_of(vault)[1:3]
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    title, restored = restore(site, vault)
    assert title == "0.2 end"
    assert "is not that" in restored.troubles[0]


def test_a_base_copy_that_is_bad_is_replaced_by_an_older_one(tmp_path: Path) -> None:
    kept = KeptSite(tmp_path / "data", tmp_path / "vault")
    kept.make_key()
    kept.keeper.step()
    kept.title("one")
    kept.keeper.step(now=True)
    assert kept.keeper._writer is not None
    kept.keeper._make_base(kept.keeper._writer)
    kept.title("two")
    kept.keeper.step(now=True)
    newest = kept.objects("/base/")[-1]
    alter(newest)
    title, restored = restore(kept, kept.vault)
    assert title == "two" and not restored.broken_off
    assert newest.name in restored.troubles[0]
    for path in kept.objects("/base/"):
        cut(path)
    with pytest.raises(NothingToRestore, match="No base copy"):
        restore(kept, kept.vault)
    kept.close()


def test_an_object_that_roseau_did_not_write_is_left_alone(site: KeptSite, vault: Path) -> None:
    stray = next(vault.iterdir()) / "notes.txt"
    stray.write_text("dear ada")
    (vault / "../outside.sealed").write_text("evil")
    assert restore(site, vault)[0] == "3.2 end"
    assert verify_vault(FolderShelf(vault), None, lambda done, total: None).wrong == []
    assert stray.exists()
