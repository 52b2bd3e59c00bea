"""Evidence under keys of its own: sealed from the beginning or anew, opened, lengthened, and its media."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.erasing import erase_case
from roseau.domain.moderation.evidence import (
    SPARES,
    Erased,
    KeyMissing,
    extend,
    find_key,
    find_or_plan_key,
    list_spares,
    open_evidence,
    preserve_case,
    snapshot_name,
)
from roseau.domain.moderation.evidence_places import list_keys, list_outstanding, note_held
from roseau.domain.moderation.notices.snapshots import open_snapshot
from roseau.domain.moderation.vocabulary import PRESERVE
from roseau.doors.evidence import preserve, settle_keys
from roseau.doors.server import Server
from roseau.kernel import clock, keys
from roseau.kernel.errors import Forbidden
from roseau.storage.evidence_keys import EvidenceKeys
from roseau.worker import Worker
from tests.conftest import Cast
from tests.moderation.acting import WHY, make_moderator, make_post, report, rows, value

pytestmark = pytest.mark.anyio

TEXT = "I know where she lives, and tonight she will see."


def case_of(server: Server, cast: Cast, reason: str = "threat_to_life") -> int:
    """A case about a post of Ada's, from a notice of Bob's."""
    filed = report(server, cast.bob, make_post(server, cast.ada, TEXT), reason=reason)
    return filed.case_ids[0]


def open_first(server: Server, case_id: int) -> bytes:
    """What the snapshot of a case holds."""
    [row] = rows(
        server,
        "SELECT hash, content, key_id FROM snapshots WHERE id IN"
        " (SELECT snapshot_id FROM notice_items WHERE case_id = :case_id)",
        case_id=case_id,
    )

    def read(tx: Any) -> bytes:
        return open_evidence(tx, server.site, snapshot_name(row[0]), row[1], row[2])

    return server.database.read_now(read)


def key_of(server: Server, case_id: int) -> str:
    """The id of a case's key."""
    found = server.database.read_now(find_key, server.site, case_id)
    assert found is not None
    return found.id


async def test_danger_to_life_is_sealed_under_a_key_of_its_own_from_the_beginning(
    server: Server, cast: Cast
) -> None:
    await settle_keys(server)
    case_id = case_of(server, cast)
    key_id = key_of(server, case_id)
    assert value(server, "SELECT key_id FROM snapshots") == key_id
    assert TEXT.encode() in open_first(server, case_id)
    content = bytes(value(server, "SELECT content FROM snapshots"))
    digest = value(server, "SELECT hash FROM snapshots")
    with pytest.raises(keys.Unsealable):
        keys.unseal(server.site.data_key, snapshot_name(digest), content)


async def test_an_ordinary_case_takes_no_key_until_it_is_preserved(server: Server, cast: Cast) -> None:
    await settle_keys(server)
    case_id = case_of(server, cast, "harassment")
    assert value(server, "SELECT key_id FROM snapshots") == ""
    assert server.database.read_now(find_key, server.site, case_id) is None
    key_id = await preserve(server, case_id, reason="order")
    assert value(server, "SELECT key_id FROM snapshots") == key_id
    assert TEXT.encode() in open_first(server, case_id)
    assert await preserve(server, case_id) == key_id
    logged = [
        json.loads(row[0]) for row in rows(server, "SELECT body FROM moderation_log WHERE kind = 'preserved'")
    ]
    number = value(server, "SELECT number FROM cases")
    assert [(one["case"], one["key"], one["reason"]) for one in logged] == [(number, key_id, "order")]


async def test_a_worse_notice_seals_what_a_milder_one_brought(server: Server, cast: Cast) -> None:
    status_id = make_post(server, cast.ada, TEXT)
    first = report(server, cast.bob, status_id, reason="spam")
    second = report(server, cast.zoe, status_id, reason="terrorism")
    assert first.case_ids == second.case_ids
    assert {row[0] for row in rows(server, "SELECT key_id FROM snapshots")} == {
        key_of(server, first.case_ids[0])
    }


async def test_many_at_once_take_spares_and_then_new_keys(server: Server, cast: Cast) -> None:
    await settle_keys(server)
    assert len(server.database.read_now(list_spares)) == SPARES
    cases = [case_of(server, cast) for _ in range(SPARES + 2)]
    found = [key_of(server, case_id) for case_id in cases]
    assert len(set(found)) == SPARES + 2
    assert server.database.read_now(list_spares) == []
    for case_id in cases:
        assert TEXT.encode() in open_first(server, case_id)


async def test_a_used_spare_is_replaced_by_a_job(server: Server, cast: Cast, worker: Worker) -> None:
    await settle_keys(server)
    case_of(server, cast)
    assert len(server.database.read_now(list_spares)) == SPARES - 1
    await worker.settle()
    assert len(server.database.read_now(list_spares)) == SPARES


async def test_without_its_key_evidence_is_missing_and_comes_back_with_it(server: Server, cast: Cast) -> None:
    case_id = case_of(server, cast)
    path = server.folder / "evidence" / f"{key_of(server, case_id)}.key"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(KeyMissing):
        open_first(server, case_id)
    # A key that is missing is not an erasure: nobody is asked to destroy anything.
    await settle_keys(server)
    assert not any(key.erase for key in server.database.read_now(list_keys))
    path.write_bytes(kept)
    assert TEXT.encode() in open_first(server, case_id)


