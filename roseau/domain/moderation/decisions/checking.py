"""Whether a decision can be taken as it was drafted: each field that is wrong is named, with a sentence."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.rows import Case
from roseau.domain.moderation.team.permissions import permissions_of
from roseau.domain.moderation.vocabulary import HOLD
from roseau.domain.policy import find_rule_version
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import statement

ABOUT_STATUS = frozenset(("label", "interstitial", "hold", "remove"))
ABOUT_ACCOUNT = frozenset(("limit", "freeze", "suspend", "warn_misuse", "pause_notices"))
ABOUT_DOMAIN = frozenset(("domain_limit", "domain_reject_media", "domain_suspend"))
#: They say something and are over with it.
MOMENTARY = frozenset(("reminder", "warn_misuse"))
#: About whoever sent notices, rather than about what these say.
ABOUT_NOTIFIER = frozenset(("warn_misuse", "pause_notices"))
#: What is done to one of the team, somebody does who appoints the team.
GRAVE = frozenset(("limit", "freeze", "suspend"))

MAX_FACTS = 5_000
MAX_LAW = 500
MAX_SUMMARY = 500
MAX_TEXT = 10_000
MAX_WORDS = 200
MAX_MEASURES = 100

_author_of = statement(select(statuses.c.account_id).where(statuses.c.id == bindparam("status")))
_account = statement(
    select(accounts.c.id).where(accounts.c.id == bindparam("account"), accounts.c.deleted_at.is_(None))
)


def check_draft(tx: Transaction, case: Case, decider_id: int | None, draft: DecisionDraft) -> DecisionDraft:
    """The draft with what goes without saying filled in. Raises Invalid with every problem that it has."""
    problems = _check_ground(tx, draft)
    problems += _check_lengths(draft)
    for measure in draft.measures:
        problems += _check_measure(tx, case, measure)
    if not problems:
        problems += _check_together(tx, case, decider_id, draft)
    if problems:
        raise Invalid(problems=tuple(problems))
    return msgspec.structs.replace(
        draft, measures=tuple(_complete(tx, measure) for measure in draft.measures)
    )


def _check_ground(tx: Transaction, draft: DecisionDraft) -> list[Problem]:
    problems: list[Problem] = []
    if draft.ground == "rule" and draft.rule_id is None:
        problems.append(Problem("rule_id", "ERR_BLANK", "Say which rule this is about"))
    elif draft.rule_id is not None and find_rule_version(tx, draft.rule_id) is None:
        problems.append(Problem("rule_id", "ERR_INVALID", "There is no such rule"))
    if draft.ground == "law" and not draft.law.strip():
        problems.append(Problem("law", "ERR_BLANK", "Say which law this is about, and how it is broken"))
    if draft.ground == "none" and draft.measures:
        problems.append(Problem("ground", "ERR_INVALID", "A measure needs a rule or a law"))
    if draft.ground != "none":
        if not draft.facts.strip():
            problems.append(
                Problem("facts", "ERR_BLANK", "Say what happened, in your own words: the author will read it")
            )
        if not draft.measures:
            problems.append(Problem("measures", "ERR_BLANK", "Choose a measure; a reminder is the mildest"))
    return problems


def _check_lengths(draft: DecisionDraft) -> list[Problem]:
    return [
        Problem(field, "ERR_TOO_LONG", "This is too long")
        for field, most in (
            ("facts", MAX_FACTS),
            ("law", MAX_LAW),
            ("summary", MAX_SUMMARY),
            ("text", MAX_TEXT),
            ("measures", MAX_MEASURES),
        )
        if len(getattr(draft, field)) > most
    ]


def _check_measure(tx: Transaction, case: Case, measure: MeasureDraft) -> list[Problem]:
    problems: list[Problem] = []
    if measure.kind in ABOUT_STATUS and measure.status_id is None:
        problems.append(Problem("measures", "ERR_BLANK", "Say which post this measure is about"))
    if measure.kind in ABOUT_ACCOUNT and measure.account_id is None:
        problems.append(Problem("measures", "ERR_BLANK", "Say which account this measure is about"))
    if measure.kind in ABOUT_DOMAIN and not measure.domain:
        problems.append(Problem("measures", "ERR_BLANK", "Say which server this measure is about"))
    if measure.kind == "reminder" and measure.status_id is None and measure.account_id is None:
        problems.append(Problem("measures", "ERR_BLANK", "Say whom this measure is about"))
    if measure.kind in ABOUT_ACCOUNT and measure.status_id is not None:
        problems.append(
            Problem("measures", "ERR_INVALID", "This measure is about an account, not about a post")
        )
    if measure.until_at is not None and measure.until_at <= tx.now:
        problems.append(Problem("measures", "ERR_INVALID", "A measure cannot end before it begins"))
    if measure.until_at is not None and measure.kind in MOMENTARY:
        problems.append(Problem("measures", "ERR_INVALID", "This measure has no duration"))
    if measure.kind == "label" and not measure.words.strip():
        problems.append(Problem("measures", "ERR_BLANK", "Say what the label reads"))
    if len(measure.words) > MAX_WORDS:
        problems.append(Problem("measures", "ERR_TOO_LONG", "The words before the post are too long"))
    if measure.territory and not _is_territory(measure.territory):
        problems.append(Problem("measures", "ERR_INVALID", "The territory has to be a list of country codes"))
    if measure.domain and case.domain and measure.domain != case.domain:
        problems.append(
            Problem("measures", "ERR_INVALID", "This measure is about another server than the case")
        )
    if measure.account_id is not None and tx.value(_account, account=measure.account_id) is None:
        problems.append(Problem("measures", "ERR_INVALID", "This account is no longer there"))
    if measure.status_id is not None and tx.value(_author_of, status=measure.status_id) is None:
        problems.append(Problem("measures", "ERR_INVALID", "There is no such post"))
    return problems


def _is_territory(text: str) -> bool:
    try:
        countries = msgspec.json.decode(text, type=list[str])
    except msgspec.ValidationError:
        return False
    except msgspec.DecodeError:
        return False
    return bool(countries) and all(len(code) == 2 and code.isalpha() and code.isupper() for code in countries)


def _check_together(
    tx: Transaction, case: Case, decider_id: int | None, draft: DecisionDraft
) -> list[Problem]:
    targets = [(one.kind, one.status_id, one.account_id, one.domain) for one in draft.measures]
    if len(set(targets)) < len(targets):
        return [Problem("measures", "ERR_INVALID", "The same measure is there twice")]
    people = {person_of(tx, measure) for measure in draft.measures}
    if len(people) > 1:
        return [
            Problem(
                "measures",
                "ERR_INVALID",
                "One decision is about one person; decide about the other by itself",
            )
        ]
    person = next(iter(people), None)
    # Whoever sends notices can be warned or paused in any case, and nothing else is done to them beside it.
    about_sender = all(measure.kind in ABOUT_NOTIFIER for measure in draft.measures)
    if person is not None and case.target_account_id not in (None, person) and not about_sender:
        return [Problem("measures", "ERR_INVALID", "This measure is about somebody else than the case")]
    grave = any(measure.kind in GRAVE for measure in draft.measures)
    of_the_team = grave and person is not None and permissions_of(tx, person)
    if decider_id is None:
        return []
    held = permissions_of(tx, decider_id)
    if of_the_team and "manage_roles" not in held:
        return [
            Problem(
                "measures", "ERR_INVALID", "Only those who appoint the team can do this to one of the team"
            )
        ]
    if any(measure.kind in ABOUT_DOMAIN for measure in draft.measures) and "manage_federation" not in held:
        return [
            Problem("measures", "ERR_INVALID", "Only those who look after other servers can do this to one")
        ]
    return []


def person_of(tx: Transaction, measure: MeasureDraft) -> int | None:
    """Whom a measure is about: an account, or the author of a status; None for a server."""
    if measure.status_id is not None:
        return int(tx.value(_author_of, status=measure.status_id))
    return measure.account_id


def _complete(tx: Transaction, measure: MeasureDraft) -> MeasureDraft:
    changes: dict[str, Any] = {"words": measure.words.strip()}
    if measure.kind == "hold":
        changes["until_at"] = min(measure.until_at or tx.now + HOLD, tx.now + HOLD)
    return msgspec.structs.replace(measure, **changes)
