"""Mails to those who run the site when something is wrong with it, and when it is over.

They are handed to the mail server directly: while nothing can be saved, no job can be queued.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
from sqlalchemy import bindparam, delete, select

from roseau.domain.accounts.mails import Letter, Mail, Reader, to_mail
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock, i18n
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.watch import alerts
from roseau.storage.statements import statement, upsert

AlertKind = Literal[
    "refused",
    "superseded",
    "reed_missing",
    "disk_low",
    "backup_failed",
    "backup_unproven",
    "statements_late",
    "case_unseen",
    "erasure_waiting",
]
#: What fills the sentences: `names`, `reason`, `needed`, `answering`, `free` (bytes), `moment` (ms), `count`.
Args = Mapping[str, str | int]

#: How long a trouble has to last before somebody is woken, in milliseconds.
PATIENCE: dict[AlertKind, int] = {
    "refused": 10 * clock.SECOND,
    "superseded": 0,
    "reed_missing": 60 * clock.SECOND,
    "disk_low": 60 * clock.SECOND,
    "backup_failed": 0,
    "backup_unproven": 0,
    "statements_late": 0,
    "case_unseen": 0,
    "erasure_waiting": 0,
}
#: After this long a trouble that goes on is mailed again.
REMINDERS: dict[AlertKind, int] = dict.fromkeys(PATIENCE, 6 * clock.HOUR) | {
    "disk_low": clock.DAY,
    "backup_failed": clock.DAY,
    "backup_unproven": clock.DAY,
    "case_unseen": clock.HOUR,
    "erasure_waiting": clock.DAY,
}
#: So long it has to be quiet before it counts as over: trouble that comes and goes is one trouble.
QUIET = 15 * clock.MINUTE

_readers = statement(
    select(users.c.account_id, accounts.c.username, users.c.email, users.c.locale)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        users.c.role.in_(("owner", "admin")),
        users.c.disabled_at.is_(None),
        accounts.c.suspended_at.is_(None),
        accounts.c.deleted_at.is_(None),
        users.c.email != "",
    )
    .order_by(users.c.account_id),
    into=Reader,
)
_open = statement(select(alerts.c.kind, alerts.c.sent_at))
_new = upsert(alerts).values(kind=bindparam("kind"), sent_at=bindparam("sent_at"))
_keep = statement(
    _new.on_conflict_do_update(index_elements=["kind"], set_={"sent_at": _new.excluded.sent_at})
)
_drop = statement(delete(alerts).where(alerts.c.kind == bindparam("wanted")))


class Seen(msgspec.Struct):
    """One kind of trouble: since when, when it was last seen, and what fills its mail."""

    since: int
    last: int
    args: Args


class Alarm:
    """Which troubles there are, and which of them were mailed."""

    def __init__(self, mailed: Mapping[str, int] | None = None) -> None:
        self.mailed: dict[str, int] = dict(mailed or {})
        self.seen: dict[AlertKind, Seen] = {}

    def look(
        self, present: Mapping[AlertKind, Args], now: int
    ) -> tuple[dict[AlertKind, Args], list[AlertKind]]:
        """What is wrong now: the alerts to mail, and those that are over."""
        for kind, args in present.items():
            known = self.seen.get(kind)
            self.seen[kind] = Seen(known.since if known else now, now, args)
        due: dict[AlertKind, Args] = {}
        for kind, trouble in self.seen.items():
            lasting = trouble.last - trouble.since >= PATIENCE[kind] and trouble.last == now
            sent_at = self.mailed.get(kind)
            if lasting and (sent_at is None or now - sent_at >= REMINDERS[kind]):
                due[kind] = trouble.args
                self.mailed[kind] = now
        return due, self._clear(present, now)

    def _clear(self, present: Mapping[AlertKind, Args], now: int) -> list[AlertKind]:
        over: list[AlertKind] = []
        if "superseded" in present:
            # Whatever else was wrong is not over: it is another machine's now.
            return over
        for kind in PATIENCE:
            if kind in present:
                continue
            if kind not in self.seen:
                # It was mailed before a restart: quiet is counted from now on.
                if kind in self.mailed:
                    self.seen[kind] = Seen(now, now, {})
                continue
            if kind not in self.mailed:
                del self.seen[kind]
            elif now - self.seen[kind].last >= QUIET:
                del self.seen[kind], self.mailed[kind]
                over.append(kind)
        return over


def load_alerts(tx: Transaction) -> dict[str, int]:
    """The alerts that were mailed and are not over, and when they were."""
    return {row.kind: row.sent_at for row in tx.all(_open)}


def keep_alerts(tx: Transaction, mailed: Mapping[str, int]) -> None:
    """Remember which alerts are out, so that a restart does not mail them again."""
    known = load_alerts(tx)
    for kind in known.keys() - mailed.keys():
        tx.run(_drop, wanted=kind)
    for kind, sent_at in mailed.items():
        if known.get(kind) != sent_at:
            tx.run(_keep, kind=kind, sent_at=sent_at)


def write_alerts(
    tx: Transaction, site: Site, due: Mapping[AlertKind, Args], over: list[AlertKind]
) -> list[Mail]:
    """The mails about new trouble and about what is over, to everyone who runs the site."""
    title = load_choices(tx).title
    mails = []
    for reader in tx.all(_readers):
        language = reader.locale if reader.locale in i18n.LANGUAGES else i18n.LANGUAGES[0]
        letters = [_to_letter(language, site, kind, args) for kind, args in due.items()]
        letters += [_all_clear(language, site, kind) for kind in over]
        mails += [to_mail(site, title, reader, letter) for letter in letters]
    return mails


def _to_letter(language: str, site: Site, kind: AlertKind, args: Args) -> Letter:
    _ = i18n.translations(language).gettext
    if kind == "refused" and not args["needed"]:
        middle = _("No standby is needed for it: look whether the disk of this machine is full.")
    else:
        middle = _("Standbys that answer: %(answering)s. Needed: %(needed)s. Without an answer: %(names)s.")
    subject, *said = {
        "refused": (
            _("Nothing can be saved"),
            _("The site cannot save anything now. Members can read; whoever posts is asked to wait."),
            middle,
            _("Nothing that was acknowledged is lost, and saving goes on by itself as soon as it can."),
        ),
        "superseded": (
            _("Another machine runs the site"),
            _("A standby was promoted: %(names)s. This machine has noticed it and saves nothing any more."),
            _("To make a standby of this machine, run “roseau demote” on it."),
        ),
        "reed_missing": (
            _("A standby does not answer"),
            _("Without an answer: %(names)s. Posting goes on, for enough others answer."),
            _("Look whether the machine is on and can be reached from here. It catches up by itself."),
        ),
        "disk_low": (
            _("The disk is almost full"),
            _("Less than a tenth of the disk of the data folder is free: %(free)s."),
            _("When it is full, nothing can be saved. Make room, or move the site to a larger disk."),
        ),
        "backup_failed": (
            _("The backup failed"),
            _("The last backup did not succeed. What it said: %(reason)s"),
            _("The next one is tried at its usual hour. “roseau backup FILE” makes one now."),
        ),
        "backup_unproven": (
            _("No backup was proven for three days"),
            _("A backup counts once it was restored for a trial. None was since %(moment)s."),
            _("Look at the last backups in the control room."),
        ),
        "statements_late": (
            _("Letters of the moderation are late"),
            _("Letters that tell people what was decided about them have not arrived in time: %(count)s."),
            _("Look whether the mail server takes mails. They are sent as soon as it does."),
        ),
        "case_unseen": (
            _("Nobody has looked at what cannot wait"),
            _("Cases whose time is over before anybody of the team has seen them: %(count)s."),
            _("Everybody who decides cases was called. Look at the queue, or reach somebody who does."),
        ),
        "erasure_waiting": (
            _("Evidence is not erased everywhere"),
            _("Keys of evidence that were to be destroyed more than a day ago, and are not yet: %(count)s."),
            _("A machine that has them is away. Switch it on, or take it out of the site if it is lost."),
        ),
    }[kind]
    filled = tuple(sentence % _in_words(language, args) for sentence in said)
    return Letter(subject, filled, (_("Open the control room"), f"{site.base_url}/control"))


def _in_words(language: str, args: Args) -> dict[str, str]:
    words = {name: str(value) for name, value in args.items()}
    if "free" in args:
        words["free"] = i18n.format_size(language, int(args["free"]))
    if "moment" in args:
        words["moment"] = i18n.format_moment(language, int(args["moment"]))
    return words


def _all_clear(language: str, site: Site, kind: AlertKind) -> Letter:
    _ = i18n.translations(language).gettext
    said = {
        "refused": _("The site saves again what members write."),
        "superseded": _("This machine runs the site again."),
        "reed_missing": _("Every standby answers again."),
        "disk_low": _("There is room on the disk again."),
        "backup_failed": _("The last backup succeeded."),
        "backup_unproven": _("A backup was proven again."),
        "statements_late": _("The letters of the moderation arrive in time again."),
        "case_unseen": _("Somebody has looked at every case that could not wait."),
        "erasure_waiting": _("The evidence is erased on every machine."),
    }[kind]
    return Letter(_("It is over"), (said,), (_("Open the control room"), f"{site.base_url}/control"))
