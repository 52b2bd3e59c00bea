"""What the control room says: the first sentence, and each thing to do, in words for three in the morning."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from roseau.kernel import i18n
from roseau.survival.standing import LinkStanding, missing_reeds
from roseau.survival.watching.facts import Facts
from roseau.survival.watching.todo import ToDo

Tone = Literal["ok", "warn", "danger"]

INVITE: Final = "roseau reed invite"
SERVE: Final = "roseau reed serve --data DIR --listen HOST:PORT --code CODE"


class Say(msgspec.Struct, frozen=True):
    """The reader's language and time zone."""

    language: str
    zone: str

    @property
    def gettext(self) -> Callable[[str], str]:
        """Translates a sentence."""
        return i18n.translations(self.language).gettext

    def moment(self, at: int) -> str:
        """A day and an hour."""
        return i18n.format_moment(self.language, at, self.zone)

    def duration(self, seconds: float) -> str:
        """How long, in words."""
        return i18n.format_duration(self.language, seconds)


class Headline(msgspec.Struct, frozen=True):
    """How the site stands, what that means, and the one thing to do (a command) if there is one."""

    tone: Tone
    heading: str
    sentences: list[str]
    command: str = ""


class Task(msgspec.Struct, frozen=True):
    """Something to do: where (href and the words on it) or with which command."""

    name: ToDo
    icon: str
    tone: Tone
    title: str
    sentence: str
    href: str = ""
    words: str = ""
    command: str = ""


def say_headline(say: Say, facts: Facts) -> Headline:
    """The first sentence of the control room and what follows from it."""
    match facts.condition:
        case "superseded":
            return _superseded(say, facts)
        case "refused":
            return _refused(say, facts)
        case "reed_missing":
            return _reed_missing(say, facts)
        case "alone":
            return _alone(say, facts)
        case "holding":
            return _holding(say, facts)


def _superseded(say: Say, facts: Facts) -> Headline:
    _ = say.gettext
    name = facts.standing.superseded_by
    heading = (
        _("Another machine, %(name)s, runs this site since %(moment)s.")
        % {"name": name, "moment": say.moment(facts.since)}
        if facts.since
        else _("Another machine, %(name)s, runs this site.") % {"name": name}
    )
    return Headline(
        "danger",
        heading,
        [
            _("This machine saves nothing any more, so no two machines can contradict each other."),
            _("To make a standby of it, stop the server here and run:"),
        ],
        "roseau demote",
    )


def _refused(say: Say, facts: Facts) -> Headline:
    _ = say.gettext
    heading = (
        _("Nothing can be saved since %(moment)s.") % {"moment": say.moment(facts.since)}
        if facts.since
        else _("Nothing can be saved at the moment.")
    )
    standing = facts.standing
    kept = _("Members can read. Nothing that was acknowledged is lost.")
    if not standing.needed:
        return Headline(
            "danger", heading, [kept, _("Look first whether the disk of this machine is full.")], "df -h"
        )
    missing = missing_reeds(standing)
    sentences = [
        kept,
        _("Standbys that have to answer: %(needed)s. Answering now: %(answering)s.")
        % {"needed": standing.needed, "answering": standing.answering},
    ]
    if missing:
        sentences.append(
            _("Look at %(names)s: is the machine on, and can it be reached from here?")
            % {"names": _named(missing)}
        )
    sentences.append(_("Saving goes on by itself as soon as enough of them answer."))
    return Headline("danger", heading, sentences, "roseau status")


def _reed_missing(say: Say, facts: Facts) -> Headline:
    _ = say.gettext
    missing = missing_reeds(facts.standing)
    return Headline(
        "warn",
        _("Holding, but %(names)s does not answer.") % {"names": _named(missing)}
        if len(missing) == 1
        else _("Holding, but some standbys do not answer: %(names)s.") % {"names": _named(missing) or "–"},
        [
            _("Posting goes on: enough others answer.")
            if facts.standing.answering > facts.standing.needed
            else _("Posting goes on, but pauses if one more does not answer."),
            *(_silence(say, reed) for reed in missing),
            _("It catches up by itself as soon as it is back."),
        ],
        "roseau status",
    )


def _silence(say: Say, reed: LinkStanding) -> str:
    _ = say.gettext
    if reed.last_answer_at is None:
        return _("%(name)s has not answered since this server was started.") % {"name": reed.name}
    return _("%(name)s last answered on %(moment)s.") % {
        "name": reed.name,
        "moment": say.moment(reed.last_answer_at),
    }


def _alone(say: Say, facts: Facts) -> Headline:
    _ = say.gettext
    if not facts.ships:
        return Headline(
            "warn",
            _("Running on PostgreSQL, without a standby of Roseau’s."),
            [_("Whether PostgreSQL itself has a replica cannot be seen from here."), _loss(say, facts)],
        )
    if facts.standing.reeds:
        heading = _("No standby counts yet.")
        first = _("A standby counts once it has everything. Those that are on their way stand below.")
    else:
        heading = _("Running without a standby.")
        first = _("To set one up, run this here; the code that it prints pairs the other machine:")
        return Headline("warn", heading, [_loss(say, facts), first], INVITE)
    return Headline("warn", heading, [_loss(say, facts), first], "roseau status")


def _loss(say: Say, facts: Facts) -> str:
    _ = say.gettext
    made_at = facts.backups.last_made_at
    if made_at is None:
        return _("If this machine is lost, so is everything: there is no backup either.")
    return _("If this machine is lost, so is everything since the last backup (%(moment)s).") % {
        "moment": say.moment(made_at)
    }


