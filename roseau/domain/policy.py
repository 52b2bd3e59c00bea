"""The rules in force, as people read them and as operators write them."""

import msgspec
from sqlalchemy import bindparam, delete, select, update

from roseau.kernel import ids
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.site import rule_texts, rules, site_settings
from roseau.storage.statements import insertion, statement

MAX_RULES = 30
MAX_RULE = 300
MAX_HINT = 1_000


class RuleText(msgspec.Struct, frozen=True):
    """A rule in one language; the hint explains it."""

    text: str
    hint: str = ""


class Rule(msgspec.Struct, frozen=True):
    """A rule of the site, in every language it was written in."""

    id: int
    texts: dict[str, RuleText]

    def said_in(self, *languages: str) -> RuleText:
        """The rule in the first of these languages that it has, else in any."""
        for language in languages:
            if language in self.texts:
                return self.texts[language]
        return next(iter(self.texts.values()))


class NewRule(msgspec.Struct, frozen=True):
    """A rule as operators write it; `id` of the one that it changes, None for a new one."""

    texts: dict[str, RuleText]
    id: int | None = None


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


def list_rules(tx: Transaction) -> list[Rule]:
    """The rules in force, in order. A rule without words is none yet."""
    found: dict[int, dict[str, RuleText]] = {}
    for row in tx.all(_rules):
        found.setdefault(row.id, {})[row.language] = RuleText(row.text, row.hint)
    return [Rule(rule_id, texts) for rule_id, texts in found.items()]


def find_description_time(tx: Transaction) -> int | None:
    """When the site's description was last written; None when it never was."""
    return tx.value(_described_at)  # type: ignore[no-any-return]


def set_rules(tx: Transaction, wanted: list[NewRule]) -> None:
    """Put these rules in force, in this order; others are withdrawn, and stay known. Raises Invalid."""
    kept = [rule for rule in map(_clean, wanted) if rule.texts]
    if len(kept) > MAX_RULES:
        raise Invalid(
            problems=(Problem("rules", "ERR_TOO_MANY", "There are too many rules for people to read."),)
        )
    known = {rule.id for rule in list_rules(tx)}
    for rule_id in known - {rule.id for rule in kept}:
        tx.run(_withdraw, rule=rule_id, at=tx.now)
    for place, rule in enumerate(kept, 1):
        if rule.id in known:
            rule_id = rule.id
            tx.run(_place, rule=rule_id, place=place)
            tx.run(_forget_texts, rule=rule_id)
        else:
            rule_id = ids.new_id()
            tx.run(_add, id=rule_id, position=place, created_at=tx.now)
        for language, text in rule.texts.items():
            tx.run(_add_text, rule_id=rule_id, language=language, text=text.text, hint=text.hint)


def _clean(rule: NewRule) -> NewRule:
    texts = {}
    for language, written in rule.texts.items():
        text, hint = written.text.strip(), written.hint.strip()
        if len(text) > MAX_RULE or len(hint) > MAX_HINT:
            raise Invalid(
                problems=(Problem("rules", "ERR_TOO_LONG", "One of the rules is too long to be remembered."),)
            )
        if text:
            texts[language] = RuleText(text, hint)
    return NewRule(texts, rule.id)
