"""What the control room tells to do: each lack is found, put in order, and said in words."""

from typing import Any

import pytest

from roseau.kernel import clock
from roseau.survival.history import NIGHTLY, Backup
from roseau.survival.standing import Standing
from roseau.survival.vault.standing import VaultStanding
from roseau.survival.watching.backup_facts import BackupFacts
from roseau.survival.watching.dependencies import Dependency
from roseau.survival.watching.facts import Facts, Queue, Room
from roseau.survival.watching.rehearsals import Rehearsal
from roseau.survival.watching.todo import ToDo, list_to_do
from roseau.web.pages.control_room_words import Say, say_headline, say_tasks
from tests.web.reeds import HOLDING

GB = 10**9
NOW = 1_795_348_800_000


def facts(**given: Any) -> Facts:
    """A site on which nothing is left to do, but for what is given."""
    now = NOW
    well: dict[str, Any] = {
        "now": now,
        "standing": HOLDING,
        "condition": "holding",
        "rehearsal": Rehearsal(now - clock.DAY, "host-loss", 4, 0, True, ""),
        "backups": BackupFacts(now, [], [], now, now),
        "owners": 2,
        "recovery": "proven",
        "room": Room(100 * GB, 50 * GB, None, None),
        "sends_mail": True,
        "backup_folder": "/backups",
        "media_stores": 2,
        "dns_hook": True,
    }
    return Facts(**(well | given))


FAILED = Backup(1, NIGHTLY, "/backups", NOW, NOW, 0, None, "The disk is full.", "")


def dependency(name: str, state: Any, days: int | None) -> dict[str, Any]:
    until = None if days is None else NOW + days * clock.DAY
    return {"dependencies": {name: Dependency(name, state, until, "expired", NOW)}}


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"condition": "superseded"}, "demote"),
        ({"condition": "refused"}, "save_again"),
        ({"condition": "reed_missing"}, "wake_reed"),
        ({"condition": "alone", "standing": Standing()}, "add_standby"),
        ({"backups": BackupFacts(NOW, [FAILED], [], NOW, NOW)}, "mend_backup"),
        ({"recovery": "missing"}, "write_recovery_key"),
        ({"recovery": "unproven"}, "prove_recovery_key"),
        ({"backup_folder": ""}, "set_up_backup"),
        ({"backups": BackupFacts(NOW, [], [], None, NOW - 4 * clock.DAY)}, "prove_backup"),
        ({"sends_mail": False}, "set_up_mail"),
        ({"rehearsal": None}, "rehearse"),
        ({"rehearsal": Rehearsal(NOW - 91 * clock.DAY, "", 4, 0, True, "")}, "rehearse"),
        ({"rehearsal": Rehearsal(NOW, "", 4, 1, False, "A post is missing.")}, "mend_rehearsal"),
        ({"room": Room(100 * GB, 9 * GB, None, None)}, "make_room"),
        ({"room": Room(100 * GB, 50 * GB, None, NOW + 20 * clock.DAY)}, "make_room"),
        (dependency("certificate", "bad", None), "renew_certificate"),
        (dependency("certificate", "good", 13), "renew_certificate"),
        (dependency("domain", "good", 29), "renew_domain"),
        ({"owners": 1}, "second_owner"),
        ({"queues": [Queue("mail", 0, 2)]}, "mend_delivery"),
        ({"dns_hook": False}, "set_up_dns"),
        ({"media_lost": 2, "media_checked_at": NOW}, "mend_media"),
        ({"vaults": [VaultStanding(place="/v", state="away", reason="No.")]}, "mend_vault"),
    ],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_lack_is_something_to_do(given: dict[str, Any], first: ToDo, language: str) -> None:
    found = facts(**given)
    assert list_to_do(found) == [first]
    say = Say(language, "Europe/Paris")
    task = say_tasks(say, found, [first])[0]
    assert task.title and (task.name, task.title) == (first, task.title.strip())
    assert "%(" not in task.title + task.sentence
    assert say_headline(say, found).heading


def test_where_all_is_well_nothing_is_to_do() -> None:
    assert list_to_do(facts()) == []
    for days in (14, 400):
        assert list_to_do(facts(**dependency("certificate", "good", days))) == []


def test_the_gravest_comes_first() -> None:
    everything = facts(
        condition="refused", recovery="missing", owners=1, dns_hook=False, rehearsal=None, backup_folder=""
    )
    assert list_to_do(everything) == [
        "save_again", "write_recovery_key", "set_up_backup", "rehearse", "second_owner", "set_up_dns",
    ]  # fmt: skip
