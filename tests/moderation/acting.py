"""What the tests of moderation do all the time: post, report, appoint a moderator, look at a case."""

from typing import Any

from roseau.domain.moderation.decisions.deciding import Decided, decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.notices.drafts import Filed, NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.statuses.drafts import Draft, check_draft
from roseau.domain.statuses.posting import post_status
from roseau.doors.server import Server
from roseau.storage.statements import statements
from tests.conftest import Cast, Member

BAD = "They should all be thrown out."


def make_post(server: Server, member: Member, text: str = BAD, **fields: Any) -> int:
    """Post as that member; the id of the status."""
    draft = check_draft(server.site, Draft(text=text, **fields))
    return server.database.write_now(lambda tx: post_status(tx, server.site, member.id, draft))


def report(server: Server, reporter: Member | None, status_id: int | None = None, **fields: Any) -> Filed:
    """File a notice of a status, as a member or somebody without an account; the rest as `NoticeDraft`."""
    fields.setdefault("channel", "in_app" if reporter else "web")
    if status_id is not None:
        fields["status_ids"] = (status_id,)
    draft = NoticeDraft(account_id=reporter.id if reporter else None, **fields)
    return server.database.write_now(file_notice, server.site, draft)


def make_moderator(cast: Cast, name: str = "mona", role: str = "moderator") -> Member:
    """Somebody of the team."""
    return cast.join(name, role=role)


def rows(server: Server, sql: str, **parameters: Any) -> list[Any]:
    """What the tables say: plain tuples of a question in SQL."""
    return server.database.read_now(lambda tx: tx.all(statements(sql, sql), **parameters))


def value(server: Server, sql: str, **parameters: Any) -> Any:
    """The first column of the first row of a question in SQL."""
    return rows(server, sql, **parameters)[0][0]


LAW = "Article 24 of the law of 29 July 1881: incitement to hatred."


def decide_on(
    server: Server, decider: Member, case_id: int, *measures: MeasureDraft, **fields: Any
) -> Decided:
    """Decide a case with these measures, on the ground of a law; without measures nothing was found."""
    usual = (
        {"ground": "law", "law": LAW, "facts": "It calls for people to be thrown out."} if measures else {}
    )
    draft = DecisionDraft(**({"ground": "none", "measures": measures} | usual | fields))
    return server.database.write_now(decide, server.site, decider.id, case_id, draft)


def remove(status_id: int, **fields: Any) -> MeasureDraft:
    """A post is taken away."""
    return MeasureDraft(kind="remove", status_id=status_id, **fields)


def against(kind: Any, member: Member, **fields: Any) -> MeasureDraft:
    """A measure about an account."""
    return MeasureDraft(kind=kind, account_id=member.id, **fields)


#: Why evidence is erased although it may be needed.
WHY = "The court has said so."
