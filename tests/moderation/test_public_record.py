"""Decisions as everybody may see them: what was decided and why, and nobody's name."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from roseau.domain.moderation.decisions.deciding import Decided, decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.record.roots import make_root
from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.doors.server import Server
from roseau.kernel import clock, ids
from roseau.storage.schema.cases import proposals
from roseau.storage.schema.notices import authority_orders
from roseau.storage.statements import insertion
from tests.conftest import Cast, Member
from tests.moderation.acting import make_moderator, make_post, report, value
from tests.moderation.reasons import change

pytestmark = pytest.mark.anyio

API = "/api/roseau/v1/moderation/decisions"
TEXT = "Somebody lives at 12 Reed Street, go there"
FACTS = "The post names the street of a neighbour"
At = Callable[[float], None]

_order = insertion(
    authority_orders, "id notice_id case_id kind authority received_at due_at confidential_until"
)
_proposal = insertion(proposals, "id case_id draft account_id interim_decision_id at")


class Team:
    """A moderator, a rule, and decisions about posts of Ada's that Bob reports."""

    def __init__(self, server: Server, cast: Cast) -> None:
        self.server, self.cast = server, cast
        self.mona: Member = make_moderator(cast, "mona")
        texts = {"en": RuleText("No private data"), "fr": RuleText("Pas de données privées")}
        server.database.write_now(set_rules, [NewRule(texts)])
        self.rule_id = server.database.read_now(list_rules)[0].id
        self.notice_id = self.count = 0

    def decide(self, *kinds: str, **fields: Any) -> Decided:
        """A decision by the rule about a new post."""
        post = make_post(self.server, self.cast.ada, TEXT)
        # Nobody sends so many that they are grouped.
        self.count += 1
        reporter = self.cast.bob if self.count <= 12 else self.cast.carol
        filed = report(self.server, reporter, post, reason="private_data", comment="Bob is afraid")
        self.case_id, self.notice_id = filed.case_ids[0], filed.notice_id
        measures = tuple(
            MeasureDraft(kind=kind, account_id=self.cast.ada.id)  # type: ignore[arg-type]
            if kind in ("freeze", "limit", "suspend")
            else MeasureDraft(kind=kind, status_id=post)  # type: ignore[arg-type]
            for kind in kinds
        )
        ground = {"ground": "rule", "rule_id": self.rule_id} if kinds else {"ground": "none"}
        draft = DecisionDraft(**({"measures": measures, "facts": FACTS} | ground | fields))
        decided: Decided = self.server.database.write_now(
            decide, self.server.site, self.mona.id, self.case_id, draft
        )
        return decided


@pytest.fixture
def team(server: Server, cast: Cast) -> Team:
    return Team(server, cast)


async def seen(client: httpx2.AsyncClient, number: int) -> int:
    """The status of the page of a decision; the API has to say the same."""
    page, answer = await client.get(f"/decisions/{number}"), await client.get(f"{API}/{number}")
    assert page.status_code == answer.status_code
    return page.status_code


async def test_a_decision_is_shown_once_it_cannot_be_undone(
    client: httpx2.AsyncClient, team: Team, at: At
) -> None:
    number = team.decide("remove", summary="A private address was published.").number
    assert await seen(client, number) == 404
    at(90)
    assert await seen(client, number) == 200
    page = await client.get(f"/decisions/{number}")
    assert page.headers["x-robots-tag"] == "noindex"
    for word in ("A private address was published.", "No private data", "version 1", "Removed"):
        assert word in page.text
    said = (await client.get(f"{API}/{number}", params={"lang": "fr"})).json()
    assert said["rule_text"] == "Pas de données privées"
    assert said["measures"] == [{"kind": "remove", "target": "status", "days": None, "ended": ""}]
    assert (said["ground"], said["thing"], said["reason"]) == ("rule", "status", "private_data")


async def test_nobody_is_named_and_nothing_of_the_post_is_shown(
    client: httpx2.AsyncClient, team: Team, at: At
) -> None:
    number = team.decide("remove").number
    at(90)
    for path in (f"/decisions/{number}", "/decisions", "/transparency", f"{API}/{number}"):
        text = (await client.get(path)).text.lower()
        for word in ("mona", "reed street", "neighbour", "afraid", "@ada", "@bob", str(team.cast.ada.id)):
            assert word not in text, (path, word)


async def test_what_was_undone_is_never_shown(
    client: httpx2.AsyncClient, server: Server, team: Team, at: At
) -> None:
    decided = team.decide("remove")
    server.database.write_now(undo, server.site, team.mona.id, decided.decision_id)
    at(3_600)
    assert await seen(client, decided.number) == 404
    assert f"/decisions/{decided.number}" not in (await client.get("/decisions")).text


