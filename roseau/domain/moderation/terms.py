"""The terms of the site: what people agree to when they sign up, in versions, each with the day it begins.

That day may lie ahead, and members are told of a significant change (DSA art. 14(2)): one portion of them
after the other, by a notification and by mail, with the day and where to read it.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.mails import Letter, find_reader, to_mail
from roseau.domain.moderation.team.permissions import require
from roseau.domain.names import find_front_url
from roseau.domain.notifications.official import notify_member
from roseau.domain.site import Site, choose, load_choices
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.kernel.i18n import LANGUAGES, format_date, translations
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.moderation import terms_versions
from roseau.storage.statements import insertion, statement

MAX_TERMS = 60_000
#: Terms begin within a year.
AHEAD = 366 * clock.DAY
#: The job that tells members, and how many of them in one transaction.
TELL = "tell_of_terms"
PORTION = 100


class Terms(msgspec.Struct, frozen=True):
    """A version of the terms; `until` is when the next one takes its place."""

    version: int
    texts: dict[str, str]
    since: int
    until: int | None = None
    #: Since when members are being told; None where they are not.
    told_at: int | None = None

    def said_in(self, language: str) -> tuple[str, str]:
        """The language that it is said in, and the text: the one that is asked for, if there is one."""
        found = language if language in self.texts else next(iter(self.texts))
        return found, self.texts[found]

    def holds(self, now: int) -> bool:
        """Whether it has begun and nothing has taken its place."""
        return self.since <= now and (self.until is None or now < self.until)


class TellJob(msgspec.Struct, frozen=True):
    """Payload of the job `TELL`."""

    version: int


_every = statement(
    select(
        terms_versions.c.version, terms_versions.c.texts, terms_versions.c.since, terms_versions.c.told_at
    ).order_by(terms_versions.c.version)
)
_add = insertion(terms_versions, "version texts since written_at written_by_id")
_telling = statement(
    update(terms_versions)
    .where(terms_versions.c.version == bindparam("wanted"), terms_versions.c.told_at.is_(None))
    .values(told_at=bindparam("at"))
)
_members = statement(
    select(users.c.account_id)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        users.c.account_id > bindparam("after"),
        users.c.confirmed_at.is_not(None),
        users.c.approved_at.is_not(None),
        accounts.c.deleted_at.is_(None),
    )
    .order_by(users.c.account_id)
    .limit(bindparam("most"))
)


def list_terms(tx: Transaction) -> list[Terms]:
    """Every version that holds, held or will hold, the newest first."""
    found: list[Terms] = []
    ends: int | None = None
    for row in reversed(tx.all(_every)):
        # Overtaken before its day.
        if ends is not None and row.since >= ends and row.since > tx.now:
            continue
        texts = msgspec.json.decode(row.texts, type=dict[str, str])
        found.append(Terms(row.version, texts, row.since, ends, row.told_at))
        ends = row.since
    return [terms for terms in found if terms.texts]


def find_terms(tx: Transaction, date: str | None = None) -> Terms:
    """The terms in force, or those that begin on that day (2026-11-22, UTC). Raises NotFound."""
    for terms in list_terms(tx):
        if terms.holds(tx.now) if date is None else clock.to_date(terms.since) == date:
            return terms
    raise NotFound


def set_terms(
    tx: Transaction, by_id: int, texts: dict[str, str], *, since: int | None = None, tell: bool = False
) -> bool:
    """Write terms that hold from `since` on (None: now); whether they are new. Raises Forbidden, Invalid.

    `tell`: members are told, once for each version.
    """
    require(tx, by_id, "manage_settings")
    kept = {language: text.strip() for language, text in sorted(texts.items()) if text.strip()}
    if any(len(text) > MAX_TERMS for text in kept.values()):
        raise Invalid(problems=(Problem("terms", "ERR_TOO_LONG", "Terms have at most 60,000 characters."),))
    rows: list[Any] = tx.all(_every)
    before = msgspec.json.decode(rows[-1].texts, type=dict[str, str]) if rows else {}
    version = rows[-1].version if rows else 0
    ahead = since is not None and since > tx.now
    # Whoever saves the form again, with the day in it, changes nothing.
    same = kept == before and (not ahead or rows[-1].since == since if rows else True)
    if not same:
        version += 1
        begins = _check_day(tx, since)
        tx.run(
            _add, version=version, texts=msgspec.json.encode(kept).decode(), since=begins,
            written_at=tx.now, written_by_id=by_id,
        )  # fmt: skip
        choose(tx, by_id, terms=kept, terms_since=begins if kept else 0)
    if tell and kept and tx.run(_telling, wanted=version, at=tx.now):
        add_job(tx, TELL, TellJob(version), dedupe=f"{TELL}:{version}")
    return not same


def _check_day(tx: Transaction, since: int | None) -> int:
    if since is None or since <= tx.now:
        return tx.now
    if since > tx.now + AHEAD:
        raise Invalid(
            problems=(Problem("terms_since", "ERR_INVALID", "Terms begin within a year from now."),)
        )
    return since


def tell_of_terms(tx: Transaction, site: Site, version: int, after: int) -> int | None:
    """Tell the next members of a version, by id; after whom to go on, or None at the end.

    Nobody is told twice, and nobody of a version that another has overtaken.
    """
    terms = next((one for one in list_terms(tx) if one.version == version), None)
    if terms is None or terms.until is not None:
        return None
    found = tx.values(_members, after=after, most=PORTION)
    title, front_url = load_choices(tx).title, find_front_url(tx, site)
    front = msgspec.structs.replace(site, base_url=front_url)
    for account_id in found:
        if notify_member(tx, account_id, "terms_changed", "terms", version, dedupe=f"terms-{version}"):
            reader = find_reader(tx, account_id)
            language = reader.locale if reader.locale in LANGUAGES else LANGUAGES[0]
            add_job(tx, "mail", to_mail(front, title, reader, _write_mail(language, terms, front_url)))
    return found[-1] if len(found) == PORTION else None


def _write_mail(language: str, terms: Terms, front_url: str) -> Letter:
    _ = translations(language).gettext
    day = format_date(language, terms.since)
    return Letter(
        _("The terms of this site change"),
        (
            _("From %(day)s on, new terms hold here.") % {"day": day},
            _("Please read them. Whoever does not agree can take their data along and leave before then."),
        ),
        (_("Read the new terms"), f"{front_url}/terms/{clock.to_date(terms.since)}"),
        (_("You get this mail because you have an account here; everybody who has one gets it."),),
    )