async def test_a_case_whose_key_is_missing_gets_another(server: Server, cast: Cast) -> None:
    case_id = case_of(server, cast)
    first = key_of(server, case_id)
    (server.folder / "evidence" / f"{first}.key").unlink()
    second = server.database.write_now(find_or_plan_key, server.site, case_id).id
    assert second != first


async def test_it_is_erased_when_its_time_is_over(
    server: Server, cast: Cast, worker: Worker, at: Callable[[float], None]
) -> None:
    case_id = case_of(server, cast)
    key_id = key_of(server, case_id)
    server.database.write_now(close, case_id)
    at(PRESERVE / 1000 - 60)
    await worker.settle()
    assert TEXT.encode() in open_first(server, case_id)
    at(PRESERVE / 1000 + 1)
    await worker.settle()
    with pytest.raises(Erased):
        open_first(server, case_id)
    assert server.site.evidence_keys.is_gone(key_id)
    assert not (server.folder / "evidence" / f"{key_id}.key").exists()
    assert value(server, "SELECT erased_at FROM evidence_keys WHERE id = :key", key=key_id)
    assert value(server, "SELECT content FROM snapshots") is None
    assert value(server, "SELECT count(*) FROM moderation_log WHERE kind = 'erased'") == 1


def close(tx: Any, case_id: int) -> None:
    """The case is over."""
    tx.script(f"UPDATE cases SET state = 'closed' WHERE id = {case_id}")


async def test_an_open_case_keeps_its_evidence(
    server: Server, cast: Cast, worker: Worker, at: Callable[[float], None]
) -> None:
    case_id = case_of(server, cast)
    at(PRESERVE / 1000 + 1)
    await worker.settle()
    assert TEXT.encode() in open_first(server, case_id)
    server.database.write_now(close, case_id)
    at((PRESERVE + clock.DAY) / 1000 + 2)
    await worker.settle()
    with pytest.raises(Erased):
        open_first(server, case_id)


async def test_it_can_be_kept_longer_and_never_shorter(
    server: Server, cast: Cast, worker: Worker, at: Callable[[float], None]
) -> None:
    case_id = case_of(server, cast)
    key_id = key_of(server, case_id)
    server.database.write_now(close, case_id)
    until = value(server, "SELECT preserve_until FROM evidence_keys WHERE id = :key", key=key_id)
    server.database.write_now(extend, key_id, until + clock.DAY)
    server.database.write_now(extend, key_id, until - clock.DAY)
    at(PRESERVE / 1000 + 60)
    await worker.settle()
    assert TEXT.encode() in open_first(server, case_id)
    at((PRESERVE + clock.DAY) / 1000 + 60)
    await worker.settle()
    with pytest.raises(Erased):
        open_first(server, case_id)
    with pytest.raises(Erased):
        server.database.write_now(extend, key_id, until + 2 * clock.DAY)


async def test_what_another_preserved_case_needs_outlives_the_first(
    server: Server, cast: Cast, worker: Worker
) -> None:
    status_id = make_post(server, cast.ada, TEXT)
    letters = [
        report(server, None, status_id, channel="host_letter", source=f"host{number}") for number in (1, 2)
    ]
    one, other = (letter.case_ids[0] for letter in letters)
    assert one != other and value(server, "SELECT count(*) FROM snapshots") == 1
    server.database.write_now(erase_case, server.site, cast.olga.id, key_of(server, one), force=WHY)
    await worker.settle()
    assert value(server, "SELECT key_id FROM snapshots") == key_of(server, other)
    assert TEXT.encode() in open_first(server, other)
    server.database.write_now(erase_case, server.site, cast.olga.id, key_of(server, other), force=WHY)
    with pytest.raises(Erased):
        open_first(server, other)


async def test_it_is_erased_when_every_machine_has_said_so(
    server: Server, cast: Cast, worker: Worker
) -> None:
    key_id = key_of(server, case_of(server, cast))
    server.database.write_now(list_machine, "garden", None)
    server.database.write_now(list_machine, "attic", clock.now())
    for name in ("garden", "attic"):
        server.database.write_now(note_held, name, [key_id])
    server.database.write_now(erase_case, server.site, cast.olga.id, key_id, force=WHY)
    await worker.settle()
    assert value(server, "SELECT erased_at FROM evidence_keys WHERE id = :key", key=key_id) is None
    waiting = server.database.read_now(list_outstanding, server.site, key_id)
    assert sorted((one.name, one.left) for one in waiting) == [("attic", True), ("garden", False)]
    # It is removed from the site, and may keep the key for ever: that is said.
    server.database.write_now(lambda tx: tx.script("UPDATE machines SET left_at = 1"))
    await settle_keys(server)
    assert value(server, "SELECT erased_at FROM evidence_keys WHERE id = :key", key=key_id)
    assert len(server.database.read_now(list_outstanding, server.site, key_id)) == 2


