"""The rules in force and as they once read, as people read them and as operators write them.

A rule has versions: what a decision cites is the version that was in force. What other servers may do here
is told by `domain_rule`.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, delete, or_, select, update

from roseau.kernel import ids
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.moderation import domain_permissions, rule_versions
from roseau.storage.schema.site import rule_texts, rules, site_settings
from roseau.storage.statements import insertion, one_of, statement

MAX_RULES = 30
MAX_RULE = 300
MAX_HINT = 1_000

Lane = Literal["S0", "S1", "S2", "S3", "S4"]
Step = Literal["reminder", "label", "interstitial", "remove", "limit", "freeze", "suspend"]
#: What a ladder can hold, from mild to hard.
STEPS: tuple[Step, ...] = ("reminder", "label", "interstitial", "remove", "limit", "freeze", "suspend")
#: Where the Transparency Database of the European Union files breaches of a site's own rules.
OTHER_RULES = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"


class RuleText(msgspec.Struct, frozen=True):
    """A rule in one language; the hint explains it."""

    text: str
    hint: str = ""


class RuleTerms(msgspec.Struct, frozen=True):
    """What follows from a rule: the lane of its cases, the measures that are suggested, how it is filed."""

    lane: Lane = "S2"
    ladder: tuple[Step, ...] = ("reminder", "remove", "limit", "suspend")
    dsa_category: str = OTHER_RULES
    keywords: tuple[str, ...] = ()


#: What follows from a rule of which nobody has said anything.
USUAL = RuleTerms()


def say(texts: dict[str, RuleText], *languages: str) -> RuleText:
    """The rule in the first of these languages that it has, else in any."""
    for language in languages:
        if language in texts:
            return texts[language]
    return next(iter(texts.values()))


class Rule(msgspec.Struct, frozen=True):
    """A rule of the site, in every language it was written in."""

    id: int
    texts: dict[str, RuleText]

    def said_in(self, *languages: str) -> RuleText:
        """The rule in the first of these languages that it has, else in any."""
        return say(self.texts, *languages)


class RuleVersion(msgspec.Struct, frozen=True):
    """A rule as it read from `created_at` to `ended_at` (None: it still does)."""

    rule_id: int
    version: int
    texts: dict[str, RuleText]
    terms: RuleTerms
    created_at: int
    ended_at: int | None = None

    def said_in(self, *languages: str) -> RuleText:
        """The rule in the first of these languages that it had, else in any."""
        return say(self.texts, *languages)


class RuleSaid(msgspec.Struct, frozen=True):
    """A version of a rule in one language, with what follows from it."""

    rule_id: int
    version: int
    text: str
    hint: str
    terms: RuleTerms


class NewRule(msgspec.Struct, frozen=True):
    """A rule as operators write it; `id` of the one that it changes, None for a new one.

    `terms` None: as they were, or as usual.
    """

    texts: dict[str, RuleText]
    id: int | None = None
    terms: RuleTerms | None = None


class DomainRule(msgspec.Struct, frozen=True):
    """What another server may do here. `domain` is the name that the rule was made for."""

    domain: str
    severity: Literal["noop", "silence", "suspend"]
    reject_media: bool
    reject_reports: bool
    public_comment: str


_rules = statement(
    select(rules.c.id, rule_texts.c.language, rule_texts.c.text, rule_texts.c.hint)
    .select_from(rules.join(rule_texts, rule_texts.c.rule_id == rules.c.id))
    .where(rules.c.withdrawn_at.is_(None))
    .order_by(rules.c.position, rules.c.id, rule_texts.c.language)
)
_described_at = statement(select(site_settings.c.updated_at).where(site_settings.c.name == "description"))
_add = insertion(rules, "id position created_at")
_add_text = insertion(rule_texts, "rule_id language text hint")
_place = statement(update(rules).where(rules.c.id == bindparam("rule")).values(position=bindparam("place")))
_withdraw = statement(
    update(rules).where(rules.c.id == bindparam("rule")).values(withdrawn_at=bindparam("at"))
)
_forget_texts = statement(delete(rule_texts).where(rule_texts.c.rule_id == bindparam("rule")))
_v = rule_versions.c
_versions = statement(select(rule_versions).order_by(_v.rule_id, _v.version))
_versions_of = statement(
    select(rule_versions).where(_v.rule_id == bindparam("rule")).order_by(_v.version.desc())
)
_unversioned = statement(
    select(rules.c.id, rules.c.created_at, rules.c.withdrawn_at, rule_texts.c.language, rule_texts.c.text,
           rule_texts.c.hint)
    .select_from(
        rules.join(rule_texts, rule_texts.c.rule_id == rules.c.id).outerjoin(
            rule_versions, _v.rule_id == rules.c.id
        )
    )
    .where(_v.rule_id.is_(None))
    .order_by(rules.c.id, rule_texts.c.language)
)  # fmt: skip
_add_version = insertion(
    rule_versions, "rule_id version texts lane ladder dsa_category keywords created_at ended_at"
)
_end_versions = statement(
    update(rule_versions)
    .where(_v.rule_id == bindparam("rule"), _v.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)
_d = domain_permissions.c
_domain_rules = statement(
    select(_d.domain, _d.severity, _d.reject_media, _d.reject_reports, _d.public_comment).where(
        one_of(_d.domain, "names", "TEXT"), or_(_d.expires_at.is_(None), _d.expires_at > bindparam("now"))
    ),
    into=DomainRule,
)


def list_rules(tx: Transaction) -> list[Rule]:
    """The rules in force, in order. A rule without words is none yet."""
    found: dict[int, dict[str, RuleText]] = {}
    for row in tx.all(_rules):
        found.setdefault(row.id, {})[row.language] = RuleText(row.text, row.hint)
    return [Rule(rule_id, texts) for rule_id, texts in found.items()]


def find_description_time(tx: Transaction) -> int | None:
    """When the site's description was last written; None when it never was."""
    return tx.value(_described_at)  # type: ignore[no-any-return]


