"""Reports (docs.joinmastodon.org/methods/reports): a member says that something is wrong."""

import msgspec
from starlette.responses import Response

from roseau.api.present.reports import to_report
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.lookup import find_account
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.notices.listing import MyNotice, load_notice
from roseau.domain.moderation.notices.resolving import resolve_statuses
from roseau.domain.moderation.vocabulary import REASONS, Category
from roseau.doors import limits
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction

routes = Routes()


class ReportForm(msgspec.Struct, kw_only=True):
    """A report; `reason` is ours: one of the reasons that the report sheet of the pages offers."""

    account_id: int | None = None
    status_ids: list[int] = []
    collection_ids: list[int] = []
    comment: str = ""
    forward: bool = False
    category: str | None = None
    rule_ids: list[int] = []
    reason: str = ""


@routes.post("/api/v1/reports", scope="write:reports")
async def create(call: Call) -> Response:
    """Report an account, or posts of it."""
    form = await call.form(ReportForm)
    call.spend(limits.REPORTS)
    notice = await call.server.database.write(_file, call, form)
    return call.json(to_report(call.server.site.base_url, notice))


def _file(tx: Transaction, call: Call, form: ReportForm) -> MyNotice:
    member = call.member
    target = None if form.account_id is None else find_account(tx, form.account_id)
    if target is None or target.account.suspended_at is not None:
        raise NotFound
    wanted = set(form.status_ids)
    found = resolve_statuses(tx, wanted, call.viewer)
    if any(one.account_id != target.id for one in found) or len(found) < len(wanted):
        raise NotFound
    draft = NoticeDraft(
        channel="in_app", reason=_reason(form), category=_category(form), comment=form.comment,
        language=call.language, account_id=call.viewer, good_faith=True, forward=form.forward,
        target_account_id=target.id, status_ids=tuple(dict.fromkeys(form.status_ids)),
        collection_ids=tuple(dict.fromkeys(form.collection_ids)),
        rule_ids=tuple(dict.fromkeys(form.rule_ids)),
    )  # fmt: skip
    filed = file_notice(tx, call.server.site, draft)
    notice = load_notice(tx, filed.notice_id)
    if notice is None or member.account_id is None:
        raise NotFound
    return notice


def _category(form: ReportForm) -> Category:
    """As in Mastodon: who names a rule means a violation."""
    if form.rule_ids:
        return "violation"
    match form.category or (REASONS[form.reason].category if form.reason in REASONS else "other"):
        case "spam" | "legal" | "violation" | "other" as known:
            return known
        case unknown:
            raise Invalid("'%(category)s' is not a valid category", values={"category": unknown[:30]})


def _reason(form: ReportForm) -> str:
    if form.reason and form.reason not in REASONS:
        raise Invalid("Validation failed: Reason is not one that this server knows")
    return form.reason
