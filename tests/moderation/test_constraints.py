"""What the databases refuse, whoever writes: each rule is broken by hand, on both of them."""

from typing import Any

import pytest

from roseau.kernel import ids
from roseau.storage.schema import append_only
from roseau.storage.schema.columns import metadata
from tests.moderation.acting import decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.appealing import Story, answer, appeal
from tests.moderation.reasons import change

pytestmark = pytest.mark.anyio

REFUSED = r"(?i)null|check|constraint|foreign key|unique|never changed|never deleted"


class Site:
    """A decision with its measure and statement, appealed against and answered; and one that waits."""

    def __init__(self, server: Any, cast: Any) -> None:
        self.server = server
        self.mona, self.karim = make_moderator(cast), make_moderator(cast, "karim")
        self.decided = []
        for _ in range(2):
            post = make_post(server, cast.ada)
            filed = report(server, cast.bob, post)
            made = decide_on(server, self.mona, filed.case_ids[0], remove(post))
            self.decided.append(Story(post, filed.number, filed.case_ids[0], made.decision_id, made.number))
        self.appeals = [appeal(server, one, cast.ada) for one in self.decided]
        answer(server, self.karim, self.appeals[0], "granted")

    def copy(self, table: str, where: str = "1 = 1", **changed: Any) -> None:
        """Add a row like one that there is, with what is changed. Raises whatever the database does."""
        columns = [column.name for column in metadata.tables[table].columns]
        row = rows(self.server, f"SELECT {', '.join(columns)} FROM {table} WHERE {where} LIMIT 1")[0]
        values = dict(zip(columns, row, strict=True))
        if "id" in values:
            values["id"] = ids.new_id()
        values |= changed
        marks = ", ".join(f":{name}" for name in columns)
        change(self.server, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", **values)

    def refuses(self, table: str, where: str = "1 = 1", **changed: Any) -> None:
        before = value(self.server, f"SELECT count(*) FROM {table}")
        with pytest.raises(Exception, match=REFUSED):
            self.copy(table, where, **changed)
        assert value(self.server, f"SELECT count(*) FROM {table}") == before


@pytest.fixture
def site(server: Any, cast: Any) -> Site:
    return Site(server, cast)


async def test_a_row_that_keeps_the_rules_is_taken(site: Site) -> None:
    """So that the refusals below are about what they say, and not about how the rows are made."""
    site.copy("measures")
    site.copy("decisions", number=99)
    site.copy("deliveries")
    delivery_id = value(site.server, "SELECT max(id) FROM deliveries")
    decision_id = value(site.server, "SELECT max(id) FROM decisions")
    site.copy("statements", puid="other", delivery_id=delivery_id, decision_id=decision_id)
    site.copy("appeal_answers", appeal_id=site.appeals[1], outcome="refused", decision_id=None)


async def test_no_measure_without_a_statement(site: Site) -> None:
    site.refuses("measures", statement_id=None)
    site.refuses("measures", statement_id=1)
    site.refuses("measures", decision_id=None)
    site.refuses("measures", status_id=None, account_id=None, domain="")


async def test_no_statement_without_a_delivery_or_words(site: Site) -> None:
    free = value(site.server, "SELECT max(id) FROM deliveries")
    site.copy("decisions", number=99)
    fresh = {"puid": "other", "decision_id": value(site.server, "SELECT max(id) FROM decisions")}
    site.refuses("statements", **fresh, delivery_id=None)
    site.refuses("statements", **fresh, delivery_id=1)
    # A letter is one statement's and no other's.
    site.refuses("statements", **fresh)
    site.refuses("statements", **fresh, delivery_id=free, text="")
    site.refuses("statements", puid="other", delivery_id=free)


async def test_an_appeal_is_refused_by_somebody_else(site: Site) -> None:
    waiting: dict[str, Any] = {"appeal_id": site.appeals[1], "decision_id": None}
    for outcome in ("refused", "partly"):
        site.refuses("appeal_answers", **waiting, outcome=outcome, reviewer_id=site.mona.id)
        site.refuses("appeal_answers", **waiting, outcome=outcome, reviewer_id=None)
        site.refuses(
            "appeal_answers", **waiting, outcome=outcome, reviewer_id=site.karim.id,
            second_decider_id=site.karim.id,
        )  # fmt: skip
    site.refuses("appeal_answers", **waiting, outcome="refused", reasons="")
    # One answer to each.
    site.refuses("appeal_answers", outcome="refused", reviewer_id=site.karim.id)
    site.copy("appeal_answers", **waiting, outcome="granted", reviewer_id=site.mona.id)


async def test_a_decision_has_grounds_and_somebody_who_took_it(site: Site) -> None:
    fresh: dict[str, Any] = {"number": 99}
    site.refuses("decisions", **fresh, ground="law", law="")
    site.refuses("decisions", **fresh, ground="rule", rule_id=None)
    site.refuses("decisions", "ground = 'law'", **fresh, facts="")
    site.refuses("decisions", "ground = 'law'", **fresh, decider_id=None)
    site.refuses("decisions", "ground = 'law'", **fresh, second_decider_id=site.mona.id)
    site.refuses("decisions")


async def test_nobody_agrees_with_themselves(site: Site, cast: Any) -> None:
    proposal = {"id": ids.new_id(), "case": site.decided[1].case_id, "who": site.mona.id}
    sql = (
        "INSERT INTO proposals (id, case_id, draft, account_id, at, outcome, answered_by_id)"
        " VALUES (:id, :case, '{}', :who, 1, 'agreed', :who)"
    )
    with pytest.raises(Exception, match=REFUSED):
        change(site.server, sql, **proposal)


@pytest.mark.parametrize("table", append_only.TABLES)
async def test_nothing_is_edited_or_deleted(site: Site, table: str) -> None:
    """Each column of each row, by an update or a delete, also one that would change nothing."""
    if not value(site.server, f"SELECT count(*) FROM {table}"):
        change(
            site.server,
            "INSERT INTO item_dispositions (id, item_id, kind, reason, at) SELECT 1, id, 'contest', '', 1"
            " FROM notice_items LIMIT 1",
        )
    before = rows(site.server, f"SELECT * FROM {table}")
    for column in metadata.tables[table].columns:
        with pytest.raises(Exception, match="never changed"):
            change(site.server, f"UPDATE {table} SET {column.name} = {column.name}")
    with pytest.raises(Exception, match=r"never (changed|deleted)"):
        change(site.server, f"DELETE FROM {table}")
    assert rows(site.server, f"SELECT * FROM {table}") == before
    assert before


async def test_one_open_case_for_each_thing(site: Site) -> None:
    site.refuses("cases", "state <> 'closed'", number=99)
    site.refuses("cases")
