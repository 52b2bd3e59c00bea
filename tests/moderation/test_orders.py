"""Orders of authorities: their clocks, who may see them, what is preserved, kept quiet and handed over."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from roseau.domain.moderation.desk.answers import gather_order_facts, write_answer
from roseau.domain.moderation.desk.disclosures import gather_disclosure, make_disclosure
from roseau.domain.moderation.desk.disposing import Compliance, comply, hold
from roseau.domain.moderation.desk.moving import make_letter
from roseau.domain.moderation.desk.orders import (
    KINDS,
    OrderDraft,
    OrderKind,
    answer_order,
    file_order,
    list_orders,
    load_order,
    load_order_items,
)
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid
from tests.conftest import Cast, Member
from tests.moderation.acting import make_moderator, make_post, report, rows, value
from tests.moderation.test_letters import letter

pytestmark = pytest.mark.anyio

TCO = Compliance(
    ground="law", law="Regulation (EU) 2021/784", facts="It calls for joining a terrorist group."
)


class Drill:
    """An order about two posts of Bob's, written down by somebody who may."""

    def __init__(self, server: Server, cast: Cast) -> None:
        self.server, self.olga = server, cast.olga
        self.posts = [make_post(server, cast.bob), make_post(server, cast.bob, "second")]
        self.text = "\n".join(f"https://roseau.test/@bob/{post}" for post in self.posts)

    def act(self, function: Callable[..., Any], *args: Any) -> Any:
        return self.server.database.write_now(function, self.server.site, *args)

    def file(self, by: Member | None = None, **fields: Any) -> int:
        fields = {"kind": "tco", "authority": "Pharos", "text": self.text} | fields
        return int(self.act(file_order, (by or self.olga).id, OrderDraft(**fields)))

    def items(self, order_id: int) -> list[Any]:
        site, who = self.server.site, self.olga.id
        return self.server.database.read_now(lambda tx: load_order_items(tx, site, who, order_id))


@pytest.fixture
def drill(server: Server, cast: Cast) -> Drill:
    return Drill(server, cast)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_has_its_clock(drill: Drill, kind: OrderKind) -> None:
    order_id = drill.file(kind=kind)
    order = drill.server.database.read_now(load_order, drill.olga.id, order_id)
    assert order.due_at - order.received_at == KINDS[kind].time
    assert value(drill.server, "SELECT lane FROM cases") == "S0"
    assert value(drill.server, "SELECT due_at FROM cases") <= order.due_at
    assert [item.status_id for item in drill.items(order_id)] == drill.posts


async def test_an_order_that_gives_less_time_counts(drill: Drill) -> None:
    due_at = clock.now() + 20 * clock.MINUTE
    order = drill.server.database.read_now(load_order, drill.olga.id, drill.file(due_at=due_at))
    assert order.due_at == due_at


async def test_an_order_is_carried_out_within_its_clock(drill: Drill, at: Callable[[float], None]) -> None:
    order_id = drill.file(reference="TCO-1")
    at(5 * 60)
    items = [item.id for item in drill.items(order_id)]
    drill.act(comply, drill.olga.id, items, TCO)
    assert {item.state for item in drill.items(order_id)} == {"removed"}
    site, who = drill.server.site, drill.olga.id
    facts = drill.server.database.read_now(lambda tx: gather_order_facts(tx, site, who, order_id))
    answer = write_answer(facts)
    assert "TCO-1" in answer and "Pharos" in answer
    assert answer.count("Done everywhere on") == 2 and "preserved, sealed, until" in answer
    drill.act(answer_order, who, order_id, answer)
    assert not drill.server.database.read_now(list_orders, who)
    (took,) = [row[0] for row in rows(drill.server, "SELECT answered_at - received_at FROM authority_orders")]
    assert took < KINDS["tco"].time
    with pytest.raises(Invalid):
        drill.act(answer_order, who, order_id, answer)


async def test_what_an_order_names_is_preserved_under_a_key_of_its_own(drill: Drill) -> None:
    drill.file()
    assert value(drill.server, "SELECT evidence_key_id FROM authority_orders") != ""
    keys = {row[0] for row in rows(drill.server, "SELECT key_id FROM snapshots")}
    assert len(keys) == 1 and keys != {""}
    preserved = value(drill.server, "SELECT preserve_until - received_at FROM authority_orders")
    assert preserved >= 180 * clock.DAY


