"""Trusted flaggers (DSA art. 22): whom the site knows as such, and which notices are theirs.

The authorities of the Union appoint them; the site writes them down. They are known by a member's account, or
by the address or domain of their mails, where the site's own mail server has proven who wrote (RFC 8601): the
name under which it says so is a choice of the site, because anybody can write such a line.
"""

import re

import msgspec
from sqlalchemy import and_, bindparam, or_, select, update

from roseau.domain.accounts.lookup import find_by_handle
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.team.permissions import require
from roseau.domain.relationships.blocking import to_domain
from roseau.domain.site import Site, choose, load_choices
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound, Problem, mark
from roseau.storage.database import Transaction
from roseau.storage.schema.moderation import trusted_flaggers
from roseau.storage.statements import insertion, one_of, statement

MAX_NAME = 200
_ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]]{1,64}@([^\s<>@,;:\"()\[\]]{1,253})")
_SERVER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
#: Only what members send themselves becomes a flagger's notice.
_OWN_CHANNELS = frozenset(("in_app", "web"))


class Flagger(msgspec.Struct, frozen=True):
    """A trusted flagger; the fields are the columns, in order."""

    id: int
    name: str
    address: str
    account_id: int | None
    since: int
    withdrawn_at: int | None


class FlaggerDraft(msgspec.Struct, frozen=True):
    """One as somebody wants it written down: a mail address or domain, a member's name, or both."""

    name: str
    address: str = ""
    member: str = ""


_c = trusted_flaggers.c
_columns = [_c[name] for name in Flagger.__struct_fields__]
_all = statement(select(*_columns).order_by(_c.id.desc()), into=Flagger)
_live = _c.withdrawn_at.is_(None)
_same = statement(
    select(_c.id).where(
        _live,
        or_(
            and_(bindparam("wanted_address") != "", _c.address == bindparam("wanted_address")),
            _c.account_id == bindparam("member"),
        ),
    )
)
_of_account = statement(select(_c.id).where(_live, _c.account_id == bindparam("member")))
_of_sender = statement(select(_c.id).where(_live, one_of(_c.address, "addresses", "TEXT")))
_add = insertion(trusted_flaggers, "id name address account_id since added_by_id")
_withdraw = statement(
    update(trusted_flaggers).where(_c.id == bindparam("wanted"), _live).values(withdrawn_at=bindparam("at"))
)


def list_flaggers(tx: Transaction) -> list[Flagger]:
    """All of them, those that were withdrawn as well, the newest first."""
    return tx.all(_all)


def add_flagger(tx: Transaction, site: Site, by_id: int, draft: FlaggerDraft) -> int:
    """Write one down; its id. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_settings")
    name, address = draft.name.strip(), to_address(draft.address)
    if not name or len(name) > MAX_NAME:
        raise _wrong("name", "ERR_BLANK", mark("Say who they are, in 200 characters at most."))
    account_id = _find_member(tx, site, draft.member)
    if not address and account_id is None:
        raise _wrong(
            "address", "ERR_BLANK", mark("Say how they are known: an address, a domain, or a member.")
        )
    if tx.value(_same, wanted_address=address, member=account_id) is not None:
        raise _wrong("address", "ERR_TAKEN", mark("They are written down already."))
    flagger_id = ids.new_id()
    tx.run(
        _add, id=flagger_id, name=name, address=address, account_id=account_id, since=tx.now,
        added_by_id=by_id,
    )  # fmt: skip
    return flagger_id


def withdraw_flagger(tx: Transaction, by_id: int, flagger_id: int) -> None:
    """What they send comes first no more; what they sent stays as it is. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_settings")
    if not tx.run(_withdraw, wanted=flagger_id, at=tx.now):
        raise NotFound


def set_mail_authority(tx: Transaction, by_id: int, name: str) -> None:
    """Say under which name the site's mail server vouches for senders; empty: none does.

    Raises Forbidden, Invalid.
    """
    require(tx, by_id, "manage_settings")
    wanted = name.strip().lower()
    if wanted and not _SERVER.fullmatch(wanted):
        raise _wrong(
            "mail_authority",
            "ERR_INVALID",
            mark("It is the name right behind “Authentication-Results”, as in a mail."),
        )
    choose(tx, by_id, mail_authority=wanted)


def is_flagger(tx: Transaction, account_id: int) -> bool:
    """Whether a member is one."""
    return tx.value(_of_account, member=account_id) is not None


def is_flagger_mail(tx: Transaction, sender: str, vouched_by: str) -> bool:
    """Whether one wrote a mail: the site's own mail server has to say that it comes from its sender."""
    address = sender.strip().lower()
    authority = load_choices(tx).mail_authority
    if not authority or authority != vouched_by or "@" not in address:
        return False
    return tx.value(_of_sender, addresses=[address, address.rpartition("@")[2]]) is not None


def to_flaggers_notice(tx: Transaction, draft: NoticeDraft) -> NoticeDraft:
    """The notice of a member who is one, with their channel; any other as it is."""
    if draft.channel in _OWN_CHANNELS and draft.account_id is not None and is_flagger(tx, draft.account_id):
        return msgspec.structs.replace(draft, channel="trusted_flagger")
    return draft


def to_address(text: str) -> str:
    """A mail address or a domain, in small letters; empty for nothing. Raises Invalid for what is neither."""
    wanted = text.strip().lower()
    if not wanted:
        return ""
    try:
        if found := _ADDRESS.fullmatch(wanted):
            return f"{wanted.rpartition('@')[0]}@{to_domain(found[1])}"
        return to_domain(wanted.removeprefix("@"))
    except Invalid:
        raise _wrong("address", "ERR_INVALID", mark("This is neither a mail address nor a domain.")) from None


def _find_member(tx: Transaction, site: Site, name: str) -> int | None:
    handle = name.strip().removeprefix("@")
    if not handle:
        return None
    person = find_by_handle(tx, site, handle)
    if person is None or not person.account.local:
        raise _wrong("member", "ERR_INVALID", mark("There is no member of this name here."))
    return person.id


def _wrong(field: str, code: str, sentence: str) -> Invalid:
    return Invalid(problems=(Problem(field, code, sentence),))
