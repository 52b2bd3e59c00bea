"""Evidence keys: on a machine's disk, on its reeds, and destroyed for good."""

import asyncio
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from roseau.domain.moderation.evidence import add_key
from roseau.domain.site import Site
from roseau.kernel import keys
from roseau.kernel.errors import Unavailable
from roseau.settings import Settings
from roseau.storage.evidence_keys import EvidenceKey, EvidenceKeys
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.evidence_carrying import carry_keys
from roseau.survival.reeds.evidence_keeping import EvidenceKeeper, seal_key
from roseau.survival.standing import KeyErrand, KeysFound, NotReached
from tests.survival.media import until
from tests.survival.reeds import Pair

ID = "0123456789abcdef"


def test_a_key_is_kept_sealed_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    here = EvidenceKeys(tmp_path)
    made = here.make()
    path = tmp_path / "evidence" / f"{made.id}.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert made.key not in path.read_bytes() and made.key.hex() not in repr(made)
    assert EvidenceKeys(tmp_path).find(made.id) == made.key
    assert here.list_ids() == [made.id] and here.list_gone() == []


def test_another_machine_cannot_open_the_file(tmp_path: Path) -> None:
    one, other = EvidenceKeys(tmp_path / "one"), EvidenceKeys(tmp_path / "other")
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    made = one.make()
    other.make()
    stolen = tmp_path / "other" / "evidence" / f"{made.id}.key"
    stolen.write_bytes((tmp_path / "one" / "evidence" / stolen.name).read_bytes())
    assert other.find(made.id) is None and made.id not in other.list_ids()


def test_a_damaged_key_is_not_held_and_can_be_given_anew(tmp_path: Path) -> None:
    here = EvidenceKeys(tmp_path)
    made = here.make()
    (tmp_path / "evidence" / f"{made.id}.key").write_bytes(b"half")
    assert here.find(made.id) is None and here.list_ids() == []
    assert here.put(*made)
    assert here.find(made.id) == made.key


def test_a_destroyed_key_does_not_come_back(tmp_path: Path) -> None:
    here = EvidenceKeys(tmp_path)
    made = here.make()
    path = tmp_path / "evidence" / f"{made.id}.key"
    before, beside = path.read_bytes(), path.with_name("beside")
    # A second name for the same bytes on the disk: they have to be written over, not only forgotten.
    beside.hardlink_to(path)
    here.erase(made.id)
    assert not path.exists() and before not in beside.read_bytes()
    assert here.find(made.id) is None and here.is_gone(made.id)
    assert not here.put(*made) and here.find(made.id) is None
    # Nor does the file, should somebody put the old one back.
    path.write_bytes(before)
    assert here.find(made.id) is None
    here.erase(made.id)
    assert not path.exists() and here.list_gone() == [made.id]


def test_only_ids_are_ids(tmp_path: Path) -> None:
    here = EvidenceKeys(tmp_path)
    for wrong in ("", "../machine", ID + "0", ID.upper(), "0123456789abcdeg"):
        with pytest.raises(ValueError, match="not the id"):
            here.find(wrong)


def test_nowhere_nothing_is_kept() -> None:
    nowhere = EvidenceKeys()
    with pytest.raises(Unavailable):
        nowhere.make()
    nowhere.erase(ID)
    assert nowhere.find(ID) is None and nowhere.list_ids() == [] and nowhere.machine_id == ""


# On a reed


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A primary that ships, and a reed that keeps keys."""
    pair = Pair(tmp_path)
    pair.reed.reed.evidence = EvidenceKeeper(pair.reed.reed).answer
    yield pair
    pair.close()


def carry(pair: Pair, errand: KeyErrand) -> KeysFound:
    """Do an errand there."""
    return pair.shipper.call(carry_keys(pair.shipper, pair.machine, errand))


def there(pair: Pair) -> EvidenceKeys:
    """The keys of the reed."""
    return EvidenceKeys(pair.reed.folder)


def execute(pair: Pair, sql: str) -> None:
    """Change the site's database."""
    pair.database.write_now(lambda tx: tx.script(sql))


