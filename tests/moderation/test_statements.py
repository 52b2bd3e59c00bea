"""Statements of reasons: what they say, in whose language, what a moderator can and cannot change in them."""

from typing import Any

import msgspec
import pytest

from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.statements.validating import find_faults
from roseau.domain.moderation.statements.writing import preview_statement
from roseau.domain.policy import NewRule, RuleTerms, RuleText, set_rules
from roseau.domain.site import choose
from roseau.kernel import clock
from tests.moderation.acting import decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.reasons import FACTS, RULE, change, removal, to_grounds, write_decision

pytestmark = pytest.mark.anyio


@pytest.fixture
def removed(server: Any, cast: Any) -> Any:
    """A post of Ada's that Bob reported, and the grounds of its removal; more fields may be given."""
    status_id = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status_id, comment="My address!").case_ids[0]

    def make(*more: MeasureDraft, **fields: Any) -> Any:
        fields.setdefault("decision_number", 2041)
        measure, known = removal(server, status_id)
        return to_grounds(case_id, cast.ada.id, measure, *more, **(known | fields)), case_id

    return make


def preview(server: Any, grounds: Any) -> str:
    return str(server.database.read_now(preview_statement, server.site, grounds))


async def test_a_statement_has_everything_that_article_17_asks_for(
    server: Any, cast: Any, removed: Any
) -> None:
    server.database.write_now(lambda tx: choose(tx, None, dispute_body="The Body, body.example"))
    grounds, case_id = removed()
    decision_id = write_decision(server, make_moderator(cast), case_id, grounds)
    [row] = rows(server, "SELECT text, fields, language, account_id, appeal_until, puid FROM statements")
    text = row[0]
    for part in (
        "We removed your post of", "This holds everywhere, and for good", FACTS, RULE,
        "It was reported to us; we tell nobody by whom.", "A moderator decided; no machine took part",
        f"https://roseau.test/record/{grounds.decision_number}", "The Body, body.example", "court",
    ):  # fmt: skip
        assert part in text, (part, text)
    fields = msgspec.json.decode(row[1])
    assert sorted(fields) == ["a", "b", "c", "d", "e", "f"]
    assert fields["a"][0]["kind"] == "remove" and fields["b"]["source"] == "notice" and fields["d"] is None
    assert row[2:4] == ("en", cast.ada.id)
    assert row[4] == grounds.decided_at + 183 * clock.DAY
    assert row[5] == f"roseau-test-{grounds.decision_number}"
    sql = "SELECT kind, account_id, decision_id, text FROM deliveries WHERE kind = 'statement'"
    delivery = rows(server, sql)
    assert delivery == [("statement", cast.ada.id, decision_id, text)]
    assert value(server, "SELECT count(*) FROM moderation_log WHERE kind = 'statement'") == 1


async def test_the_submission_has_the_category_of_the_rule(server: Any, cast: Any) -> None:
    terms = RuleTerms(dsa_category="STATEMENT_CATEGORY_SCAMS_AND_FRAUD", keywords=("KEYWORD_PHISHING",))
    rule = NewRule(texts={"en": RuleText("No advertising")}, terms=terms)
    server.database.write_now(set_rules, [rule])
    rule_id = value(server, "SELECT id FROM rules")
    status_id = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status_id, reason="spam").case_ids[0]
    fields = {"ground": "rule", "rule_id": rule_id, "law": "", "facts": "Sold shoes, see @shop@far.example"}
    decide_on(server, make_moderator(cast), case_id, remove(status_id), **fields)
    submission = msgspec.json.decode(value(server, "SELECT dsa FROM statements"))
    assert find_faults(submission) == []
    assert submission["category"] == "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
    assert submission["category_specification"] == ["KEYWORD_PHISHING"]
    assert submission["incompatible_content_ground"] == "No advertising"
    assert submission["decision_facts"] == "Sold shoes, see […]"
    assert submission["source_type"] == "SOURCE_ARTICLE_16" and submission["content_type"] == [
        "CONTENT_TYPE_TEXT"
    ]


async def test_it_never_says_who_reported(server: Any, cast: Any, removed: Any) -> None:
    grounds, case_id = removed()
    write_decision(server, make_moderator(cast), case_id, grounds)
    [row] = rows(server, "SELECT text, fields, dsa FROM statements")
    for said in row:
        assert "bob" not in said.lower() and "My address" not in said and str(cast.bob.id) not in said


async def test_it_is_written_in_the_language_of_its_reader(server: Any, cast: Any, removed: Any) -> None:
    moved = "UPDATE users SET locale = 'fr', time_zone = 'Europe/Paris' WHERE account_id = :a"
    change(server, moved, a=cast.ada.id)
    freeze = MeasureDraft(kind="freeze", account_id=cast.ada.id, until_at=1_900_000_000_000)
    assert "17 mars 2030 à 18:46" in preview(server, to_grounds(1, cast.ada.id, freeze))
    grounds, case_id = removed()
    write_decision(server, make_moderator(cast), case_id, grounds)
    assert value(server, "SELECT language FROM statements") == "fr"


async def test_an_author_of_another_server_reads_the_language_of_the_post(server: Any, removed: Any) -> None:
    at = 1_900_000_000_000
    freeze = MeasureDraft(kind="freeze", account_id=1, until_at=at)
    for language, day in (("fr-CH", "17 mars 2030 à 17:46"), ("de", "17 March 2030, 17:46")):
        assert day in preview(server, to_grounds(1, None, freeze, status_language=language))


