"""Danger to life that nobody ordered anything about: told to an authority from the case (DSA art. 18)."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from roseau.domain.moderation.cases.working import see_case
from roseau.domain.moderation.desk.answers import gather_order_facts, write_answer
from roseau.domain.moderation.desk.disclosures import gather_disclosure, make_disclosure
from roseau.domain.moderation.desk.orders import answer_order, list_orders, load_order, load_order_items
from roseau.domain.moderation.desk.threats import ThreatDraft, report_threat
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid
from tests.conftest import Cast
from tests.moderation.acting import make_moderator, make_post, report, rows, value

pytestmark = pytest.mark.anyio

TOLD = ThreatDraft(authority="Police nationale", text="He names a place and an hour.", reply_to="17")


def threaten(server: Server, cast: Cast, **fields: Any) -> int:
    """Bob writes to Ada alone that he will come for her, and she reports it; the case."""
    assert cast.ada
    post = make_post(server, cast.bob, "@ada tonight at nine", visibility="direct")
    return report(server, cast.ada, post, reason="threat_to_life", **fields).case_ids[0]


def act(server: Server, function: Callable[..., Any], *args: Any) -> Any:
    return server.database.write_now(function, server.site, *args)


async def test_an_authority_is_told_with_all_that_the_case_holds(
    server: Server, cast: Cast, at: Callable[[float], None]
) -> None:
    case_id, olga = threaten(server, cast), cast.olga.id
    act(server, see_case, olga, case_id)
    at(10 * 60)
    order_id = act(server, report_threat, olga, case_id, TOLD)
    order = server.database.read_now(load_order, olga, order_id)
    assert order.own and order.due_at - order.received_at == clock.HOUR
    assert order.received_at == value(server, "SELECT seen_at FROM cases")
    assert order.evidence_key_id and order.preserve_until and order.preserve_until > order.due_at
    site = server.site
    (item,) = server.database.read_now(lambda tx: load_order_items(tx, site, olga, order_id))
    found = act(server, gather_disclosure, olga, order_id, [item.id])
    pack = make_disclosure(found, "fr")
    with zipfile.ZipFile(io.BytesIO(pack.archive)) as archive:
        said = msgspec.json.decode(archive.read("disclosure.json"))
    # What was written to one person alone is in it as that person saw it.
    assert said["items"][0]["content"]["status"]["text"] == "@ada tonight at nine"
    assert said["accounts"][0]["username"] == "bob" and said["authority"] == "Police nationale"
    words = write_answer(server.database.read_now(lambda tx: gather_order_facts(tx, site, olga, order_id)))
    assert "He names a place and an hour." in words and "Known to us since" in words
    assert "ada" not in words
    at(20 * 60)
    sent_at = clock.now() - 5 * clock.MINUTE
    act(server, answer_order, olga, order_id, words, sent_at)
    (done,) = server.database.read_now(lambda tx: list_orders(tx, olga, done=True))
    assert (done.authority, done.reply_to, done.answered_at) == ("Police nationale", "17", sent_at)
    kinds = [row[0] for row in rows(server, "SELECT kind FROM moderation_log ORDER BY seq")]
    assert "threat" in kinds and kinds[-1] == "threat_told" and "order" not in kinds


async def test_only_those_who_answer_orders_tell_and_only_of_what_is_grave(
    server: Server, cast: Cast
) -> None:
    case_id = threaten(server, cast)
    with pytest.raises(Forbidden):
        act(server, report_threat, make_moderator(cast).id, case_id, TOLD)
    harmless = report(server, cast.ada, make_post(server, cast.bob), reason="spam").case_ids[0]
    with pytest.raises(Invalid, match="lane S0"):
        act(server, report_threat, cast.olga.id, harmless, TOLD)
    own = report(server, cast.olga, make_post(server, cast.zoe), reason="threat_to_life").case_ids[0]
    with pytest.raises(Forbidden):
        act(server, report_threat, cast.olga.id, own, TOLD)
    for draft in (ThreatDraft(authority=" ", text="x"), ThreatDraft(authority="x" * 501, text=" ")):
        with pytest.raises(Invalid):
            act(server, report_threat, cast.olga.id, case_id, draft)
    assert value(server, "SELECT count(*) FROM authority_orders") == 0


async def test_nobody_was_told_before_it_was_known_or_in_the_future(server: Server, cast: Cast) -> None:
    order_id = act(server, report_threat, cast.olga.id, threaten(server, cast), TOLD)
    for wrong in (1, clock.now() + clock.DAY):
        with pytest.raises(Invalid, match="before now"):
            act(server, answer_order, cast.olga.id, order_id, "Told by telephone.", wrong)


async def test_two_authorities_are_told_of_one_case(server: Server, cast: Cast) -> None:
    case_id = threaten(server, cast)
    first = act(server, report_threat, cast.olga.id, case_id, TOLD)
    second = act(server, report_threat, cast.olga.id, case_id, msgspec.structs.replace(TOLD, authority="BKA"))
    assert first != second and value(server, "SELECT count(*) FROM cases") == 1
    site, olga = server.site, cast.olga.id
    assert len(server.database.read_now(lambda tx: load_order_items(tx, site, olga, second))) == 1