def list_rule_versions(tx: Transaction) -> list[RuleVersion]:
    """Every version of every rule that there ever was, rule by rule, the first version first."""
    found = [_to_version(row) for row in tx.all(_versions)]
    return sorted(found + _first_versions(tx), key=lambda one: (one.rule_id, one.version))


def _to_version(row: Any) -> RuleVersion:
    return RuleVersion(
        row.rule_id,
        row.version,
        msgspec.json.decode(row.texts, type=dict[str, RuleText]),
        RuleTerms(
            row.lane,
            msgspec.json.decode(row.ladder, type=tuple[Step, ...]),
            row.dsa_category,
            msgspec.json.decode(row.keywords, type=tuple[str, ...]),
        ),
        row.created_at,
        row.ended_at,
    )


def _first_versions(tx: Transaction) -> list[RuleVersion]:
    """Rules from before there were versions, as their first one."""
    found: dict[int, RuleVersion] = {}
    for row in tx.all(_unversioned):
        first = RuleVersion(row.id, 1, {}, USUAL, row.created_at, row.withdrawn_at)
        found.setdefault(row.id, first).texts[row.language] = RuleText(row.text, row.hint)
    return list(found.values())


def find_rule_version(
    tx: Transaction, rule_id: int, version: int | None = None, language: str = ""
) -> RuleSaid | None:
    """A version of a rule in a language; `version` None: the newest. None when there is no such thing."""
    known = [_to_version(row) for row in tx.all(_versions_of, rule=rule_id)] or [
        first for first in _first_versions(tx) if first.rule_id == rule_id
    ]
    for one in known:
        if version in (None, one.version):
            said = one.said_in(language)
            return RuleSaid(rule_id, one.version, said.text, said.hint, one.terms)
    return None


def backfill_versions(tx: Transaction) -> None:
    """Write down the first version of rules that have none: they are older than versions are."""
    for first in _first_versions(tx):
        _write_version(tx, first)


def _write_version(tx: Transaction, new: RuleVersion) -> None:
    tx.run(
        _add_version,
        rule_id=new.rule_id,
        version=new.version,
        texts=msgspec.json.encode(new.texts).decode(),
        lane=new.terms.lane,
        ladder=msgspec.json.encode(new.terms.ladder).decode(),
        dsa_category=new.terms.dsa_category,
        keywords=msgspec.json.encode(new.terms.keywords).decode(),
        created_at=new.created_at,
        ended_at=new.ended_at,
    )


def set_rules(tx: Transaction, wanted: list[NewRule]) -> None:
    """Put these rules in force, in this order; others are withdrawn, and stay known. Raises Invalid.

    A rule that reads otherwise, or has other consequences, gets a new version.
    """
    kept = [rule for rule in map(_clean, wanted) if rule.texts]
    if len(kept) > MAX_RULES:
        raise Invalid(
            problems=(Problem("rules", "ERR_TOO_MANY", "There are too many rules for people to read."),)
        )
    backfill_versions(tx)
    known = {rule.id for rule in list_rules(tx)}
    for rule_id in known - {rule.id for rule in kept}:
        tx.run(_withdraw, rule=rule_id, at=tx.now)
        tx.run(_end_versions, rule=rule_id, at=tx.now)
    for place, rule in enumerate(kept, 1):
        if rule.id in known and rule.id is not None:
            rule_id = rule.id
            tx.run(_place, rule=rule_id, place=place)
            tx.run(_forget_texts, rule=rule_id)
        else:
            rule_id = ids.new_id()
            tx.run(_add, id=rule_id, position=place, created_at=tx.now)
        for language, text in rule.texts.items():
            tx.run(_add_text, rule_id=rule_id, language=language, text=text.text, hint=text.hint)
        _follow_version(tx, rule_id, rule)


def _follow_version(tx: Transaction, rule_id: int, rule: NewRule) -> None:
    """Write a new version if the rule differs from its newest one."""
    newest = tx.one(_versions_of, rule=rule_id)
    before = None if newest is None else _to_version(newest)
    terms = rule.terms or (before.terms if before else USUAL)
    if before is not None and (before.texts, before.terms) == (rule.texts, terms):
        return
    tx.run(_end_versions, rule=rule_id, at=tx.now)
    number = before.version + 1 if before else 1
    _write_version(tx, RuleVersion(rule_id, number, rule.texts, terms, tx.now))


def _clean(rule: NewRule) -> NewRule:
    texts = {}
    for language, written in sorted(rule.texts.items()):
        text, hint = written.text.strip(), written.hint.strip()
        if len(text) > MAX_RULE or len(hint) > MAX_HINT:
            raise Invalid(
                problems=(Problem("rules", "ERR_TOO_LONG", "One of the rules is too long to be remembered."),)
            )
        if text:
            texts[language] = RuleText(text, hint)
    return NewRule(texts, rule.id, rule.terms)


def domain_rule(tx: Transaction, domain: str) -> DomainRule | None:
    """What a server may do here, by the rule for its name or the nearest name above; None: everything."""
    names = list(names_above(domain))
    found = {rule.domain: rule for rule in tx.all(_domain_rules, names=names, now=tx.now)}
    return next((found[name] for name in names if name in found), None)


def names_above(domain: str) -> Iterable[str]:
    """The name itself and the names that it stands under: `a.b.example`, `b.example`, `example`."""
    name = domain.strip().lower().rstrip(".")
    while name:
        yield name
        name = name.partition(".")[2]
