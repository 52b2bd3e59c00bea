"""The first run: who may set a new site up, its address, and its first account, the owner."""

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.accounts.creation import NewAccount, create_account
from roseau.domain.accounts.links import use_link, withdraw_links
from roseau.domain.accounts.mails import Letter, Mail, to_html, to_text
from roseau.domain.recovery_key import standing_of
from roseau.domain.site import Choices, Site, choose, load_choices
from roseau.kernel.errors import Gone, Invalid, Problem
from roseau.kernel.i18n import translations
from roseau.settings import WrongSetting, check_base_url
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.site import site_names
from roseau.storage.statements import statement, upsert

#: What is to be done on a new site, in this order; only the owner has to be.
STEPS = ("address", "look", "mail", "rules", "owner", "recovery")

_owner = statement(
    select(users.c.account_id)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.role == "owner", accounts.c.deleted_at.is_(None))
    .limit(1)
)
_members = statement(select(func.count()).select_from(users))
_name_site = statement(
    upsert(site_names)
    .values({name: bindparam(name) for name in ("name", "kind", "position", "created_at")})
    .on_conflict_do_nothing()
)


def has_owner(tx: Transaction) -> bool:
    """Whether somebody runs the site already."""
    return tx.value(_owner) is not None


def redeem_first_run(tx: Transaction, token: str) -> None:
    """Use up the link that `roseau serve` printed. Raises Gone when it is no good or there is an owner."""
    if has_owner(tx):
        raise Gone("This site is set up already. Sign in instead.")
    use_link(tx, "first_run", token)


def may_choose_address(tx: Transaction, site: Site) -> bool:
    """Whether the address can still be chosen: no setting names it, and no account carries it."""
    return not site.settings.base_url and not tx.value(_members)


def choose_address(tx: Transaction, site: Site, written: str) -> Site:
    """Give the site its address; the site with it. Raises Invalid."""
    if not may_choose_address(tx, site):
        raise Invalid(
            problems=(_wrong("ERR_FIXED", "The address cannot be changed: accounts and posts carry it."),)
        )
    try:
        base_url = check_base_url(written.strip().rstrip("/").lower())
    except WrongSetting:
        raise Invalid(
            problems=(_wrong("ERR_INVALID", "An address looks like https://example.org, without a path."),)
        ) from None
    named = msgspec.structs.replace(site, base_url=base_url)
    tx.run(_name_site, name=named.domain, kind="domain", position=0, created_at=tx.now)
    choose(tx, None, base_url=base_url)
    return named


def _wrong(reason: str, sentence: str) -> Problem:
    return Problem("base_url", reason, sentence)


def found_site(tx: Transaction, site: Site, new: NewAccount) -> int:
    """Make the first account, which owns the site; its id. Raises Gone when there is one, Invalid."""
    if has_owner(tx):
        raise Gone("This site is set up already. Sign in instead.")
    owner = msgspec.structs.replace(new, role="owner", confirmed=True, approved=True, rules_accepted=True)
    account_id = create_account(tx, site, owner, reserved_allowed=True)
    withdraw_links(tx, "first_run", None)
    finish_step(tx, account_id, "owner")
    return account_id


def finish_step(tx: Transaction, by_id: int | None, step: str) -> None:
    """Take a step off the list of what is to be done."""
    done = load_choices(tx).done
    if step not in done:
        choose(tx, by_id, done=(*done, step))


def steps_done(choices: Choices) -> tuple[str, ...]:
    """The steps that need nobody any more; a recovery key does until its words were proven."""
    return (*choices.done, "recovery") if standing_of(choices) == "proven" else choices.done


def steps_left(choices: Choices, role: str) -> list[str]:
    """The steps that were left for later, for somebody with this role."""
    may = {"owner": STEPS, "admin": STEPS[: STEPS.index("owner")]}.get(role, ())
    return [step for step in may if step != "owner" and step not in steps_done(choices)]


def queue_test_mail(tx: Transaction, site: Site, address: str, language: str) -> None:
    """Send a mail that says that mails arrive, through the queue that all mails take."""
    _ = translations(language).gettext
    title = load_choices(tx).title
    letter = Letter(
        _("Mails arrive"),
        (
            _("You asked for this mail to see whether mails from %(title)s arrive. They do.")
            % {"title": title},
        ),
    )
    greeting = _("Hello,")
    text = to_text(letter, greeting, f"{title}\n{site.base_url}")
    html = to_html(letter, greeting, title, site.base_url, language)
    add_job(tx, "mail", Mail(address, f"{title} – {letter.subject}", text, html))