def list_machine(tx: Any, name: str, left_at: int | None) -> None:
    """A machine in the list; its id is its name."""
    tx.script(
        "INSERT INTO machines"
        " (id, name, address, certificate, sealing_key, role, counted, paired_at, left_at)"
        f" VALUES ('{name}', '{name}', '', '', '', 'reed', false, 1, {left_at or 'NULL'})"
    )


async def test_an_empty_folder_erases_nothing_elsewhere(server: Server, cast: Cast, tmp_path: Path) -> None:
    """A site that was restored from a backup knows its keys by name only."""
    case_id = case_of(server, cast)
    for path in (server.folder / "evidence").iterdir():
        path.rename(tmp_path / path.name)
    await settle_keys(server)
    assert EvidenceKeys(server.folder).list_gone() == []
    assert not any(key.erase for key in server.database.read_now(list_keys))
    # What lies ready no more is replaced.
    assert len(EvidenceKeys(server.folder).list_ids()) == SPARES
    with pytest.raises(KeyMissing):
        open_first(server, case_id)


async def test_what_comes_after_an_erasure_gets_another_key(server: Server, cast: Cast) -> None:
    case_id = case_of(server, cast)
    key_id = key_of(server, case_id)
    server.database.write_now(erase_case, server.site, None, key_id, force=WHY)
    # Erased for good: what comes later gets a key of its own.
    again = server.database.write_now(preserve_case, server.site, case_id)
    assert again != key_id


# What was taken away


def remove(server: Server, by: int, case_id: int, status_id: int) -> int:
    """Remove a post for good reason; the decision."""
    measure = MeasureDraft(kind="remove", status_id=status_id)
    draft = DecisionDraft(ground="law", law="Penal code", facts="A threat.", measures=(measure,))
    return server.database.write_now(decide, server.site, by, case_id, draft).decision_id


def text_of(server: Server, status_id: int) -> str:
    """What the post says now."""
    return str(value(server, "SELECT text FROM statuses WHERE id = :id", id=status_id))


async def test_what_is_removed_in_a_preserved_case_lies_under_its_key(server: Server, cast: Cast) -> None:
    mona = make_moderator(cast)
    status_id = make_post(server, cast.ada, TEXT)
    case_id = report(server, cast.bob, status_id, reason="threat_to_life").case_ids[0]
    decision_id = remove(server, mona.id, case_id, status_id)
    assert value(server, "SELECT key_id FROM quarantine") == key_of(server, case_id)
    assert text_of(server, status_id) == ""
    server.database.write_now(undo, server.site, mona.id, decision_id)
    assert text_of(server, status_id) == TEXT


async def test_what_was_erased_cannot_be_put_back_and_is_not_shown_empty(
    server: Server, cast: Cast, at: Callable[[float], None]
) -> None:
    status_id = make_post(server, cast.ada, TEXT)
    case_id = report(server, cast.bob, status_id, reason="threat_to_life").case_ids[0]
    decision_id = remove(server, make_moderator(cast).id, case_id, status_id)
    server.database.write_now(erase_case, server.site, cast.olga.id, key_of(server, case_id), force=WHY)
    assert bytes(value(server, "SELECT content FROM quarantine")) == b""
    at(60)
    server.database.write_now(reverse, server.site, decision_id, by_id=cast.olga.id, facts="Not so.")
    assert text_of(server, status_id) == ""
    assert value(server, "SELECT hidden_at FROM statuses WHERE id = :id", id=status_id)


async def test_an_order_about_a_post_that_is_removed_already_preserves_what_it_was(
    server: Server, cast: Cast, worker: Worker
) -> None:
    status_id = make_post(server, cast.ada, TEXT)
    case_id = report(server, cast.bob, status_id, reason="harassment").case_ids[0]
    remove(server, make_moderator(cast).id, case_id, status_id)
    assert value(server, "SELECT key_id FROM quarantine") == ""
    order = report(server, None, status_id, channel="authority_order", source="an authority").case_ids[0]
    assert value(server, "SELECT key_id FROM quarantine") == key_of(server, order)
    await worker.settle()


async def test_only_those_who_answer_orders_erase(server: Server, cast: Cast) -> None:
    case_id = case_of(server, cast)
    with pytest.raises(Forbidden):
        server.database.write_now(
            erase_case, server.site, make_moderator(cast).id, key_of(server, case_id), force=WHY
        )
    assert TEXT.encode() in open_first(server, case_id)


async def test_a_look_at_erased_evidence_says_so(server: Server, cast: Cast) -> None:
    case_id = case_of(server, cast)
    snapshot_id = value(server, "SELECT id FROM snapshots")

    def look() -> str:
        found = server.database.write_now(open_snapshot, server.site, cast.olga.id, snapshot_id, case_id)
        return found.content.status.text if found.content.status else ""

    assert look() == TEXT
    assert value(server, "SELECT count(*) FROM evidence_looks") == 1
    server.database.write_now(erase_case, server.site, cast.olga.id, key_of(server, case_id), force=WHY)
    with pytest.raises(Erased):
        look()
    assert value(server, "SELECT count(*) FROM evidence_looks") == 1
