"""What the pages of a mirror say of the site, read once a round."""

from importlib import resources
from typing import Any

import msgspec

from roseau import __version__
from roseau.domain.accounts.loading import AccountView, load_account, load_accounts
from roseau.domain.accounts.staff import list_staff
from roseau.domain.policy import list_rules
from roseau.domain.site import Site, load_choices
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.domain.statuses.visibility import ANYONE
from roseau.domain.timelines.queries import list_pinned
from roseau.kernel import i18n
from roseau.storage.database import Transaction
from roseau.survival.mirror.content import to_digest
from roseau.web import assets


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The site."""

    title: str
    domain: str
    base_url: str
    #: Its addresses, in the order in which to try them.
    names: tuple[str, ...]
    description: str
    about: str
    contact: str
    theme_color: str
    language: str
    #: Whether strangers may read what everybody here writes; if not, only at its own address.
    open: bool
    rules: tuple[tuple[str, str], ...]


class Profile(msgspec.Struct):
    """A member and what stands on their page."""

    view: AccountView
    moved_to: AccountView | None
    pinned: list[StatusView]
    views: list[StatusView]


def load_place(tx: Transaction, site: Site, names: tuple[str, ...]) -> Place:
    """The site as it is now."""
    choices = load_choices(tx)
    language = next((one for one in choices.languages if one in i18n.LANGUAGES), i18n.LANGUAGES[0])
    rules = [rule.said_in(language) for rule in list_rules(tx)]
    return Place(
        title=choices.title,
        domain=site.domain,
        base_url=site.base_url,
        names=names or (site.base_url,),
        description=choices.short_description,
        about=choices.description,
        contact=choices.contact_email,
        theme_color=choices.theme_color,
        language=language,
        open=choices.public_timelines,
        rules=tuple((rule.text, rule.hint) for rule in rules),
    )


def look_of(place: Place) -> str:
    """Changes with whatever makes every page look different."""
    templates = resources.files("roseau.web") / "templates" / "mirror"
    texts = sorted(template.read_text("utf-8") for template in templates.iterdir())
    names = ("css/roseau.css", "icons.svg", "mark.svg", "mirror/verify.js")
    return to_digest(__version__, place, *texts, *(assets.asset(name) for name in names))


def load_views(tx: Transaction, ids: list[int]) -> list[StatusView]:
    """Posts as strangers see them, without those of members who were limited a moment ago."""
    return [view for view in load_statuses(tx, ANYONE, ids) if view.author.account.limited_at is None]


def load_profile(tx: Transaction, account_id: int, ids: list[int]) -> Profile | None:
    """What stands on a member's page, with these posts."""
    view = load_account(tx, account_id)
    if view is None:
        return None
    moved_to = load_account(tx, view.account.moved_to_id) if view.account.moved_to_id else None
    return Profile(view, moved_to, list_pinned(tx, ANYONE, account_id), load_views(tx, ids))


def load_crew(tx: Transaction) -> list[tuple[AccountView, str]]:
    """Who runs the site, as its pages name them."""
    return list_staff(tx)


def load_people(tx: Transaction, ids: list[int]) -> list[AccountView]:
    """Members who want to be found, last active first."""
    found: Any = load_accounts(tx, ids).values()
    wanted = [view for view in found if view.account.discoverable]
    return sorted(wanted, key=lambda view: view.last_status_at or 0, reverse=True)
