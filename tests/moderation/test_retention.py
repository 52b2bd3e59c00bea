"""Who sent a notice is forgotten when nothing needs it any more, and not before."""

from typing import Any

import pytest

from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.cases.working import see_case
from roseau.domain.moderation.notices.retention import KEPT, LOOKS_KEPT, forget_persons
from roseau.domain.moderation.notices.snapshots import open_snapshot
from roseau.domain.moderation.statements.deliveries import PERSISTENCE
from tests.moderation.acting import decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.reasons import change

pytestmark = pytest.mark.anyio

EVE = ("Eve", "eve@out.example")
KNOWN = "SELECT contact IS NOT NULL, original IS NOT NULL FROM notices ORDER BY id"


def forget(server: Any) -> list[Any]:
    server.database.write_now(forget_persons)
    return rows(server, KNOWN)


async def test_senders_are_forgotten_when_nobody_can_appeal(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    closed = report(server, None, status, contact=EVE, original=b"Subject: look", channel="mail")
    report(server, None, make_post(server, cast.ada, "open"), contact=EVE)
    decide_on(server, mona, closed.case_ids[0], remove(status))
    at(60)
    await worker.settle()
    at(KEPT / 1000)
    assert forget(server)[0] == (True, True)
    at(KEPT / 1000 + 3600)
    # The second notice is still open, however old it is.
    assert forget(server) == [(False, False), (True, False)]


async def test_an_appeal_that_waits_keeps_the_sender(server: Any, cast: Any, worker: Any, at: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, None, status, contact=EVE)
    decided = decide_on(server, mona, filed.case_ids[0])
    at(60)
    await worker.settle()
    draft = AppealDraft(decision_id=decided.decision_id, text="Look again.", notice_number=filed.number)
    server.database.write_now(file_appeal, server.site, draft)
    at(KEPT / 1000 + 3600)
    assert forget(server) == [(True, False)]


async def test_what_is_preserved_for_authorities_keeps_the_sender(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, None, status, contact=EVE, reason="threat_to_life")
    decide_on(server, mona, filed.case_ids[0], remove(status))
    at(60)
    await worker.settle()
    at(KEPT / 1000 + 3600)
    assert forget(server) == [(True, False)]
    ended = "UPDATE evidence_keys SET erase_asked_at = 1 WHERE case_id IS NOT NULL"
    change(server, ended)
    assert forget(server) == [(False, False)]


async def test_an_address_that_no_letter_reaches_is_forgotten(server: Any, cast: Any, at: Any) -> None:
    report(server, None, make_post(server, cast.ada), contact=EVE)
    count = "SELECT count(*) FROM deliveries WHERE address IS NOT NULL"
    assert value(server, count) == 1
    at(2 * PERSISTENCE / 1000 - 60)
    forget(server)
    assert value(server, count) == 1
    at(2 * PERSISTENCE / 1000 + 60)
    forget(server)
    assert value(server, count) == 0


async def test_looks_and_viewers_have_an_end(server: Any, cast: Any, at: Any) -> None:
    mona = make_moderator(cast)
    case_id = report(server, cast.bob, make_post(server, cast.ada)).case_ids[0]
    snapshot_id = value(server, "SELECT id FROM snapshots")
    server.database.write_now(see_case, server.site, mona.id, case_id)
    server.database.write_now(open_snapshot, server.site, mona.id, snapshot_id, case_id)
    at(86400 + 60)
    forget(server)
    assert rows(server, "SELECT count(*) FROM case_viewers") == [(0,)]
    assert rows(server, "SELECT count(*) FROM evidence_looks") == [(1,)]
    at(LOOKS_KEPT / 1000 + 60)
    forget(server)
    assert rows(server, "SELECT count(*) FROM evidence_looks") == [(0,)]
    assert rows(server, "SELECT count(*) FROM moderation_log WHERE kind = 'look'") == [(1,)]