async def test_a_confidential_order_tells_the_author_nothing_before_its_time(drill: Drill) -> None:
    until = clock.now() + 40 * clock.DAY
    order_id = drill.file(confidential_until=until)
    drill.act(comply, drill.olga.id, [item.id for item in drill.items(order_id)], TCO)
    sent = [row[0] for row in rows(drill.server, "SELECT send_at FROM deliveries WHERE kind = 'statement'")]
    assert sent and all(send_at >= until for send_at in sent)


async def test_a_moderator_may_hold_back_and_may_not_see_orders(drill: Drill, cast: Cast) -> None:
    mona = make_moderator(cast)
    order_id = drill.file()
    items = [item.id for item in drill.items(order_id)]
    for function in (lambda tx: list_orders(tx, mona.id), lambda tx: load_order(tx, mona.id, order_id)):
        with pytest.raises(Forbidden):
            drill.server.database.read_now(function)
    with pytest.raises(Forbidden):
        drill.file(mona)
    with pytest.raises(Forbidden):
        drill.act(comply, mona.id, items, TCO)
    drill.act(
        hold, mona.id, items, "An authority asks for it to be gone at once.", "Regulation (EU) 2021/784"
    )
    assert {item.state for item in drill.items(order_id)} == {"held"}


async def test_the_pack_for_an_authority_has_content_account_and_hashes(drill: Drill, cast: Cast) -> None:
    order_id = drill.file(kind="threat_to_life", reference="PV 2026/1")
    item_ids = [item.id for item in drill.items(order_id)]
    found = drill.act(gather_disclosure, drill.olga.id, order_id, item_ids)
    pack = make_disclosure(found, "en")
    with zipfile.ZipFile(io.BytesIO(pack.archive)) as archive:
        said = msgspec.json.decode(archive.read("disclosure.json"))
        assert archive.read("disclosure.pdf").startswith(b"%PDF-")
    assert [item["content"]["status"]["text"] for item in said["items"]][1] == "second"
    assert said["accounts"][0]["mail_address"] == "bob@roseau.test"
    assert said["accounts"][0]["created_at"].endswith("Z") and said["time_zone"] == "UTC"
    assert all(len(item["sha256"]) == 64 for item in said["items"])
    # Each look is written down: two posts, one account.
    looks = rows(drill.server, "SELECT detail FROM evidence_looks WHERE account_id = :who", who=drill.olga.id)
    assert sorted(look[0].partition(":")[0] for look in looks) == ["account", "disclosure", "disclosure"]
    assert make_disclosure(found, "en") == pack
    mona = make_moderator(cast)
    with pytest.raises(Forbidden):
        drill.act(gather_disclosure, mona.id, order_id, item_ids)


async def test_what_is_wrong_with_an_order_is_named(drill: Drill) -> None:
    for fields in (
        {"authority": " "},
        {"text": "", "uris": ()},
        {"received_at": clock.now() + clock.DAY},
        {"confidential_until": clock.now() + 1000 * clock.DAY},
        {"confidential_until": clock.now() - 1},
        {"reference": "x" * 501},
    ):
        with pytest.raises(Invalid):
            drill.file(**fields)
    assert value(drill.server, "SELECT COUNT(*) FROM authority_orders") == 0


async def test_a_mail_becomes_an_order(drill: Drill) -> None:
    received = drill.act(receive_mail, letter(drill.text, "liaison@police.example"))
    order_id = drill.file(notice_id=received.notice_id, kind="ofac", text="")
    assert len(drill.items(order_id)) == 2
    assert value(drill.server, "SELECT channel FROM notices") == "authority_order"
    # The cases that the mail had opened stand for nothing any more.
    assert value(drill.server, "SELECT COUNT(*) FROM cases WHERE state <> 'closed'") == 1
    with pytest.raises(Invalid):
        drill.file(notice_id=received.notice_id)


async def test_a_mail_becomes_a_letter_and_others_keep_their_cases(drill: Drill, cast: Cast) -> None:
    mona = make_moderator(cast)
    report(drill.server, cast.ann, drill.posts[0])
    raw = letter(f"Within 12 hours:\n{drill.text}", "noc@somewhere.example")
    received = drill.act(receive_mail, raw)
    letter_id = drill.act(make_letter, mona.id, received.notice_id)
    assert letter_id
    (due,) = [row[0] for row in rows(drill.server, "SELECT deadline_at - received_at FROM host_letters")]
    assert due == 12 * clock.HOUR
    # Ann's report of the first post goes on in its own case.
    states = rows(drill.server, "SELECT subject, state FROM cases WHERE state <> 'closed'")
    assert sorted(subject.partition(":")[0] for subject, _ in states) == ["letter", "status"]
