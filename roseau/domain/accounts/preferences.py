"""What a member prefers: defaults for posts, how pages look and what they show."""

from typing import Literal
from zoneinfo import available_timezones

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.kernel.errors import Invalid, Problem
from roseau.kernel.i18n import LANGUAGES
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.statements import statement

Visibility = Literal["public", "unlisted", "private", "direct"]


class Preferences(msgspec.Struct, kw_only=True):
    """Kept as JSON in the member's row; whatever is not set has these values."""

    default_privacy: Visibility = "public"
    default_sensitive: bool = False
    default_language: str | None = None
    default_content_type: Literal["text/plain", "text/markdown"] = "text/plain"
    default_local_only: bool = False
    expand_media: Literal["default", "show_all", "hide_all"] = "default"
    expand_spoilers: bool = False
    theme: Literal["auto", "light", "dark"] = "auto"
    text_size: Literal["normal", "large", "larger"] = "normal"
    reduce_motion: bool = False
    slow_connection: bool = False
    shortcuts: bool = True
    quote_policy: Literal["public", "followers", "nobody"] = "public"
    attribution_domains: tuple[str, ...] = ()
    #: Mail is sent for these kinds of notification.
    mail: tuple[str, ...] = ("follow_request",)
    #: Letters of the moderation that come by mail too: all, those about decisions on the member, or none.
    #: Whoever is suspended gets the latter in any case: they can be told in no other way.
    mail_moderation: Literal["all", "decisions", "none"] = "decisions"


_get = statement(select(users.c.preferences).where(users.c.account_id == bindparam("account")))
_set = statement(
    update(users).where(users.c.account_id == bindparam("account")).values(preferences=bindparam("encoded"))
)
_set_locale = statement(
    update(users).where(users.c.account_id == bindparam("account")).values(locale=bindparam("wanted"))
)
_set_zone = statement(
    update(users).where(users.c.account_id == bindparam("account")).values(time_zone=bindparam("wanted"))
)


def load_preferences(tx: Transaction, account_id: int) -> Preferences:
    """What the member prefers; the defaults for anyone else."""
    return msgspec.json.decode(tx.value(_get, account=account_id) or "{}", type=Preferences)


def set_preferences(tx: Transaction, account_id: int, **changes: object) -> Preferences:
    """Change some preferences. Raises msgspec.ValidationError for a value of the wrong kind."""
    values = msgspec.to_builtins(load_preferences(tx, account_id)) | changes
    preferences = msgspec.convert(values, Preferences)
    tx.run(_set, account=account_id, encoded=msgspec.json.encode(preferences).decode())
    return preferences


def set_language(tx: Transaction, account_id: int, locale: str, time_zone: str | None = None) -> None:
    """Set the language that the member reads pages and mails in, and the time zone. Raises Invalid."""
    if locale not in LANGUAGES:
        raise Invalid(
            problems=(Problem("locale", "ERR_INVALID", "Roseau does not speak this language yet."),)
        )
    if time_zone is not None and time_zone not in available_timezones():
        raise Invalid(problems=(Problem("time_zone", "ERR_INVALID", "There is no such time zone."),))
    tx.run(_set_locale, account=account_id, wanted=locale)
    if time_zone is not None:
        tx.run(_set_zone, account=account_id, wanted=time_zone)