async def test_the_frame_survives_whatever_a_moderator_writes(server: Any, removed: Any) -> None:
    plain = preview(server, removed()[0])
    own = preview(server, removed(text="Please do not do this again.")[0])
    assert "Please do not do this again." in own and FACTS not in own
    for part in ("We removed your post of", RULE, "You can appeal until", "court"):
        assert part in own
    # Whoever edits the whole text finds nothing in it twice.
    edited = plain.replace(FACTS, "I saw it myself.")
    assert preview(server, removed(text=edited)[0]) == edited
    without_end = plain.split("\n\nYou can appeal")[0]
    assert preview(server, removed(text=without_end)[0]) == plain


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ({"kind": "reminder"}, "We remind you of our rules. Nothing was taken from you"),
        ({"kind": "limit"}, "Your account is limited: what you post reaches those who follow you"),
        ({"kind": "limit", "until_at": 1_900_000_000_000}, "limited until 17 March 2030, 17:46 UTC:"),
        ({"kind": "freeze", "until_at": 1_900_000_000_000}, "frozen until 17 March 2030, 17:46 UTC:"),
        ({"kind": "freeze"}, "Your account is frozen: you can sign in and read"),
        ({"kind": "suspend"}, "Your account is suspended for good:"),
        ({"kind": "suspend", "until_at": 1_900_000_000_000}, "suspended until 17 March 2030, 17:46 UTC:"),
        ({"kind": "label", "words": "Disputed"}, "We added a note to your profile: “Disputed”."),
        ({"kind": "interstitial", "words": "Nude"}, "Your profile now stands behind a warning: “Nude”."),
        ({"kind": "hold"}, "Your profile is hidden while we look at it, until"),
        ({"kind": "remove"}, "We removed what was wrong from your profile."),
        ({"kind": "warn_misuse"}, "You sent manifestly unfounded notices more than once."),
        ({"kind": "pause_notices", "until_at": 1_900_000_000_000}, "We do not handle notices of yours until"),
    ],
)
async def test_each_measure_of_an_account_is_a_sentence(
    server: Any, cast: Any, measure: dict[str, Any], said: str
) -> None:
    grounds = to_grounds(1, cast.ada.id, MeasureDraft(account_id=cast.ada.id, **measure))
    assert said in preview(server, grounds)


@pytest.mark.parametrize("kind", ["reminder", "label", "interstitial", "hold", "remove"])
async def test_each_measure_of_a_post_names_when_it_was_written(server: Any, cast: Any, kind: Any) -> None:
    status_id = make_post(server, cast.ada)
    measure = MeasureDraft(kind=kind, status_id=status_id, words="Careful")
    [(at,)] = rows(server, "SELECT created_at FROM statuses WHERE id = :id", id=status_id)
    day = clock.to_datetime(at).strftime("%H:%M UTC")
    assert day in preview(server, to_grounds(1, cast.ada.id, measure))


async def test_many_removals_are_one_sentence(server: Any, cast: Any) -> None:
    drafts = [MeasureDraft(kind="remove", status_id=make_post(server, cast.ada)) for _ in range(5)]
    text = preview(server, to_grounds(1, cast.ada.id, *drafts))
    assert text.startswith("We removed 5 posts of yours, from ") and text.count("We removed") == 1


async def test_grounds_sources_and_machines_are_told_apart(server: Any, removed: Any) -> None:
    law = preview(server, removed(ground="law", law="French penal code, art. 223-1-1", rule_id=None)[0])
    assert "against the law: French penal code, art. 223-1-1" in law and RULE not in law
    own = removed(own_initiative=True, channels={"own_initiative": 1})[0]
    assert "Nobody reported it" in preview(server, own)
    assert "A public authority ordered it." in preview(server, removed(channels={"authority_order": 1})[0])
    assert "The company that hosts this site" in preview(server, removed(channels={"host_letter": 1})[0])
    fully = preview(server, removed(automated_detection=True, automated_decision="fully")[0])
    assert "An automatic rule found it. A machine decided this" in fully
    assert "A second moderator read it before" in preview(server, removed(second_voice=True)[0])
    measure = MeasureDraft(kind="hold", account_id=1, territory='["FR", "DE"]')
    assert "in these countries: Germany, France." in preview(server, to_grounds(1, None, measure))


async def test_servers_and_reversals_are_told_too(server: Any, cast: Any) -> None:
    for kind, said in (
        ("domain_limit", "The server bad.example is limited here"),
        ("domain_reject_media", "takes in no pictures and no films of the server bad.example"),
        ("domain_suspend", "exchanges nothing with the server bad.example"),
    ):
        grounds = to_grounds(1, None, MeasureDraft(kind=kind, domain="bad.example"))  # type: ignore[arg-type]
        assert said in preview(server, grounds)
    back = preview(server, to_grounds(1, cast.ada.id, ground="none", reverses_number=7, channels={}))
    assert back.startswith("We looked again at our decision no. 7 and took it back.")


async def test_a_measure_without_a_statement_is_refused_by_the_database(
    server: Any, cast: Any, removed: Any
) -> None:
    grounds, case_id = removed()
    write_decision(server, make_moderator(cast), case_id, grounds)
    values = {"d": grounds.decision_id, "a": grounds.account_id}
    insert = "INSERT INTO measures (id, decision_id, statement_id, kind, account_id, from_at)"
    with pytest.raises(Exception, match=r"(?i)null"):
        change(server, f"{insert} VALUES (1, :d, NULL, 'limit', :a, 1)", **values)
    with pytest.raises(Exception, match=r"(?i)null"):
        change(
            server,
            "INSERT INTO statements (id, decision_id, puid, language, text, fields, dsa, delivery_id,"
            " created_at, appeal_until) VALUES (1, :d, 'x', 'en', 'x', '{}', '{}', NULL, 1, 1)",
            d=grounds.decision_id,
        )
