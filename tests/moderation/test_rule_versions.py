"""Rules in versions: a decision names the one that was in force, and all of them stay readable."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete

from roseau.domain.moderation.terms import find_terms, list_terms, set_terms
from roseau.domain.policy import (
    NewRule,
    RuleTerms,
    RuleText,
    backfill_versions,
    find_rule_version,
    list_rule_versions,
    list_rules,
    names_above,
    set_rules,
)
from roseau.doors.server import Server
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.schema.moderation import rule_versions
from roseau.storage.statements import statement
from tests.conftest import Cast

pytestmark = pytest.mark.anyio


def rule(text: str, rule_id: int | None = None, **fields: Any) -> NewRule:
    return NewRule({"en": RuleText(text), "fr": RuleText(f"{text} (fr)")}, rule_id, **fields)


def put(server: Server, *wanted: NewRule) -> list[int]:
    """Put these rules in force; their ids."""
    server.database.write_now(set_rules, list(wanted))
    return [one.id for one in server.database.read_now(list_rules)]


def versions(server: Server) -> list[tuple[str, int, bool]]:
    found = server.database.read_now(list_rule_versions)
    return [(one.said_in("en").text, one.version, one.ended_at is None) for one in found]


def test_what_reads_otherwise_is_another_version(server: Server, at: Callable[[float], None]) -> None:
    (rule_id,) = put(server, rule("Be kind."))
    put(server, rule("Be kind.", rule_id))
    assert versions(server) == [("Be kind.", 1, True)]
    at(10)
    put(server, rule("Be good.", rule_id))
    assert versions(server) == [("Be kind.", 1, False), ("Be good.", 2, True)]
    one, two = server.database.read_now(list_rule_versions)
    assert one.ended_at == two.created_at
    first = server.database.read_now(find_rule_version, rule_id, 1, "fr")
    newest = server.database.read_now(find_rule_version, rule_id, None, "de")
    assert first is not None and (first.text, first.version) == ("Be kind. (fr)", 1)
    assert newest is not None and (newest.text, newest.version) == ("Be good.", 2)
    assert server.database.read_now(find_rule_version, rule_id, 3) is None
    assert server.database.read_now(find_rule_version, 1) is None


@pytest.mark.parametrize(
    "terms",
    [
        RuleTerms(lane="S1"),
        RuleTerms(ladder=("remove",)),
        RuleTerms(dsa_category="STATEMENT_CATEGORY_VIOLENCE"),
        RuleTerms(keywords=("KEYWORD_HATE_SPEECH",)),
    ],
)
def test_other_consequences_are_another_version_and_stay_until_changed(
    server: Server, terms: RuleTerms
) -> None:
    (rule_id,) = put(server, rule("Be kind."))
    put(server, rule("Be kind.", rule_id, terms=terms))
    said = server.database.read_now(find_rule_version, rule_id)
    assert said is not None and (said.version, said.terms) == (2, terms)
    put(server, rule("Be kind.", rule_id))
    assert len(versions(server)) == 2
    put(server, rule("Be good.", rule_id))
    said = server.database.read_now(find_rule_version, rule_id)
    assert said is not None and (said.version, said.terms) == (3, terms)


def test_the_order_is_no_version(server: Server) -> None:
    one, two = put(server, rule("One."), rule("Two."))
    assert put(server, rule("Two.", two), rule("One.", one)) == [two, one]
    assert {version for _, version, _ in versions(server)} == {1}


def test_a_rule_that_is_withdrawn_stays_known(server: Server) -> None:
    (rule_id,) = put(server, rule("Be kind."))
    put(server)
    assert versions(server) == [("Be kind.", 1, False)]
    said = server.database.read_now(find_rule_version, rule_id)
    assert said is not None and said.text == "Be kind."


def test_rules_from_before_there_were_versions_have_a_first_one(server: Server) -> None:
    (rule_id,) = put(server, rule("Be kind."))
    forget = statement(delete(rule_versions))
    server.database.write_now(lambda tx: tx.run(forget))
    assert versions(server) == [("Be kind.", 1, True)]
    said = server.database.read_now(find_rule_version, rule_id, 1, "fr")
    assert said is not None and said.text == "Be kind. (fr)"
    server.database.write_now(backfill_versions)
    server.database.write_now(backfill_versions)
    assert versions(server) == [("Be kind.", 1, True)]
    put(server, rule("Be good.", rule_id))
    assert versions(server) == [("Be kind.", 1, False), ("Be good.", 2, True)]


def test_names_stand_under_names() -> None:
    assert list(names_above(" A.b.Example. ")) == ["a.b.example", "b.example", "example"]


async def test_programs_read_every_version(client: Any, server: Server) -> None:
    (rule_id,) = put(server, rule("Be kind."))
    put(server, rule("Be good.", rule_id, terms=RuleTerms(lane="S1")))
    answer = await client.get("/rules.json")
    assert answer.headers["content-type"].startswith("application/json")
    one, two = answer.json()["rules"]
    assert (one["version"], one["in_force"], one["texts"]["en"]["text"]) == (1, False, "Be kind.")
    assert (two["version"], two["in_force"], two["lane"], two["until"]) == (2, True, "S1", None)
    assert one["until"] == two["from"]


# Terms


def test_terms_have_versions(server: Server, cast: Cast, at: Callable[[float], None]) -> None:
    with pytest.raises(NotFound):
        server.database.read_now(find_terms)
    olga = cast.olga.id
    assert server.database.write_now(set_terms, olga, {"en": "One", "fr": " "})
    assert not server.database.write_now(set_terms, olga, {"en": "One"})
    at(86_400 * 2)
    assert server.database.write_now(set_terms, olga, {"en": "Two", "fr": "Deux"})
    two, one = server.database.read_now(list_terms)
    assert (one.version, one.until, two.version, two.until) == (1, two.since, 2, None)
    assert one.said_in("fr") == ("en", "One") and two.said_in("fr") == ("fr", "Deux")
    with pytest.raises(Forbidden):
        server.database.write_now(set_terms, cast.ada.id, {"en": "Mine"})


async def test_apps_read_the_terms(
    client: Any, server: Server, cast: Cast, at: Callable[[float], None]
) -> None:
    path = "/api/v1/instance/terms_of_service"
    assert (await client.get(path)).status_code == 404
    server.database.write_now(set_terms, cast.olga.id, {"en": "# One\n\n<script>alert(1)</script>"})
    first = (await client.get(path)).json()
    assert first["effective"] is True and first["succeeded_by"] is None
    assert "One" in first["content"] and "<script" not in first["content"]
    at(86_400 * 2)
    server.database.write_now(set_terms, cast.olga.id, {"en": "Two"})
    earlier = (await client.get(f"{path}/{first['effective_date']}")).json()
    assert earlier["effective"] is False and earlier["succeeded_by"] > first["effective_date"]
    assert "Two" in (await client.get(path)).json()["content"]
    assert (await client.get(f"{path}/2001-01-01")).status_code == 404
