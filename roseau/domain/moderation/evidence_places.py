"""Where evidence keys are: which machine has which, and which has destroyed it; written by the primary."""

import msgspec
from sqlalchemy import bindparam, func, select, update

from roseau.domain.moderation.evidence import Held
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.notices import evidence_keys
from roseau.storage.schema.survival import machines
from roseau.storage.statements import statement

_all = statement(
    select(
        evidence_keys.c.id,
        evidence_keys.c.digest,
        evidence_keys.c.erase_asked_at,
        evidence_keys.c.erased_at,
        evidence_keys.c.machines,
    )
)
_one = statement(
    select(evidence_keys.c.machines, evidence_keys.c.erase_asked_at, evidence_keys.c.erased_at).where(
        evidence_keys.c.id == bindparam("wanted")
    )
)
_note = statement(
    update(evidence_keys)
    .where(evidence_keys.c.id == bindparam("wanted"))
    .values(machines=bindparam("held"), erased_at=bindparam("done_at"))
)
_listed = statement(select(machines.c.id, machines.c.name, machines.c.left_at))
_waiting = statement(
    select(func.count()).where(
        evidence_keys.c.erase_asked_at.is_not(None), evidence_keys.c.erased_at.is_(None)
    )
)
_overdue = statement(
    select(func.count()).where(
        evidence_keys.c.erase_asked_at < bindparam("before"), evidence_keys.c.erased_at.is_(None)
    )
)


class Key(msgspec.Struct, frozen=True):
    """A key, as the database knows it: whether it is to be destroyed, and who has it."""

    id: str
    digest: str
    erase: bool
    places: dict[str, Held]

    def is_at(self, machine_id: str) -> bool:
        """Whether that machine had it and has not said that it destroyed it."""
        held = self.places.get(machine_id)
        return held is not None and held.erased_at is None


class Outstanding(msgspec.Struct, frozen=True):
    """A machine that had a key and has not said that it destroyed it. `left`: it is none of the site's."""

    machine_id: str
    name: str
    left: bool


def list_keys(tx: Transaction) -> list[Key]:
    """Every key that ever was."""
    return [
        Key(row.id, row.digest, row.erase_asked_at is not None, _decode(row.machines)) for row in tx.all(_all)
    ]


def count_waiting(tx: Transaction) -> int:
    """How many keys some machine has still to destroy."""
    return int(tx.value(_waiting))


def count_overdue(tx: Transaction) -> int:
    """The same of keys whose destruction was asked for more than a day ago."""
    return int(tx.value(_overdue, before=tx.now - clock.DAY))


def note_held(tx: Transaction, machine_id: str, key_ids: list[str]) -> None:
    """A machine has these keys, or gets them at this moment."""
    for key_id in key_ids:
        row = tx.one(_one, wanted=key_id)
        if row is not None:
            places = _decode(row.machines)
            known = places.get(machine_id)
            if known is None or known.erased_at is not None:
                places[machine_id] = Held(tx.now)
                tx.run(_note, wanted=key_id, held=_encode(places), done_at=None)


def note_destroyed(tx: Transaction, site: Site, machine_id: str, key_ids: list[str]) -> None:
    """A machine says that it has these keys no more. Only of keys that are to be destroyed."""
    for key_id in key_ids:
        row = tx.one(_one, wanted=key_id)
        if row is None or row.erase_asked_at is None:
            continue
        places = _decode(row.machines)
        known = places.get(machine_id)
        if known is not None and known.erased_at is None:
            known.erased_at = tx.now
            tx.run(_note, wanted=key_id, held=_encode(places), done_at=row.erased_at)
    settle_erasures(tx, site)


def settle_erasures(tx: Transaction, site: Site) -> None:
    """Note as erased what every machine of the site that had it has destroyed."""
    for row in tx.all(_all):
        waits = row.erase_asked_at is not None and row.erased_at is None
        if waits and all(one.left for one in list_outstanding(tx, site, row.id)):
            tx.run(_note, wanted=row.id, held=row.machines, done_at=tx.now)


def list_outstanding(tx: Transaction, site: Site, key_id: str) -> list[Outstanding]:
    """Who had a key and has not said that it destroyed it. One that was removed may keep it for ever."""
    row = tx.one(_one, wanted=key_id)
    if row is None:
        return []
    listed = {one.id: one for one in tx.all(_listed)}
    own = site.evidence_keys.machine_id
    found = []
    for machine_id, held in _decode(row.machines).items():
        if held.erased_at is None:
            machine = listed.get(machine_id)
            left = machine_id != own and (machine is None or machine.left_at is not None)
            found.append(Outstanding(machine_id, machine.name if machine else machine_id, left))
    return found


def _decode(text: str) -> dict[str, Held]:
    return msgspec.json.decode(text, type=dict[str, Held])


def _encode(places: dict[str, Held]) -> str:
    return msgspec.json.encode(places).decode()
