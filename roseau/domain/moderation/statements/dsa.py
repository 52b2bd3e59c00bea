"""A statement of reasons as the EU's Transparency Database takes it (DSA art. 17(3), 24(5); API version 2).

It names nobody: texts are stripped of handles, addresses and numbers, and the public summary stands before
the facts that the member reads.
"""

import re
from collections.abc import Iterable
from typing import Any

from roseau.domain.moderation.decisions.drafts import Grounds, MeasureDraft
from roseau.domain.moderation.statements import dsa_terms as terms
from roseau.domain.moderation.statements.measures import list_territory
from roseau.domain.moderation.statements.persons import without_persons
from roseau.domain.moderation.vocabulary import HOLD, REASONS
from roseau.kernel import clock

_OTHER = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
#: The years that the database takes: of content, of decisions, and at the end.
_CONTENT_FROM = clock.from_iso("2000-01-01")
_DECISIONS_FROM = clock.from_iso("2020-01-01")
_TO = clock.from_iso("2038-01-01")
_MOST_LIST = 500
_MOST_EXPLANATION = 2000
_MOST_FACTS = 5000

#: Measures that change what others see: how the database calls it.
_VISIBILITY: dict[str, str] = {
    "remove": "DECISION_VISIBILITY_CONTENT_REMOVED",
    "hold": "DECISION_VISIBILITY_CONTENT_DISABLED",
    "limit": "DECISION_VISIBILITY_CONTENT_DEMOTED",
    "label": "DECISION_VISIBILITY_CONTENT_LABELLED",
    "interstitial": "DECISION_VISIBILITY_OTHER",
    "reminder": "DECISION_VISIBILITY_OTHER",
    "warn_misuse": "DECISION_VISIBILITY_OTHER",
    "domain_limit": "DECISION_VISIBILITY_CONTENT_DEMOTED",
    "domain_reject_media": "DECISION_VISIBILITY_CONTENT_DISABLED",
    "domain_suspend": "DECISION_VISIBILITY_CONTENT_DISABLED",
}
_VISIBILITY_OTHER: dict[str, str] = {
    "interstitial": "Shown behind a warning",
    "reminder": "Reminder of the rule; the content stays as it is",
    "warn_misuse": "Warning of a suspension; nothing is restricted yet",
}
#: Measures that keep somebody from a part of the service.
_PROVISION = frozenset(("freeze", "pause_notices"))
_CONTENT: dict[str, str] = {
    "text": "CONTENT_TYPE_TEXT",
    "image": "CONTENT_TYPE_IMAGE",
    "gifv": "CONTENT_TYPE_VIDEO",
    "video": "CONTENT_TYPE_VIDEO",
    "audio": "CONTENT_TYPE_AUDIO",
}


def to_dsa(grounds: Grounds, *, puid: str, rules_url: str, category: str, keywords: Iterable[str]) -> Any:
    """The object to submit; empty where nothing was imposed, as when a decision is taken back.

    `category` and `keywords` are those of the rule; what they leave open, the case's reason says.
    """
    draft = grounds.draft
    if not draft.measures:
        return {}
    facts = _clean(draft.summary or draft.facts, _MOST_FACTS) or "The content is against the stated ground."
    return {
        **_to_decisions(grounds),
        **_to_ground(grounds, facts, rules_url),
        **_to_category(grounds, category, keywords),
        **_to_content(grounds),
        "territorial_scope": _to_territory(draft.measures),
        "application_date": _to_date(grounds.decided_at, _DECISIONS_FROM),
        "decision_facts": facts,
        "source_type": _to_source(grounds),
        "automated_detection": "Yes" if draft.automated_detection else "No",
        "automated_decision": {
            "not": "AUTOMATED_DECISION_NOT_AUTOMATED",
            "partially": "AUTOMATED_DECISION_PARTIALLY",
            "fully": "AUTOMATED_DECISION_FULLY",
        }[draft.automated_decision],
        "puid": puid,
    }


def to_puid(domain: str, number: int) -> str:
    """What the database calls a statement of this site: letters, digits, hyphens."""
    return f"{re.sub('[^a-zA-Z0-9]+', '-', domain).strip('-')}-{number}"


