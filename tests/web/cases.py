"""What the tests of the console stand on: a rule, a reported post, and the form of a decision."""

from typing import Any

from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.storage.statements import statements
from tests.moderation.acting import make_post, report

FACTS = "The post calls people names."


def make_rule(server: Any) -> int:
    """A rule of the site, before another one."""
    texts = {"en": RuleText("No insults"), "fr": RuleText("Pas d’insultes")}
    server.database.write_now(set_rules, [NewRule(texts), NewRule({"en": RuleText("No advertising")})])
    return int(server.database.read_now(list_rules)[0].id)


def make_case(server: Any, cast: Any, rule: int) -> int:
    """Ada has reported what Bob wrote; the id of Bob's post."""
    status_id = make_post(server, cast.bob, "You are all fools")
    report(server, cast.ada, status_id, reason="harassment", rule_ids=(rule,), comment="He means me.")
    return status_id


def write(server: Any, sql: str) -> None:
    """Change a row as no command would."""
    changed = statements(sql, sql)
    server.database.write_now(lambda tx: tx.run(changed))


def decision(rule: int, measure: int, **fields: Any) -> dict[str, Any]:
    """The form of a decision as it is filled in."""
    return {"rule": f"rule:{rule}", "measure": str(measure), "facts": FACTS, "which": "todo", **fields}
