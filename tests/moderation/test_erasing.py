"""Evidence is not erased while somebody may need it, unless somebody says why, and that is kept."""

from typing import Any

import pytest

from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.desk.orders import OrderDraft, file_order
from roseau.domain.moderation.erasing import StillNeeded, erase_case
from roseau.domain.moderation.evidence import preserve_case
from roseau.domain.moderation.log import list_entries
from roseau.domain.moderation.vocabulary import APPEAL
from roseau.kernel import clock
from tests.moderation.acting import WHY, decide_on, make_moderator, make_post, remove, report, rows, value

pytestmark = pytest.mark.anyio


def key_of(server: Any, case_id: int) -> str:
    """The key of the case."""
    return str(value(server, "SELECT id FROM evidence_keys WHERE case_id = :case", case=case_id))


def erase(server: Any, cast: Any, case_id: int, why: str = "") -> None:
    """Erase what is preserved for a case, as the owner."""
    server.database.write_now(erase_case, server.site, cast.olga.id, key_of(server, case_id), force=why)


def refusal(server: Any, cast: Any, case_id: int) -> str:
    """Why it is not erased."""
    with pytest.raises(StillNeeded) as refused:
        erase(server, cast, case_id)
    assert value(server, "SELECT count(*) FROM snapshots WHERE erased_at IS NOT NULL") == 0
    return str(refused.value)


async def test_it_is_kept_until_the_case_and_its_appeals_are_over(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status_id = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status_id, reason="threat_to_life").case_ids[0]
    assert "its case is open" in refusal(server, cast, case_id)
    decided = decide_on(server, mona, case_id, remove(status_id))
    at(60)
    await worker.settle()
    assert "can still be appealed" in refusal(server, cast, case_id)
    draft = AppealDraft(decision_id=decided.decision_id, text="It was a joke.", account_id=cast.ada.id)
    server.database.write_now(file_appeal, server.site, draft)
    assert "an appeal waits" in refusal(server, cast, case_id)


async def test_it_is_erased_when_nobody_can_appeal_any_more(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status_id = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status_id, reason="threat_to_life").case_ids[0]
    decide_on(server, mona, case_id, remove(status_id))
    far = APPEAL + 400 * clock.DAY
    server.database.write_now(preserve_case, server.site, case_id, until=clock.now() + far)
    at(60)
    await worker.settle()
    at(APPEAL / 1000 + 3600)
    erase(server, cast, case_id)
    assert value(server, "SELECT count(*) FROM snapshots WHERE erased_at IS NOT NULL") == 1


async def test_an_order_preserves_for_its_time(server: Any, cast: Any, worker: Any) -> None:
    link = f"https://roseau.test/@ada/{make_post(server, cast.ada)}"
    draft = OrderDraft(kind="preservation", authority="A court", text=f"Keep {link}", uris=(link,))
    server.database.write_now(file_order, server.site, cast.olga.id, draft)
    case_id = value(server, "SELECT case_id FROM authority_orders")
    change = f"UPDATE cases SET state = 'closed', closed_at = 1 WHERE id = {case_id}"
    server.database.write_now(lambda tx: tx.script(change))
    assert "an order of an authority preserves it" in refusal(server, cast, case_id)


async def test_who_does_it_all_the_same_says_why_and_it_is_kept(server: Any, cast: Any) -> None:
    case_id = report(server, cast.bob, make_post(server, cast.ada), reason="threat_to_life").case_ids[0]
    assert "its case is open" in refusal(server, cast, case_id)
    with pytest.raises(StillNeeded):
        erase(server, cast, case_id, "   ")
    erase(server, cast, case_id, WHY)
    [(by, text)] = rows(server, "SELECT account_id, text FROM case_events WHERE kind = 'erased'")
    assert (by, text) == (cast.olga.id, WHY)
    [entry] = [one for one in server.database.read_now(list_entries, 0, 1000) if one.kind == "erased"]
    assert '"needed":["open"]' in entry.body and WHY not in entry.body
