"""The rule that a decision rests on when whoever asks for it names none: an app, or a list of servers."""

from collections.abc import Iterable

from roseau.domain.moderation.vocabulary import REASONS
from roseau.domain.policy import RuleSaid, find_rule_version, list_rules
from roseau.kernel.errors import Invalid
from roseau.storage.database import Transaction


def find_ground(
    tx: Transaction, *, rule_ids: Iterable[int] = (), reason: str = "other", language: str = ""
) -> RuleSaid:
    """The first of these rules that is in force; else one that fits the reason; else the site's first.

    Raises Invalid where there is no rule at all: a decision without a ground is none.
    """
    rules = list_rules(tx)
    if not rules:
        raise Invalid("Every decision names the rule that it rests on. Write the rules of the site first.")
    in_force = {rule.id for rule in rules}
    for rule_id in rule_ids:
        if rule_id in in_force and (said := find_rule_version(tx, rule_id, language=language)):
            return said
    found = [said for rule in rules if (said := find_rule_version(tx, rule.id, language=language))]
    category = REASONS[reason if reason in REASONS else "other"].dsa_category
    return next((said for said in found if said.terms.dsa_category == category), found[0])
