"""A case that somebody of the team opens because of what they saw themselves, without a notice of others."""

from roseau.domain.moderation.cases.joining import find_open_case
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.notices.resolving import resolve_statuses, resolve_uris
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel.errors import Forbidden, Invalid, Problem
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction


def find_subject(tx: Transaction, site: Site, account_id: int, uri: str) -> str:
    """The post or account that an address leads to, as the subject of a case.

    Raises Invalid where it leads to neither, and for a private conversation of others: somebody in it has to
    ask.
    """
    found = resolve_uris(tx, site, [uri.strip()])[0]
    hidden = found.visibility == "direct" and not resolve_statuses(tx, [found.status_id or 0], account_id)
    if found.status_id and not hidden:
        return f"status:{found.status_id}"
    if found.account_id and not found.status_id:
        return f"account:{found.account_id}"
    raise Invalid(
        problems=(Problem("url", "ERR_INVALID", "This address leads to no post and no account here."),)
    )


def open_own_case(
    tx: Transaction,
    site: Site,
    account_id: int,
    subject: str,
    *,
    reason: str = "other",
    comment: str = "",
    uri: str = "",
) -> int:
    """The case about `status:ID` or `account:ID`, with a snapshot: the open one, else a new one; its id.

    `uri` is the address that led there, if one did. Whoever opens a case is no party to it. Raises Forbidden
    for those who may not decide and for whoever it is about, Invalid for other subjects.
    """
    require(tx, account_id, "decide_cases")
    present = find_open_case(tx, subject)
    if present is not None:
        refuse_party(tx, present.id, account_id)
        return present.id
    kind, _, name = subject.partition(":")
    about = parse_id(name)
    if about is None or kind not in ("status", "account"):
        raise Invalid("A case of one's own is about a post or an account.")
    if kind == "account" and about == account_id:
        raise Forbidden("This case concerns you, so somebody else decides it.")
    draft = NoticeDraft(
        channel="own_initiative",
        account_id=account_id,
        reason=reason,
        comment=comment,
        good_faith=True,
        status_ids=(about,) if kind == "status" and not uri else (),
        target_account_id=about if kind == "account" and not uri else None,
        uris=(uri,) if uri else (),
    )
    case_id = file_notice(tx, site, draft).case_ids[0]
    refuse_party(tx, case_id, account_id)
    return case_id