async def test_an_authority_that_wants_quiet_has_it_as_long_as_it_may(
    client: httpx2.AsyncClient, server: Server, team: Team, at: At
) -> None:
    number = team.decide("remove").number
    until = clock.now() + clock.DAY
    server.database.write_now(
        lambda tx: tx.run(
            _order, id=ids.new_id(), notice_id=team.notice_id, case_id=team.case_id, kind="tco",
            authority="A court", received_at=tx.now, due_at=tx.now, confidential_until=until,
        )
    )  # fmt: skip
    at(90)
    assert await seen(client, number) == 404
    assert (await client.get(f"{API}/{number}/proof")).status_code == 404
    assert f"/decisions/{number}" not in (await client.get("/decisions")).text
    at(86_500)
    assert await seen(client, number) == 200


async def test_what_waits_for_a_second_voice_is_not_shown(
    client: httpx2.AsyncClient, server: Server, team: Team, at: At
) -> None:
    decided = team.decide("freeze")
    server.database.write_now(
        lambda tx: tx.run(
            _proposal, id=ids.new_id(), case_id=team.case_id, draft="{}", account_id=team.mona.id,
            interim_decision_id=decided.decision_id, at=tx.now,
        )
    )  # fmt: skip
    at(90)
    assert await seen(client, decided.number) == 404
    change(server, "UPDATE proposals SET outcome = 'withdrawn'")
    assert await seen(client, decided.number) == 200


async def test_a_reversal_is_told_with_the_decision(
    client: httpx2.AsyncClient, server: Server, team: Team, at: At
) -> None:
    decided = team.decide("remove")
    at(90)
    server.database.write_now(
        lambda tx: reverse(tx, server.site, decided.decision_id, by_id=team.mona.id, facts="It was wrong")
    )
    at(120)
    said = (await client.get(f"{API}/{decided.number}")).json()
    assert said["ended"] == "reversed"
    assert said["measures"][0]["ended"] == "reversed"
    page = (await client.get(f"/decisions/{decided.number + 1}")).text
    assert f'href="/decisions/{decided.number}"' in page


async def test_the_list_is_filtered_and_paged(client: httpx2.AsyncClient, team: Team, at: At) -> None:
    removed = [team.decide("remove").number for _ in range(21)]
    nothing = team.decide().number
    at(90)
    page = (await client.get("/decisions")).text
    assert f'href="/decisions/{nothing}"' in page
    assert f'href="/decisions/{removed[0]}"' not in page
    assert f'href="/decisions?before={removed[2]}"' in page
    last = (await client.get("/decisions", params={"before": removed[2]})).text
    assert f'href="/decisions/{removed[0]}"' in last
    assert 'href="/decisions?before=' not in last
    only = (await client.get("/decisions", params={"ground": "none"})).text
    assert f'href="/decisions/{nothing}"' in only
    assert f'href="/decisions/{removed[20]}"' not in only
    some = (await client.get("/decisions", params={"measure": "remove", "before": "x"})).text
    assert f'href="/decisions/{nothing}"' not in some
    assert f'href="/decisions/{removed[20]}"' in some
    assert (await client.get("/decisions", params={"measure": "'", "ground": "<"})).status_code == 200


async def test_the_figures_tell_no_small_numbers(client: httpx2.AsyncClient, team: Team, at: At) -> None:
    for _ in range(5):
        team.decide("remove")
    team.decide()
    at(90)
    page = (await client.get("/transparency")).text
    assert "6 decisions" in page
    assert page.count("<dd>not told</dd>") == 2
    assert "<dd>5</dd>" in page


async def test_a_public_decision_is_proven_by_the_log(
    client: httpx2.AsyncClient, server: Server, team: Team, at: At
) -> None:
    number = team.decide("remove").number
    at(90)
    assert (await client.get(f"{API}/{number}/proof")).status_code == 404
    at(86_400)
    server.database.write_now(make_root)
    proof = (await client.get(f"{API}/{number}/proof")).json()
    assert proof["kind"] == "decision"
    assert f'"number":{number}' in proof["body"]
    assert proof["root"] == value(server, "SELECT root FROM log_roots")


@pytest.mark.parametrize("number", ["0", "x", "99999999999", "-1", "1.5"])
async def test_there_are_no_other_decisions(client: httpx2.AsyncClient, number: str) -> None:
    assert (await client.get(f"/decisions/{number}")).status_code == 404
    assert (await client.get(f"{API}/{number}")).status_code == 404
    assert (await client.get(f"{API}/{number}/proof")).status_code == 404