def list_key(pair: Pair, key: EvidenceKey, *, erase: bool = False) -> None:
    """Have the database list a key, and the reed have that."""
    site = Site("https://roseau.test", Settings(), keys.new_key(), EvidenceKeys(pair.folder / "primary"))
    pair.database.write_now(lambda tx: add_key(tx, site, key))
    if erase:
        execute(pair, f"UPDATE evidence_keys SET erase_asked_at = 1 WHERE id = '{key.id}'")
    until(lambda: pair.link.stored == pair.shipper.log.number)


def test_a_reed_keeps_what_it_is_given_and_gives_it_back(pair: Pair) -> None:
    key = EvidenceKey(ID, keys.new_key())
    assert carry(pair, KeyErrand()).ids == frozenset()
    assert carry(pair, KeyErrand(put={ID: key.key})).ids == {ID}
    assert there(pair).find(ID) == key.key
    assert carry(pair, KeyErrand(get=[ID, "f" * 16])).given == {ID: key.key}


def test_a_reed_destroys_only_what_its_own_copy_says(pair: Pair) -> None:
    kept, ended = EvidenceKey(ID, keys.new_key()), EvidenceKey("f" * 16, keys.new_key())
    list_key(pair, kept)
    list_key(pair, ended, erase=True)
    found = carry(pair, KeyErrand(put={ID: kept.key, ended.id: ended.key}))
    assert found.ids == {ID, ended.id}
    found = carry(pair, KeyErrand(erase=[ID, ended.id]))
    assert (set(found.ids), set(found.gone)) == ({ID}, {ended.id})
    # What was destroyed is not taken again.
    found = carry(pair, KeyErrand(put={ended.id: ended.key}))
    assert (set(found.ids), set(found.gone)) == ({ID}, {ended.id})


def test_a_primary_that_is_not_agreed_on_ends_nothing(pair: Pair) -> None:
    ended = EvidenceKey(ID, keys.new_key())
    list_key(pair, ended, erase=True)
    carry(pair, KeyErrand(put={ID: ended.key}))
    pair.shipper.memberships.append(pair.shipper.memberships[0])
    assert carry(pair, KeyErrand(erase=[ID])).ids == {ID}
    pair.shipper.memberships.pop()
    assert carry(pair, KeyErrand(erase=[ID])).ids == frozenset()


def test_only_the_machine_that_ships_is_answered(pair: Pair) -> None:
    key = keys.new_key()
    carry(pair, KeyErrand(put={ID: key}))
    wrong = messages.KeysGet(epoch=pair.shipper.epoch - 1, ids=[ID])
    assert isinstance(ask(pair, wrong), messages.Superseded)
    assert isinstance(ask(pair, messages.KeysGet(epoch=1, ids=[ID])), messages.KeysPut)
    pair.shipper.call(pair.link.close())
    until(lambda: pair.reed.reed.primary is None)
    for asked in (
        messages.KeysGet(epoch=1, ids=[ID]),
        messages.KeysErase(epoch=1, ids=[ID]),
        messages.KeysPut(epoch=1, keys={}),
    ):
        assert isinstance(ask(pair, asked), messages.Superseded)
    assert there(pair).find(ID) == key


def ask(pair: Pair, question: messages.Message) -> messages.Message:
    """What the reed answers to that."""

    async def converse() -> messages.Message:
        line = await wire.call(pair.identity, pair.machine, 1, "evidence")
        try:
            async with asyncio.timeout(20):
                await line.send(question)
                return (await line.receive())[0]
        finally:
            line.close()
            with suppress(OSError):
                await line.writer.wait_closed()

    return asyncio.run(converse())


def test_a_key_for_another_machine_is_refused(pair: Pair) -> None:
    elsewhere = seal_key(pair.identity.sealing_public, ID, keys.new_key())
    answer = ask(pair, messages.KeysPut(epoch=1, keys={ID: elsewhere}))
    assert isinstance(answer, messages.Refusal) and there(pair).list_ids() == []


def test_an_older_reed_is_not_reached_and_goes_on_following(pair: Pair) -> None:
    pair.reed.reed.evidence = None
    with pytest.raises(NotReached):
        carry(pair, KeyErrand())
    list_key(pair, EvidenceKey(ID, keys.new_key()))
    assert pair.link.live
