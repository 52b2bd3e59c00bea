"""The object for the EU's Transparency Database: whatever is decided is taken, what is broken is found."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.domain.moderation.decisions.drafts import DecisionDraft, Grounds, MeasureDraft
from roseau.domain.moderation.statements import dsa_terms as terms
from roseau.domain.moderation.statements.dsa import to_dsa, to_puid
from roseau.domain.moderation.statements.persons import names_somebody, without_persons
from roseau.domain.moderation.statements.validating import Fault, find_faults
from roseau.domain.moderation.vocabulary import LANES, REASONS, Ground
from roseau.kernel import clock

NOW = clock.from_iso("2026-11-22T16:00:00Z")
LATEST = clock.from_iso("2060-01-01")
CHANNELS = (
    "in_app", "web", "mail", "arf", "xarf", "ap_flag", "host_letter", "authority_order", "trusted_flagger",
    "own_initiative",
)  # fmt: skip
ABOUT_A_POST = ("reminder", "label", "interstitial", "hold", "remove")
ABOUT_AN_ACCOUNT = ("reminder", "limit", "freeze", "suspend", "warn_misuse", "pause_notices")
ABOUT_A_SERVER = ("domain_limit", "domain_reject_media", "domain_suspend")

moments = st.integers(NOW, LATEST)
untils = st.none() | moments
territories = st.just("") | st.lists(
    st.sampled_from([*terms.COUNTRIES, "US", "CH", "GB"]), min_size=1, max_size=4, unique=True
).map(lambda codes: "[" + ",".join(f'"{code}"' for code in codes) + "]")
words = st.text(max_size=200)
#: What people write: names of accounts, addresses and numbers among other things.
prose = st.lists(
    words
    | st.sampled_from(
        ["@ada", "@ada@far.example", "ada@far.example", "https://far.example/@ada/1", "192.168.1.7",
         "2001:db8::1", "2001:db8:0:1:1:1:1:1", "+33 6 12 34 56 78", "0612345678", "12 rue Haute", "x" * 700]
    ),
    min_size=1, max_size=12,
).map(" ".join)  # fmt: skip
measures = (
    st.builds(
        MeasureDraft,
        kind=st.sampled_from(ABOUT_A_POST),
        status_id=st.integers(1, 9),
        until_at=untils,
        territory=territories,
        words=words,
    )
    | st.builds(
        MeasureDraft,
        kind=st.sampled_from(ABOUT_AN_ACCOUNT),
        account_id=st.just(1),
        until_at=untils,
        territory=territories,
    )
    | st.builds(
        MeasureDraft, kind=st.sampled_from(ABOUT_A_SERVER), domain=st.just("far.example"), until_at=untils
    )
)


@st.composite
def grounds(draw: st.DrawFn) -> Grounds:
    """Anything that a decision with a measure can be."""
    ground: Ground = draw(st.sampled_from(("rule", "law")))
    draft = DecisionDraft(
        ground=ground,
        rule_id=4 if ground == "rule" else None,
        law=draw(prose) if ground == "law" else "",
        facts=draw(prose),
        summary=draw(st.just("") | prose),
        measures=tuple(draw(st.lists(measures, min_size=1, max_size=5))),
        automated_detection=draw(st.booleans()),
        automated_decision=draw(st.sampled_from(("not", "partially", "fully"))),
        own_initiative=draw(st.booleans()),
    )
    return Grounds(
        decision_id=1,
        decision_number=draw(st.integers(1, 10**9)),
        case_number=1,
        draft=draft,
        account_id=1,
        rule_text=draw(prose),
        rule_version=1,
        reason=draw(st.sampled_from([*REASONS, "unheard of"])),
        lane=draw(st.sampled_from(list(LANES))),
        channels=dict.fromkeys(draw(st.sets(st.sampled_from(CHANNELS))), 1),
        status_id=draw(st.none() | st.integers(1, 9)),
        # Other servers say when their posts were written, and not all tell the truth.
        written_at=draw(st.none() | st.integers(-(10**14), 10**14)),
        status_language=draw(st.sampled_from(("", "fr", "fr-CH", "de", "kab", "xx", "zh-TW"))),
        content_types=tuple(
            draw(st.sets(st.sampled_from(("text", "image", "gifv", "video", "audio", "unknown"))))
        ),
        decided_at=NOW,
    )


@given(
    grounds(),
    st.sampled_from(("", "roseau.test", "xn--nts-8na.example:8443", "a" * 300, "é.example")),
    st.sampled_from(("", *sorted(terms.CATEGORIES), "STATEMENT_CATEGORY_GONE")),
    st.lists(st.sampled_from([*sorted(terms.KEYWORDS), "KEYWORD_GONE"]), max_size=3),
)
def test_whatever_is_decided_the_database_would_take_it(
    made: Grounds, domain: str, category: str, keywords: list[str]
) -> None:
    submission = to_dsa(
        made,
        puid=to_puid(domain, made.decision_number),
        rules_url=f"https://{domain or 'roseau.test'}/rules",
        category=category,
        keywords=keywords,
    )
    assert find_faults(submission) == []


@given(prose | st.text(alphabet="@.:a1/ +-h tps", max_size=60))
def test_nobody_is_left_in_a_text_without_persons(text: str) -> None:
    assert not names_somebody(without_persons(text))


@pytest.mark.parametrize(
    "text",
    ["@lea", "Write to lea@far.example now", "at https://far.example/x", "from 10.0.0.7",
     "call 06 12 34 56 78", "call +33612345678", "(@lea@far.example)", "2001:db8:0:1:1:1:1:1"],
)  # fmt: skip
def test_what_names_somebody_is_seen(text: str) -> None:
    assert names_somebody(text)


@pytest.mark.parametrize(
    "text", ["Article 24, paragraph 2", "On 22 November 2026 at 14:31", "4 people", "a/b: c"]
)
def test_what_names_nobody_is_left(text: str) -> None:
    assert without_persons(text) == text


def sound() -> dict[str, Any]:
    """A submission that has nearly every field, and that the database takes."""
    return {
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED", "DECISION_VISIBILITY_OTHER"],
        "decision_visibility_other": "Shown behind a warning",
        "end_date_visibility_restriction": "2027-01-01",
        "decision_provision": "DECISION_PROVISION_PARTIAL_SUSPENSION",
        "decision_account": "DECISION_ACCOUNT_SUSPENDED",
        "end_date_account_restriction": "2027-01-01",
        "account_type": "ACCOUNT_TYPE_PRIVATE",
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "decision_ground_reference_url": "https://roseau.test/rules",
        "incompatible_content_ground": "No private data of others",
        "incompatible_content_explanation": "It gave an address.",
        "incompatible_content_illegal": "No",
        "category": "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "category_addition": ["STATEMENT_CATEGORY_VIOLENCE"],
        "category_specification": ["KEYWORD_OTHER"],
        "category_specification_other": "Addresses",
        "content_type": ["CONTENT_TYPE_TEXT", "CONTENT_TYPE_OTHER"],
        "content_type_other": "Profile",
        "content_language": "FR",
        "content_date": "2026-11-22",
        "territorial_scope": ["FR", "BE"],
        "application_date": "2026-11-22",
        "decision_facts": "The post gave the address of a person.",
        "source_type": "SOURCE_ARTICLE_16",
        "source_identity": "A member",
        "automated_detection": "No",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "puid": "roseau-test-2041",
    }


def test_a_sound_submission_has_no_faults() -> None:
    assert find_faults(sound()) == []


REQUIRED = (
    "decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts",
    "source_type", "automated_detection", "automated_decision", "puid", "decision_visibility_other",
    "incompatible_content_ground", "incompatible_content_explanation", "content_type_other",
)  # fmt: skip


@pytest.mark.parametrize("missing", [None, "", [], "gone"])
@pytest.mark.parametrize("field", REQUIRED)
def test_a_field_that_is_missing_is_found(field: str, missing: Any) -> None:
    submission = sound()
    if missing == "gone":
        del submission[field]
    else:
        submission[field] = missing
    assert field in {fault.field for fault in find_faults(submission)}


def test_a_submission_without_any_decision_is_found() -> None:
    submission = {name: value for name, value in sound().items() if "decision_" not in name[:9] or name in (
        "decision_ground", "decision_facts", "decision_ground_reference_url")}  # fmt: skip
    found = {fault.field for fault in find_faults(submission)}
    assert found == {"decision_visibility", "decision_monetary", "decision_provision", "decision_account"}


TOO_LONG = {
    "decision_visibility_other": 500, "incompatible_content_ground": 500, "content_type_other": 500,
    "incompatible_content_explanation": 2000, "decision_facts": 5000, "source_identity": 500, "puid": 500,
    "category_specification_other": 500,
}  # fmt: skip


@pytest.mark.parametrize(("field", "most"), TOO_LONG.items())
def test_a_text_that_is_too_long_is_found(field: str, most: int) -> None:
    assert find_faults({**sound(), field: "x" * most}) == []
    assert find_faults({**sound(), field: "x" * (most + 1)}) == [Fault(field, "is too long")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("decision_visibility", ["DECISION_VISIBILITY_HIDDEN", "DECISION_VISIBILITY_OTHER"]),
        ("decision_visibility", "DECISION_VISIBILITY_OTHER"),
        ("decision_provision", "DECISION_PROVISION_MAYBE"),
        ("decision_account", "SUSPENDED"),
        ("decision_monetary", "DECISION_MONETARY_GIFT"),
        ("account_type", "ACCOUNT_TYPE_ROBOT"),
        ("category", "STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE"),
        ("category_addition", ["STATEMENT_CATEGORY_MISC"]),
        ("category_specification", ["KEYWORD_OTHER", "KEYWORD_STALKERS"]),
        ("content_type", ["TEXT", "CONTENT_TYPE_OTHER"]),
        ("content_language", "fr"),
        ("content_language", "XX"),
        ("territorial_scope", ["FR", "US"]),
        ("territorial_scope", "FR"),
        ("source_type", "SOURCE_RUMOUR"),
        ("automated_detection", "yes"),
        ("automated_detection", True),
        ("automated_decision", "AUTOMATED_DECISION_YES"),
        ("incompatible_content_illegal", "Perhaps"),
        ("content_date", "1999-12-31"),
        ("content_date", "22/11/2026"),
        ("content_date", "2026-02-30"),
        ("content_date", "2026-11-22T10:00:00"),
        ("content_date", 20261122),
        ("application_date", "2019-12-31"),
        ("application_date", "2038-01-02"),
        ("end_date_account_restriction", "2026-11-21"),
        ("end_date_visibility_restriction", "2039-01-01"),
        ("puid", "a b"),
        ("puid", "é"),
        ("puid", "x\n"),
        ("decision_ground_reference_url", "rules"),
        ("decision_facts", "See @lea@far.example"),
        ("decision_facts", "Her number is 06 12 34 56 78"),
        ("incompatible_content_explanation", "Written from 192.0.2.7"),
        ("decision_facts", 7),
        ("illegal_content_explanation", "stands only with the other ground"),
        ("shoe_size", "44"),
    ],
)
def test_a_value_that_is_wrong_is_found(field: str, value: Any) -> None:
    assert field in {fault.field for fault in find_faults({**sound(), field: value})}


@given(st.sampled_from(sorted(sound())), st.sampled_from([["?"], "?" * 6000, {"a": 1}, 3.5, True]))
def test_rubbish_in_any_field_is_found(field: str, rubbish: Any) -> None:
    assert field in {fault.field for fault in find_faults({**sound(), field: rubbish})}


def test_every_reason_has_a_category_that_the_database_knows() -> None:
    assert {reason.dsa_category for reason in REASONS.values()} <= terms.CATEGORIES
    assert terms.REASON_KEYWORDS.keys() <= REASONS.keys()
    assert {word for found in terms.REASON_KEYWORDS.values() for word in found} <= terms.KEYWORDS


def test_what_takes_a_decision_back_is_not_submitted() -> None:
    draft = DecisionDraft(ground="none", facts="We were wrong.")
    made = Grounds(
        decision_id=1, decision_number=2, case_number=1, draft=draft, account_id=1, rule_text="",
        rule_version=None, reason="spam", lane="S3", channels={}, reverses_number=1, decided_at=NOW,
    )  # fmt: skip
    assert to_dsa(made, puid="x-2", rules_url="https://roseau.test/rules", category="", keywords=()) == {}
