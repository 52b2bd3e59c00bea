"""The machines and epochs of a site, as its database lists them. The rows travel with the log."""

import base64
from collections.abc import Collection

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from roseau.storage.database import Transaction
from roseau.storage.schema.log import events
from roseau.storage.schema.site import data_keys
from roseau.storage.schema.survival import epochs, log_position, machines
from roseau.storage.statements import insertion, statement, upsert
from roseau.survival.contract import Membership, Position, Reign, to_joint
from roseau.survival.reeds.roster import Machine, MachineRole, Roster

_COLUMNS = "id name address web_address certificate sealing_key role counted paired_at"

#: Why an epoch began, where the operator has said that the members before need not be asked.
FORCED, RESTORED = "forced", "restored"
UNASKED = (FORCED, RESTORED)

_position = statement(select(log_position.c.epoch, log_position.c.number))
_mark = statement(select(log_position.c.mark))
_set_epoch = statement(update(log_position).values(epoch=bindparam("new_epoch")))
_reigns = statement(select(epochs.c.epoch, epochs.c.after_number).order_by(epochs.c.epoch))
_needed = statement(select(epochs.c.needed).order_by(epochs.c.epoch.desc()).limit(1))
_begin = insertion(epochs, "epoch primary_id after_number after_event needed members reason started_at")
_memberships = statement(
    select(epochs.c.epoch, epochs.c.needed, epochs.c.members, epochs.c.reason)
    .order_by(epochs.c.epoch.desc())
    .limit(2)
)
_last_event = statement(select(func.coalesce(func.max(events.c.seq), 0)))
_after_event = statement(select(epochs.c.after_event).where(epochs.c.epoch == bindparam("wanted")))
_machines = statement(
    select(
        machines.c.id,
        machines.c.name,
        machines.c.address,
        machines.c.web_address,
        machines.c.certificate,
        machines.c.sealing_key,
        machines.c.role,
        machines.c.counted,
    )
    .where(machines.c.left_at.is_(None))
    .order_by(machines.c.paired_at, machines.c.id)
)
_keep = statement(
    upsert(machines)
    .values({name: bindparam(name) for name in _COLUMNS.split()})
    .on_conflict_do_update(
        index_elements=["id"],
        set_={
            **{name: upsert(machines).excluded[name] for name in _COLUMNS.split() if name != "paired_at"},
            "left_at": None,
        },
    )
)
_leave = statement(
    update(machines)
    .where(machines.c.id == bindparam("wanted"))
    .values(left_at=bindparam("at"), counted=False)
)
_unwrap = statement(delete(data_keys).where(data_keys.c.holder == bindparam("wanted")))


def find_position(tx: Transaction) -> Position:
    """How far this copy of the database has come."""
    row = tx.one(_position)
    return Position(row.epoch, row.number) if row is not None else Position(0, 0)


def find_mark(tx: Transaction) -> str:
    """The mark of the last commit."""
    return str(tx.value(_mark) or "")


def list_reigns(tx: Transaction) -> list[Reign]:
    """Where each epoch began in this history."""
    return [Reign(row.epoch, row.after_number) for row in tx.all(_reigns)]


def find_joint(tx: Transaction, primary_id: str) -> Membership | None:
    """Who of the members before the present epoch has to agree to it; None when there were none."""
    rows = tx.all(_memberships)
    if len(rows) < 2 or rows[0].reason in UNASKED:
        return None
    before = rows[1]
    reeds = frozenset(msgspec.json.decode(before.members, type=list[str]))
    joint = to_joint(Membership(before.epoch, reeds, before.needed), primary_id)
    return joint if joint.needed else None


def find_events_before(tx: Transaction, epoch: int) -> int | None:
    """The last event of the log of events when that epoch began."""
    found = tx.value(_after_event, wanted=epoch)
    return None if found is None else int(found)


def load_roster(tx: Transaction, *, automatic: bool, base_url: str) -> Roster:
    """Everybody who has not left."""
    return Roster(
        epoch=find_position(tx).epoch,
        needed=int(tx.value(_needed) or 0),
        automatic=automatic,
        base_url=base_url,
        machines=[
            Machine(
                id=row.id,
                name=row.name,
                address=row.address,
                web_address=row.web_address,
                certificate=base64.b64decode(row.certificate),
                sealing_key=base64.b64decode(row.sealing_key),
                role=row.role,
                counted=bool(row.counted),
            )
            for row in tx.all(_machines)
        ],
    )


def keep_machine(tx: Transaction, machine: Machine) -> None:
    """List a machine, or what has changed about it."""
    tx.run(
        _keep,
        id=machine.id,
        name=machine.name,
        address=machine.address,
        web_address=machine.web_address,
        certificate=base64.b64encode(machine.certificate).decode(),
        sealing_key=base64.b64encode(machine.sealing_key).decode(),
        role=machine.role,
        counted=machine.counted,
        paired_at=tx.now,
    )


def drop_machine(tx: Transaction, machine_id: str) -> None:
    """The machine has left: it is listed no more and holds no key."""
    tx.run(_leave, wanted=machine_id, at=tx.now)
    tx.run(_unwrap, wanted=machine_id)


def begin_epoch(tx: Transaction, membership: Membership, primary_id: str, reason: str) -> None:
    """Write the first commit of a reign: who reigns, and who counts from now on."""
    position = find_position(tx)
    tx.run(_set_epoch, new_epoch=membership.epoch)
    tx.run(
        _begin,
        epoch=membership.epoch,
        primary_id=primary_id,
        after_number=position.number,
        after_event=int(tx.value(_last_event)),
        needed=membership.needed,
        members=msgspec.json.encode(sorted(membership.reeds)).decode(),
        reason=reason,
        started_at=tx.now,
    )
    for machine in load_roster(tx, automatic=False, base_url="").machines:
        machine.counted = machine.id in membership.reeds
        machine.role = _role_in(machine, primary_id)
        keep_machine(tx, machine)


def _role_in(machine: Machine, primary_id: str) -> MachineRole:
    if machine.id == primary_id:
        return "primary"
    if machine.role == "primary":
        return "former"
    return "reed" if machine.counted and machine.role == "joining" else machine.role


def name_is_free(tx: Transaction, name: str, but: Collection[str] = ()) -> bool:
    """Whether no other machine has that name."""
    return all(row.name != name or row.id in but for row in tx.all(_machines))
