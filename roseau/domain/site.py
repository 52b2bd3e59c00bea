"""This site: its address and limits, and what its operators chose in the pages."""

from typing import Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, select

from roseau.settings import Registrations, Settings
from roseau.storage.database import Transaction
from roseau.storage.evidence_keys import EvidenceKeys
from roseau.storage.schema.site import site_settings
from roseau.storage.statements import statement, upsert


class Site(msgspec.Struct, frozen=True):
    """What commands need to know of the site they run on; made once at start-up."""

    base_url: str
    settings: Settings
    data_key: bytes
    #: What preserved evidence is sealed under; by default it knows no key.
    evidence_keys: EvidenceKeys = EvidenceKeys()

    @property
    def domain(self) -> str:
        """The name after the second @, with a port when it is not the usual one."""
        return urlsplit(self.base_url).netloc

    @property
    def secure(self) -> bool:
        """Whether members reach it over HTTPS."""
        return self.base_url.startswith("https://")


class Choices(msgspec.Struct, kw_only=True):
    """What operators set in the pages; every field can be left for later."""

    title: str = "Roseau"
    short_description: str = ""
    description: str = ""
    contact_email: str = ""
    contact_account: str = ""
    registrations: Registrations = "closed"
    registrations_message: str = ""
    minimum_age: int = 0
    theme_color: str = "#085f50"
    languages: tuple[str, ...] = ("en", "fr")
    #: Whether people without an account may read the local timeline.
    public_timelines: bool = True
    #: Steps of the first run that are done: address, look, mail, rules, owner.
    done: tuple[str, ...] = ()
    #: The address chosen in the pages or at `init`.
    base_url: str = ""
    #: What is sealed for the nine words is sealed with it (base64); when they were made and last proven.
    recovery_public_key: str = ""
    recovery_made_at: int = 0
    recovery_proven_at: int = 0
    #: Contact points: for authorities (DSA art. 11), for users (art. 12), and the languages they answer in.
    contact_authorities: str = ""
    contact_users: str = ""
    contact_languages: tuple[str, ...] = ()
    #: Language -> what people agree to when they sign up, as Markdown; and from when on.
    terms: dict[str, str] = {}
    terms_since: int = 0
    #: Who answers for the site, as the law of many countries wants it said.
    operator: str = ""
    country: str = "FR"
    #: The body for disputes out of court that statements name (DSA art. 21); empty: how to find one.
    dispute_body: str = ""
    #: Who reads appeals that the only moderator may not refuse alone: an account of this site, 0 for nobody.
    outside_reviewer_id: int = 0
    #: Sites (https://…) that keep the daily roots of our log, and whose roots we keep.
    record_peers: tuple[str, ...] = ()
    #: Domains whose mails to the abuse address are letters with a clock, besides the hosts that are known.
    letter_senders: tuple[str, ...] = ()
    #: The name under which our mail server says who wrote a mail (RFC 8601); empty: nobody is believed.
    mail_authority: str = ""
    #: Who sees the list of limited servers.
    show_limited_servers: Literal["all", "users", "disabled"] = "all"


ChoiceName = Literal[
    "title",
    "short_description",
    "description",
    "contact_email",
    "contact_account",
    "registrations",
    "registrations_message",
    "minimum_age",
    "theme_color",
    "languages",
    "public_timelines",
    "done",
    "base_url",
    "recovery_public_key",
    "recovery_made_at",
    "recovery_proven_at",
    "contact_authorities",
    "contact_users",
    "contact_languages",
    "terms",
    "terms_since",
    "operator",
    "country",
    "dispute_body",
    "outside_reviewer_id",
    "record_peers",
    "letter_senders",
    "mail_authority",
    "show_limited_servers",
]

#: Ways of signing up for people whom nobody has invited.
OPEN = frozenset(("open", "approval"))

_all = statement(select(site_settings.c.name, site_settings.c.value))
_set = statement(
    upsert(site_settings)
    .values(
        name=bindparam("name"),
        value=bindparam("value"),
        updated_at=bindparam("updated_at"),
        updated_by_id=bindparam("updated_by_id"),
    )
    .on_conflict_do_update(
        index_elements=["name"],
        set_={
            "value": upsert(site_settings).excluded.value,
            "updated_at": upsert(site_settings).excluded.updated_at,
            "updated_by_id": upsert(site_settings).excluded.updated_by_id,
        },
    )
)


def load_choices(tx: Transaction) -> Choices:
    """What the operators chose, with defaults for the rest."""
    found = {row.name: msgspec.json.decode(row.value) for row in tx.all(_all)}
    return msgspec.convert(
        {name: found[name] for name in Choices.__struct_fields__ if name in found}, Choices
    )


def choose(tx: Transaction, by_id: int | None, **choices: object) -> None:
    """Set some of the choices. Raises msgspec.ValidationError for a value of the wrong kind."""
    checked = msgspec.convert(choices, Choices)
    for name in choices:
        value = msgspec.json.encode(getattr(checked, name)).decode()
        tx.run(_set, name=name, value=value, updated_at=tx.now, updated_by_id=by_id)


def registrations_of(site: Site, choices: Choices) -> Registrations:
    """Who may sign up: the setting, if one is given, else the operators' choice.

    Nobody may who was not invited, as long as authorities and users cannot reach anybody (DSA art. 11, 12).
    """
    mode = site.settings.registrations or choices.registrations
    return "closed" if mode in OPEN and not has_contacts(choices) else mode


def has_contacts(choices: Choices) -> bool:
    """Whether authorities and users are told where to write."""
    return bool(choices.contact_authorities and choices.contact_users)


def minimum_age_of(site: Site, choices: Choices) -> int:
    """The age to confirm at sign-up; 0 asks nothing."""
    given = site.settings.minimum_age
    return choices.minimum_age if given is None else given
