"""What to do for a site, the most useful first: a pure judgement of its facts."""

from collections.abc import Callable
from typing import Final, Literal

from roseau.kernel import clock
from roseau.survival.watching.facts import Facts

ToDo = Literal[
    "demote", "save_again", "wake_reed", "mend_media", "renew_certificate", "mend_backup", "mend_vault",
    "add_standby", "write_recovery_key", "prove_recovery_key", "set_up_backup", "prove_backup",
    "set_up_mail", "mend_rehearsal", "rehearse", "make_room", "renew_domain", "second_owner",
    "second_store", "mend_delivery", "set_up_dns",
]  # fmt: skip

#: A rehearsal says something for a season, a certificate is renewed a month before its end, a domain too.
REHEARSED: Final = 90 * clock.DAY
CERTIFICATE: Final = 14 * clock.DAY
DOMAIN: Final = 30 * clock.DAY
PROOF: Final = 3 * clock.DAY
FULL_SOON: Final = 30 * clock.DAY
LOW: Final = 10


def _ends_within(facts: Facts, name: str, span: int) -> bool:
    found = facts.dependencies.get(name)
    return found is not None and found.until is not None and found.until - facts.now < span


def _is_bad(facts: Facts, name: str) -> bool:
    found = facts.dependencies.get(name)
    return found is not None and found.state == "bad"


def _is_backed_up(facts: Facts) -> bool:
    return bool(facts.backup_folder or facts.vaults)


def _is_unproven(facts: Facts) -> bool:
    proven = facts.backups.proven_since
    return bool(facts.backup_folder) and (proven is None or facts.now - proven > PROOF)


def _is_full_soon(facts: Facts) -> bool:
    room = facts.room
    forecast = room.full_at is not None and room.full_at - facts.now < FULL_SOON
    return forecast or room.free * LOW < room.total


def _is_rehearsed(facts: Facts) -> bool:
    last = facts.rehearsal
    return last is not None and facts.now - last.at < REHEARSED


# In this order: what stands higher saves more, or is sooner.
_RULES: Final[tuple[tuple[ToDo, Callable[[Facts], bool]], ...]] = (
    ("demote", lambda facts: facts.condition == "superseded"),
    ("save_again", lambda facts: facts.condition == "refused"),
    ("wake_reed", lambda facts: facts.condition == "reed_missing"),
    ("mend_media", lambda facts: facts.media_lost > 0),
    ("renew_certificate", lambda facts: _is_bad(facts, "certificate")),
    ("mend_backup", lambda facts: bool(facts.backups.error)),
    ("mend_vault", lambda facts: any(vault.state == "away" for vault in facts.vaults)),
    ("add_standby", lambda facts: facts.ships and facts.condition == "alone"),
    ("write_recovery_key", lambda facts: facts.recovery == "missing"),
    ("prove_recovery_key", lambda facts: facts.recovery == "unproven"),
    ("set_up_backup", lambda facts: not _is_backed_up(facts)),
    ("prove_backup", _is_unproven),
    ("set_up_mail", lambda facts: not facts.sends_mail),
    ("mend_rehearsal", lambda facts: facts.rehearsal is not None and not facts.rehearsal.passed),
    ("rehearse", lambda facts: bool(facts.standing.counted) and not _is_rehearsed(facts)),
    ("make_room", _is_full_soon),
    ("renew_certificate", lambda facts: _ends_within(facts, "certificate", CERTIFICATE)),
    ("renew_domain", lambda facts: _ends_within(facts, "domain", DOMAIN)),
    ("second_owner", lambda facts: facts.owners < 2),
    ("second_store", lambda facts: facts.media_stores < 2 and not facts.standing.reeds),
    ("mend_delivery", lambda facts: facts.failed() > 0),
    ("set_up_dns", lambda facts: bool(facts.standing.counted) and not facts.dns_hook),
)


def list_to_do(facts: Facts) -> list[ToDo]:
    """What there is to do; empty when all is well."""
    found = [name for name, holds in _RULES if holds(facts)]
    return list(dict.fromkeys(found))