def _holding(say: Say, facts: Facts) -> Headline:
    _ = say.gettext
    safe = _("If this machine is lost tonight, nobody loses an account or a post.")
    last = facts.rehearsal
    if last is None:
        rehearsed = _("A rehearsal on a copy shows how long the switch takes; members notice nothing of it.")
        return Headline("ok", _("All holding. Nobody has rehearsed the switch yet."), [safe, rehearsed])
    if not last.passed:
        return Headline(
            "warn",
            _("All holding, but the last rehearsal failed."),
            [last.detail, _("It was on %(moment)s.") % {"moment": say.moment(last.at)}],
            "roseau rehearse",
        )
    return Headline(
        "ok",
        _("All holding. The standby can take over in %(duration)s.")
        % {"duration": say.duration(last.seconds)},
        [safe, _("The last rehearsal passed on %(moment)s.") % {"moment": say.moment(last.at)}],
    )


def _named(reeds: list[LinkStanding]) -> str:
    return ", ".join(reed.name for reed in reeds)


def say_tasks(say: Say, facts: Facts, wanted: list[ToDo]) -> list[Task]:
    """The list of things to do in words, in the order given."""
    known = _tasks(say, facts)
    return [known[name] for name in wanted]


def _tasks(say: Say, facts: Facts) -> dict[ToDo, Task]:
    _ = say.gettext
    open_, plan = _("Open"), "/control/plan"
    certificate, domain = facts.dependencies.get("certificate"), facts.dependencies.get("domain")
    ends = _("It ends on %(moment)s. Whoever renews it has not done so yet.")
    rows: list[tuple[ToDo, str, Tone, str, str, str, str, str]] = [
        ("demote", "arrow-right-left", "danger", _("Make a standby of this machine"),
         _("Another one runs the site now."), "", "", "roseau demote"),
        ("save_again", "triangle-alert", "danger", _("Let the site save again"),
         _("Members cannot post at the moment."), plan, _("The plan"), ""),
        ("wake_reed", "server", "danger", _("Bring the silent standby back"),
         _named(missing_reeds(facts.standing)), "", "", "roseau status"),
        ("mend_media", "image", "danger", _("Look for the pictures that were lost"),
         _("At the last check they were right in no store."), "", "", "roseau media verify --repair"),
        ("renew_certificate", "shield", "danger" if certificate and certificate.state == "bad" else "warn",
         _("Renew the certificate"),
         ends % {"moment": say.moment(certificate.until)} if certificate and certificate.until
         else _("Browsers refuse it: %(reason)s.") % {"reason": certificate.detail if certificate else ""},
         "", "", ""),
        ("mend_backup", "database", "danger", _("Mend the backup"), facts.backups.error,
         "", "", "roseau backup FILE"),
        ("mend_vault", "database", "warn", _("Bring the vault back"),
         "; ".join(vault.reason for vault in facts.vaults if vault.state == "away"), "", "", ""),
        ("add_standby", "server", "warn", _("Set up a standby"),
         _("Any other machine is enough, a friend’s too. The plan has the commands."),
         plan, _("The plan"), ""),
        ("write_recovery_key", "key-round", "warn", _("Write down the recovery key"),
         _("Nine words on paper open this site’s secrets on any machine."),
         "/settings/site/recovery", open_, ""),
        ("prove_recovery_key", "key-round", "warn", _("Prove that the recovery key was kept"),
         _("Nobody has shown yet that the nine words are on paper."), "/settings/site/recovery", open_, ""),
        ("set_up_backup", "database", "warn", _("Have a backup made each night"),
         _("Set backup_folder or vaults in roseau.toml."), "", "", "roseau backup FILE"),
        ("prove_backup", "database", "warn", _("See why no backup was proven"),
         _("A backup counts once it was restored for a trial: none was for three days."), "", "", ""),
        ("set_up_mail", "mail", "warn", _("Set up mail"),
         _("Without a mail server no alert reaches anybody: mails are written to files."),
         "/settings/site/mail", open_, ""),
        ("mend_rehearsal", "refresh-cw", "warn", _("See why the rehearsal failed"),
         facts.rehearsal.detail if facts.rehearsal else "", "", "", "roseau rehearse"),
        ("rehearse", "refresh-cw", "ok", _("Rehearse the switch"),
         _("On a copy: members notice nothing of it."), "", "", "roseau rehearse"),
        ("make_room", "hard-drive", "warn", _("Make room on the disk"),
         _("Free: %(free)s.") % {"free": i18n.format_size(say.language, facts.room.free)}, "", "", "df -h"),
        ("renew_domain", "globe", "warn", _("Renew the domain"),
         ends % {"moment": say.moment(domain.until)} if domain and domain.until else "", "", "", ""),
        ("second_owner", "users", "ok", _("Name a second owner"),
         _("Today only one person can switch over, and knows where the recovery key is."),
         "", "", "roseau account role NAME owner"),
        ("second_store", "image", "ok", _("Keep pictures in a second place"),
         _("Name a folder or bucket in media_stores."), "", "", "roseau media verify"),
        ("mend_delivery", "send", "ok", _("Look at what could not be sent"),
         _("What was tried ten times is kept and not tried again."), "", "", "roseau check"),
        ("set_up_dns", "globe", "ok", _("Let a promotion point the name by itself"),
         _("Set dns_hook in roseau.toml; until then the name has to be changed by hand."),
         "", "", "roseau dns check"),
    ]  # fmt: skip
    return {row[0]: Task(*row) for row in rows}