def _to_decisions(grounds: Grounds) -> dict[str, Any]:
    measures = grounds.draft.measures
    seen = [measure for measure in measures if measure.kind in _VISIBILITY]
    found: dict[str, Any] = {}
    if seen:
        found["decision_visibility"] = sorted({_VISIBILITY[measure.kind] for measure in seen})
        others = sorted({_VISIBILITY_OTHER[kind.kind] for kind in seen if kind.kind in _VISIBILITY_OTHER})
        if others:
            found["decision_visibility_other"] = "; ".join(others)
        found |= _to_end("end_date_visibility_restriction", seen, grounds.decided_at)
    kept_out = [measure for measure in measures if measure.kind in _PROVISION]
    if kept_out:
        found["decision_provision"] = "DECISION_PROVISION_PARTIAL_SUSPENSION"
        found |= _to_end("end_date_service_restriction", kept_out, grounds.decided_at)
    suspended = [measure for measure in measures if measure.kind == "suspend"]
    if suspended:
        ends = _to_end("end_date_account_restriction", suspended, grounds.decided_at)
        found["decision_account"] = "DECISION_ACCOUNT_SUSPENDED" if ends else "DECISION_ACCOUNT_TERMINATED"
        found |= ends
    return found


def _to_end(name: str, measures: list[MeasureDraft], decided_at: int) -> dict[str, str]:
    ends = [
        decided_at + HOLD if measure.kind == "hold" and measure.until_at is None else measure.until_at
        for measure in measures
    ]
    # Of several that end at different times the last counts; one that does not end stands above them.
    known = [end for end in ends if end is not None]
    return {} if len(known) < len(ends) else {name: _to_date(max(*known, decided_at), _DECISIONS_FROM)}


def _to_ground(grounds: Grounds, facts: str, rules_url: str) -> dict[str, Any]:
    draft = grounds.draft
    if draft.ground == "law":
        law, _, why = draft.law.strip().partition("\n")
        return {
            "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
            "illegal_content_legal_ground": _clean(law, _MOST_LIST) or "Law",
            "illegal_content_explanation": _clean(why, _MOST_EXPLANATION) or _clean(facts, _MOST_EXPLANATION),
        }
    found = {
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": _clean(grounds.rule_text, _MOST_LIST)
        or "The terms of use of the site",
        "incompatible_content_explanation": _clean(facts, _MOST_EXPLANATION),
        "incompatible_content_illegal": "No",
    }
    if len(rules_url) <= _MOST_LIST:
        found["decision_ground_reference_url"] = rules_url
    return found


def _to_category(grounds: Grounds, category: str, keywords: Iterable[str]) -> dict[str, Any]:
    of_reason = REASONS[grounds.reason].dsa_category if grounds.reason in REASONS else _OTHER
    chosen = category if category in terms.CATEGORIES and category != _OTHER else of_reason
    found: dict[str, Any] = {"category": chosen}
    if of_reason not in (chosen, _OTHER):
        found["category_addition"] = [of_reason]
    finer = set(keywords) | set(terms.REASON_KEYWORDS.get(grounds.reason, ()))
    if finer & terms.KEYWORDS:
        found["category_specification"] = sorted(finer & terms.KEYWORDS)
    return found


def _to_content(grounds: Grounds) -> dict[str, Any]:
    named = {_CONTENT.get(name, name) for name in grounds.content_types} & terms.CONTENT_TYPES
    if not named and grounds.status_id is not None:
        named = {"CONTENT_TYPE_TEXT"}
    found: dict[str, Any] = {"content_type": sorted(named or {"CONTENT_TYPE_OTHER"})}
    if "CONTENT_TYPE_OTHER" in found["content_type"]:
        servers = any(measure.domain for measure in grounds.draft.measures)
        found["content_type_other"] = "Another server" if servers else "Account"
    language = grounds.status_language.partition("-")[0].upper()
    if language in terms.LANGUAGES:
        found["content_language"] = language
    found["content_date"] = _to_date(grounds.written_at or grounds.decided_at, _CONTENT_FROM)
    return found


def _to_territory(measures: tuple[MeasureDraft, ...]) -> list[str]:
    named = [list_territory(measure) for measure in measures]
    if not all(named):
        return list(terms.COUNTRIES)
    return sorted({code for codes in named for code in codes} & set(terms.COUNTRIES))


def _to_source(grounds: Grounds) -> str:
    channels = set(grounds.channels) - {"own_initiative"}
    if grounds.draft.own_initiative or not channels:
        return "SOURCE_VOLUNTARY"
    if "trusted_flagger" in channels:
        return "SOURCE_TRUSTED_FLAGGER"
    if channels & {"in_app", "web", "mail"}:
        return "SOURCE_ARTICLE_16"
    return "SOURCE_TYPE_OTHER_NOTIFICATION"


def _to_date(at: int, earliest: int) -> str:
    return clock.to_date(max(earliest, min(at, _TO)))


def _clean(text: str, most: int) -> str:
    cleaned = without_persons(text).strip()
    if len(cleaned) <= most:
        return cleaned
    # What is cut in the middle may look like something else.
    return without_persons(cleaned[: most - 10]).rstrip()[: most - 1] + "…"
