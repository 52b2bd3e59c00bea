"""What the tests of appeals and of members' records begin with."""

from typing import Any

import pytest

from roseau.domain.policy import NewRule, RuleText, set_rules
from tests.moderation.acting import decide_on, make_moderator, make_post, remove, report, rows
from tests.moderation.appealing import Story


@pytest.fixture
def mona(cast: Any) -> Any:
    return make_moderator(cast)


@pytest.fixture
def story(server: Any, cast: Any, mona: Any) -> Any:
    """Tell it, with other words where they are given."""

    def tell(reason: str = "spam", *, law: bool = False, measures: Any = None, **fields: Any) -> Story:
        status_id = make_post(server, cast.ada)
        filed = report(server, cast.bob, status_id, reason=reason)
        if not law:
            rules = rows(server, "SELECT id FROM rules")
            if not rules:
                words = {"en": RuleText("No advertising")}
                server.database.write_now(set_rules, [NewRule(texts=words)])
                rules = rows(server, "SELECT id FROM rules")
            fields |= {"ground": "rule", "rule_id": rules[0][0], "law": ""}
        chosen = (remove(status_id),) if measures is None else measures
        if not chosen:
            fields = {}
        decided = decide_on(server, mona, filed.case_ids[0], *chosen, **fields)
        return Story(status_id, filed.number, filed.case_ids[0], decided.decision_id, decided.number)

    return tell
