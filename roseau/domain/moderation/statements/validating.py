"""By which rules the EU's Transparency Database takes or refuses a statement, and one of ours: no persons.

After digital-services-act/transparency-database, `app/Http/Requests/StatementStoreRequest.php` and the rules
of its API controllers. Nothing is sent there; whoever has to send finds each statement fit to be sent.
"""

import re
from collections.abc import Mapping, Set
from datetime import date
from typing import Any, NamedTuple

from roseau.domain.moderation.statements import dsa_terms as terms
from roseau.domain.moderation.statements.persons import names_somebody


class Fault(NamedTuple):
    """A field that is refused, and why."""

    field: str
    reason: str


_DECISIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
_REQUIRED = (
    "decision_ground",
    "content_type",
    "category",
    "content_date",
    "application_date",
    "decision_facts",
    "source_type",
    "automated_detection",
    "automated_decision",
    "puid",
)
#: Fields with one value of a list.
_CHOICES: dict[str, Set[str]] = {
    "decision_monetary": terms.MONETARIES,
    "decision_provision": terms.PROVISIONS,
    "decision_account": terms.ACCOUNTS,
    "account_type": terms.ACCOUNT_TYPES,
    "decision_ground": terms.GROUNDS,
    "incompatible_content_illegal": terms.YES_NO,
    "category": terms.CATEGORIES,
    "content_language": terms.LANGUAGES,
    "source_type": terms.SOURCES,
    "automated_detection": terms.YES_NO,
    "automated_decision": terms.AUTOMATED_DECISIONS,
}
#: Fields with any number of values of a list.
_LISTS: dict[str, Set[str]] = {
    "decision_visibility": terms.VISIBILITIES,
    "content_type": terms.CONTENT_TYPES,
    "category_addition": terms.CATEGORIES,
    "category_specification": terms.KEYWORDS,
    "territorial_scope": frozenset(terms.COUNTRIES),
}
#: Fields in anybody's own words, with the most characters that they may have.
_TEXTS: dict[str, int] = {
    "decision_visibility_other": 500,
    "decision_monetary_other": 500,
    "illegal_content_legal_ground": 500,
    "illegal_content_explanation": 2000,
    "incompatible_content_ground": 500,
    "incompatible_content_explanation": 2000,
    "content_type_other": 500,
    "category_specification_other": 500,
    "decision_facts": 5000,
    "source_identity": 500,
    "decision_ground_reference_url": 500,
    "puid": 500,
}
#: Field -> the field and value with which it stands, and whether it has to stand there.
_CONDITIONS: dict[str, tuple[str, str, bool]] = {
    "decision_visibility_other": ("decision_visibility", "DECISION_VISIBILITY_OTHER", True),
    "decision_monetary_other": ("decision_monetary", "DECISION_MONETARY_OTHER", True),
    "content_type_other": ("content_type", "CONTENT_TYPE_OTHER", True),
    "category_specification_other": ("category_specification", "KEYWORD_OTHER", False),
    "illegal_content_legal_ground": ("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT", True),
    "illegal_content_explanation": ("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT", True),
    "incompatible_content_ground": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT", True),
    "incompatible_content_explanation": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT", True),
    "incompatible_content_illegal": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT", False),
}
_LAST = date(2038, 1, 1)
#: Dates, and the first day that each may be.
_DATES: dict[str, date | None] = {
    "content_date": date(2000, 1, 1),
    "application_date": date(2020, 1, 1),
    "end_date_visibility_restriction": None,
    "end_date_monetary_restriction": None,
    "end_date_service_restriction": None,
    "end_date_account_restriction": None,
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PUID = re.compile(r"[a-zA-Z0-9_-]+", re.ASCII)
_URL = re.compile(r"https?://[^\s/]+\S*")
_KNOWN = frozenset((*_CHOICES, *_LISTS, *_TEXTS, *_DATES))
#: These name a page and a statement, not a person.
_NO_PROSE = frozenset(("decision_ground_reference_url", "puid"))


def find_faults(submitted: Mapping[str, Any]) -> list[Fault]:
    """What the database would refuse in a statement, sorted by field; nothing: it would take it."""
    # As there, null and empty are the same as not there.
    given = {name: value for name, value in submitted.items() if value not in (None, "", [])}
    faults = [Fault(name, "is not a field") for name in given if name not in _KNOWN]
    faults += [Fault(name, "is required") for name in _REQUIRED if name not in given]
    if not any(name in given for name in _DECISIONS):
        faults += [Fault(name, "is required when there is no other decision") for name in _DECISIONS]
    faults += _find_wrong_choices(given)
    faults += _find_wrong_texts(given)
    faults += _find_wrong_company(given)
    faults += _find_wrong_dates(given)
    return sorted(faults)


def _find_wrong_choices(given: Mapping[str, Any]) -> list[Fault]:
    faults = [
        Fault(name, "is not one of the list")
        for name, allowed in _CHOICES.items()
        if name in given and not (isinstance(given[name], str) and given[name] in allowed)
    ]
    for name, allowed in _LISTS.items():
        values = given.get(name)
        if values is None:
            continue
        if not isinstance(values, list):
            faults.append(Fault(name, "is not a list"))
        elif any(not isinstance(value, str) or value not in allowed for value in values):
            faults.append(Fault(name, "is not one of the list"))
    return faults


def _find_wrong_texts(given: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []
    for name, most in _TEXTS.items():
        value = given.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            faults.append(Fault(name, "is not text"))
            continue
        if len(value) > most:
            faults.append(Fault(name, "is too long"))
        if name not in _NO_PROSE and names_somebody(value):
            faults.append(Fault(name, "has personal data"))
    if not _matches(_PUID, given.get("puid")):
        faults.append(Fault("puid", "has other characters than letters, digits, - and _"))
    if not _matches(_URL, given.get("decision_ground_reference_url")):
        faults.append(Fault("decision_ground_reference_url", "is not a URL"))
    return faults


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return not isinstance(value, str) or pattern.fullmatch(value) is not None


def _find_wrong_company(given: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []
    for name, (other, wanted, required) in _CONDITIONS.items():
        value = given.get(other)
        stands = wanted in value if isinstance(value, list) else value == wanted
        if stands and required and name not in given:
            faults.append(Fault(name, f"is required with {wanted}"))
        # The database drops it silently; here it is a mistake of whoever made it.
        if not stands and name in given:
            faults.append(Fault(name, f"stands only with {wanted}"))
    return faults


def _find_wrong_dates(given: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []
    read: dict[str, date] = {}
    for name, first in _DATES.items():
        if name not in given:
            continue
        day = _to_day(given[name])
        if day is None:
            faults.append(Fault(name, "is not YYYY-MM-DD"))
            continue
        read[name] = day
        if day > _LAST or (first is not None and day < first):
            faults.append(Fault(name, "is out of range"))
    begin = read.get("application_date")
    faults += [
        Fault(name, "is before the decision")
        for name, day in read.items()
        if name.startswith("end_date") and begin is not None and day < begin
    ]
    return faults


def _to_day(value: Any) -> date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
