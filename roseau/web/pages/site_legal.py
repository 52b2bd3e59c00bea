"""The step of the site's settings for what the law asks: contact points, who answers for the site, terms."""

from typing import Literal

import msgspec

from roseau.domain.accounts.names import check_email
from roseau.domain.moderation.terms import set_terms
from roseau.domain.site import OPEN, Choices, choose, load_choices
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, Problem, mark
from roseau.kernel.i18n import LANGUAGES, language_names
from roseau.storage.database import Transaction

MAX_LINE = 300
MAX_OPERATOR = 1_000


class Legal(msgspec.Struct):
    """The form; an address is one of mail, or that of a page."""

    contact_users: str = ""
    contact_authorities: str = ""
    contact_languages: str = ""
    operator: str = ""
    country: str = "FR"
    dispute_body: str = ""
    terms_en: str = ""
    terms_fr: str = ""
    #: The day they begin (2026-12-22, UTC); empty: at once.
    terms_since: str = ""
    tell_members: bool = False
    show_limited_servers: Literal["all", "users", "disabled"] = "all"


def to_legal(choices: Choices) -> Legal:
    """The form as it is chosen."""
    return Legal(
        contact_users=choices.contact_users,
        contact_authorities=choices.contact_authorities,
        contact_languages=", ".join(choices.contact_languages),
        operator=choices.operator,
        country=choices.country,
        dispute_body=choices.dispute_body,
        terms_en=choices.terms.get("en", ""),
        terms_fr=choices.terms.get("fr", ""),
        terms_since=clock.to_date(choices.terms_since) if choices.terms_since > clock.now() else "",
        show_limited_servers=choices.show_limited_servers,
    )


def save_legal(tx: Transaction, form: Legal, by_id: int) -> None:
    """Save the step. Raises Forbidden, Invalid."""
    languages = tuple(dict.fromkeys(form.contact_languages.lower().replace(",", " ").split()))
    problems = _check(load_choices(tx), form, languages)
    if problems:
        raise Invalid(problems=tuple(problems))
    # Other languages than those of the form, which a program wrote, stay.
    texts = dict(load_choices(tx).terms) | {"en": form.terms_en, "fr": form.terms_fr}
    set_terms(tx, by_id, texts, since=_to_moment(form.terms_since), tell=form.tell_members)
    choose(
        tx,
        by_id,
        contact_users=form.contact_users.strip(),
        contact_authorities=form.contact_authorities.strip(),
        contact_languages=languages,
        operator=form.operator.strip(),
        country=form.country.strip().upper(),
        dispute_body=form.dispute_body.strip(),
        show_limited_servers=form.show_limited_servers,
    )


def _check(choices: Choices, form: Legal, languages: tuple[str, ...]) -> list[Problem]:
    problems = []
    for name in ("contact_users", "contact_authorities"):
        address = getattr(form, name).strip()
        if not address and choices.registrations in OPEN:
            sentence = mark("People can sign up, so there has to be an address here.")
            problems.append(Problem(name, "ERR_BLANK", sentence))
        elif address and not _is_address(address):
            sentence = mark("This is neither a mail address nor that of a page.")
            problems.append(Problem(name, "ERR_INVALID", sentence))
    known = {code for code, _ in language_names(LANGUAGES[0])}
    if not known.issuperset(languages):
        problems.append(Problem("contact_languages", "ERR_INVALID", "One of the languages is not known."))
    country = form.country.strip()
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        problems.append(Problem("country", "ERR_INVALID", "A country is written with two letters."))
    if len(form.operator) > MAX_OPERATOR:
        sentence = mark("This is a little too long: 1,000 characters at most.")
        problems.append(Problem("operator", "ERR_TOO_LONG", sentence))
    if len(form.dispute_body) > MAX_LINE:
        sentence = mark("This is a little too long: 300 characters at most.")
        problems.append(Problem("dispute_body", "ERR_TOO_LONG", sentence))
    return problems


def _to_moment(day: str) -> int | None:
    """The beginning of a day; None without one. Raises Invalid."""
    if not day.strip():
        return None
    try:
        return clock.from_iso(day.strip())
    except (ValueError, OverflowError) as error:
        sentence = mark("This is no day.")
        raise Invalid(problems=(Problem("terms_since", "ERR_INVALID", sentence),)) from error


def _is_address(address: str) -> bool:
    if len(address) > MAX_LINE:
        return False
    if address.startswith(("https://", "http://")):
        return " " not in address
    return check_email(address) is None
