"""Looking through a vault: every object read back, and what is missing between them."""

from collections.abc import Callable, Iterator

import msgspec

from roseau.kernel.sealing import to_sealing_public
from roseau.survival.vault.names import Item, Volume, key_id_of, sort_volumes
from roseau.survival.vault.sealed import Altered, check_object, open_object
from roseau.survival.vault.shelf import Missing, Shelf


class Verified(msgspec.Struct):
    """What a look through a vault found; a sentence for each thing that is wrong."""

    objects: int = 0
    bytes: int = 0
    wrong: list[str] = []


def verify_vault(shelf: Shelf, private: bytes | None, report: Callable[[int, int], None]) -> Verified:
    """Read every object back. With the recovery key each is opened; without it only damage is found.

    With the key, only what is sealed for it is looked at. Raises ShelfAway.
    """
    prefix = f"{key_id_of(to_sealing_public(private))}/" if private else ""
    items = [item for item in shelf.list(prefix) if item.name.endswith(".sealed")]
    found = Verified(len(items), sum(item.size for item in items))
    done = 0
    for item in items:
        try:
            _read_through(shelf, private, item)
        except Altered as error:
            found.wrong.append(str(error))
        except Missing:
            # The server deletes what it no longer needs meanwhile.
            found.objects -= 1
        done += item.size
        report(done, found.bytes)
    for volume in sort_volumes(items):
        found.wrong += _find_gaps(volume)
    return found


def _read_through(shelf: Shelf, private: bytes | None, item: Item) -> None:
    pieces = shelf.read(item.name)
    if private is None:
        check_object(item.name, pieces)
        return
    for _ in open_object(private, item.name, pieces):
        pass


def _find_gaps(volume: Volume) -> Iterator[str]:
    """What the names of a volume's objects say is missing between them."""
    if not volume.bases:
        yield f"{volume.path} has no base copy, so nothing of it can be restored."
        return
    reached = volume.bases[0].number
    for generation in volume.generations:
        if generation.before > reached:
            yield f"{volume.path}: commits {reached + 1} to {generation.before} are missing."
        if generation.end < max(piece.end for piece in generation.pieces):
            yield f"{volume.path}: a piece of the log is missing in {generation.name}."
        reached = max(reached, generation.number)
