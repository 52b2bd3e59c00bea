"""Mails to members, written in their language and queued: the worker sends them once the change is saved."""

from collections.abc import Callable
from html import escape

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.names import find_front_url
from roseau.domain.site import Site, load_choices
from roseau.kernel.errors import NotFound
from roseau.kernel.i18n import LANGUAGES, translations
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement


class Mail(msgspec.Struct, frozen=True):
    """A mail as it waits in the queue: the payload of the job `mail`."""

    recipient: str
    subject: str
    text: str
    html: str


class Letter(msgspec.Struct, frozen=True):
    """What a mail says. `action` is what the link does and where it leads."""

    subject: str
    before: tuple[str, ...]
    action: tuple[str, str] | None = None
    after: tuple[str, ...] = ()


class Reader(msgspec.Struct, frozen=True):
    """The member a mail is for."""

    account_id: int
    username: str
    email: str
    locale: str


_reader = statement(
    select(users.c.account_id, accounts.c.username, users.c.email, users.c.locale)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.account_id == bindparam("account")),
    into=Reader,
)


def find_reader(tx: Transaction, account_id: int) -> Reader:
    """Whom to write to. Raises NotFound for an account without a login."""
    reader = tx.one(_reader, account=account_id)
    if reader is None:
        raise NotFound
    return reader


def mail_confirmation(tx: Transaction, site: Site, reader: Reader, token: str) -> None:
    """Ask a new member to confirm the address."""
    _ = _words(reader)
    letter = Letter(
        _("Confirm your e-mail address"),
        (_("One step is left: confirm that this address is yours."),),
        (_("Confirm my address"), f"{find_front_url(tx, site)}/confirm/{token}"),
        (
            _("The link works once, for two days."),
            _("If you did not ask for an account, ignore this mail: nothing will happen."),
        ),
    )
    _queue(tx, site, reader, letter)


def mail_new_address(tx: Transaction, site: Site, reader: Reader, address: str, token: str) -> None:
    """Ask at the new address whether it is the member's, and tell the old one that somebody asked."""
    _ = _words(reader)
    letter = Letter(
        _("Confirm your new e-mail address"),
        (_("You asked to receive the mails for your account at this address."),),
        (_("Confirm my new address"), f"{find_front_url(tx, site)}/confirm/{token}"),
        (
            _("The link works once, for one day. Until then your old address stays in use."),
            _("If you did not ask for this, ignore this mail: nothing will change."),
        ),
    )
    _queue(tx, site, reader, letter, address)
    warning = Letter(
        _("Your e-mail address is about to change"),
        (
            _("Somebody who knows your password asked to change the address of your account to %(address)s.")
            % {"address": address},
        ),
        None,
        (_("If it was not you, change your password now: your account is in somebody else's hands."),),
    )
    _queue(tx, site, reader, warning)


def mail_address_changed(tx: Transaction, site: Site, reader: Reader, old: str) -> None:
    """Tell the old address that it is no longer in use."""
    _ = _words(reader)
    letter = Letter(
        _("Your e-mail address was changed"),
        (_("Mails for your account now go to %(address)s.") % {"address": reader.email},),
        None,
        (_("If it was not you, write to the people who run this site at once."),),
    )
    _queue(tx, site, reader, letter, old)


def mail_password_reset(tx: Transaction, site: Site, reader: Reader, token: str) -> None:
    """Send the link that sets a new password."""
    _ = _words(reader)
    letter = Letter(
        _("Choose a new password"),
        (_("Somebody asked for a new password for your account."),),
        (_("Choose a new password"), f"{find_front_url(tx, site)}/password/reset/{token}"),
        (
            _("The link works once, for two hours."),
            _("If you did not ask for it, ignore this mail: your password stays as it is."),
        ),
    )
    _queue(tx, site, reader, letter)


def mail_password_changed(tx: Transaction, site: Site, reader: Reader) -> None:
    """Say that the password is a new one."""
    _ = _words(reader)
    letter = Letter(
        _("Your password was changed"),
        (_("The password of your account is a new one, and you were signed out elsewhere."),),
        (_("It was not me"), f"{find_front_url(tx, site)}/password/forgot"),
    )
    _queue(tx, site, reader, letter)


def mail_second_factor(tx: Transaction, site: Site, reader: Reader, *, enabled: bool) -> None:
    """Say that signing in takes a code now, or takes none any more."""
    _ = _words(reader)
    if enabled:
        subject, said = _("Two-factor sign-in is on"), _("From now on, signing in takes a code of your app.")
    else:
        subject, said = _("Two-factor sign-in is off"), _("From now on, your password is enough to sign in.")
    letter = Letter(subject, (said,), (_("It was not me"), f"{find_front_url(tx, site)}/password/forgot"))
    _queue(tx, site, reader, letter)


def mail_approved(tx: Transaction, site: Site, reader: Reader) -> None:
    """Say that the member is let in."""
    _ = _words(reader)
    letter = Letter(
        _("Your account is ready"),
        (_("Your request was read and accepted. Welcome!"),),
        (_("Sign in"), f"{find_front_url(tx, site)}/sign_in"),
    )
    _queue(tx, site, reader, letter)


def mail_rejected(tx: Transaction, site: Site, reader: Reader) -> None:
    """Say that somebody is not let in."""
    _ = _words(reader)
    letter = Letter(
        _("Your request was not accepted"),
        (
            _("Your request for an account was read and not accepted."),
            _("Nothing of what you gave us was kept."),
        ),
    )
    _queue(tx, site, reader, letter)


def _words(reader: Reader) -> Callable[[str], str]:
    return translations(_language(reader)).gettext


def _language(reader: Reader) -> str:
    return reader.locale if reader.locale in LANGUAGES else LANGUAGES[0]


def _queue(tx: Transaction, site: Site, reader: Reader, letter: Letter, recipient: str = "") -> None:
    # Its links have to work on the day when the site's own domain does not.
    front = msgspec.structs.replace(site, base_url=find_front_url(tx, site))
    add_job(tx, "mail", to_mail(front, load_choices(tx).title, reader, letter, recipient))


def to_mail(site: Site, title: str, reader: Reader, letter: Letter, recipient: str = "") -> Mail:
    """The letter as a mail to the member, or to another address of theirs; `title` is the site's."""
    greeting = _words(reader)("Hello %(name)s,") % {"name": reader.username}
    return Mail(
        recipient or reader.email,
        f"{title} – {letter.subject}",
        to_text(letter, greeting, f"{title}\n{site.base_url}"),
        to_html(letter, greeting, title, site.base_url, _language(reader)),
    )


def to_text(letter: Letter, greeting: str, signature: str) -> str:
    """The letter as plain text."""
    action = (f"{letter.action[0]}:\n{letter.action[1]}",) if letter.action else ()
    return "\n\n".join((greeting, *letter.before, *action, *letter.after, f"-- \n{signature}")) + "\n"


def to_html(letter: Letter, greeting: str, title: str, base_url: str, language: str) -> str:
    """The letter as HTML that needs neither style sheet nor picture."""
    parts = [f"<p>{escape(text)}</p>" for text in (greeting, *letter.before)]
    if letter.action:
        label, url = (escape(text) for text in letter.action)
        parts.append(f'<p><a href="{url}">{label}</a></p><p>{url}</p>')
    parts += [f"<p>{escape(text)}</p>" for text in letter.after]
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{escape(letter.subject)}</title></head>"
        f'<body style="font-family:sans-serif;line-height:1.5;max-width:36em">{"".join(parts)}'
        f'<p><a href="{escape(base_url)}">{escape(title)}</a></p></body></html>'
    )
