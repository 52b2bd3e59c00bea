"""A post that was reported and decided about, and appeals against it."""

from typing import Any

import msgspec

from roseau.domain.moderation.appeals.answering import answer_appeal
from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal

DAY = 24 * 3600


class Story(msgspec.Struct):
    """Ada's post was reported by Bob and removed by Mona; a member and the numbers of it."""

    status_id: int
    notice_number: str
    case_id: int
    decision_id: int
    decision_number: int


def appeal(server: Any, told: Story, member: Any = None, text: str = "It was a joke.", **fields: Any) -> int:
    draft = AppealDraft(
        decision_id=told.decision_id, text=text, account_id=member.id if member else None, **fields
    )
    return int(server.database.write_now(file_appeal, server.site, draft))


def answer(server: Any, reviewer: Any, appeal_id: int, outcome: Any, **fields: Any) -> Any:
    fields.setdefault("reasons", "We read it again.")
    return server.database.write_now(
        answer_appeal, server.site, reviewer.id, appeal_id, outcome, fields.pop("reasons"), **fields
    )
