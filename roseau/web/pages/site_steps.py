"""The steps of setting the site up: address, look, mail, rules. The first run and the settings share them.

Each step shows what is chosen (`shown`) and saves what was filled in (`save`), which raises Invalid.
"""

from typing import Any, Literal

import msgspec
from starlette.requests import Request

from roseau.domain.accounts.founding import choose_address, finish_step, may_choose_address, queue_test_mail
from roseau.domain.accounts.names import check_email
from roseau.domain.moderation.statements.dsa_terms import CATEGORIES
from roseau.domain.policy import (
    OTHER_RULES,
    STEPS,
    USUAL,
    Lane,
    NewRule,
    RuleTerms,
    RuleText,
    find_rule_version,
    list_rules,
    set_rules,
)
from roseau.domain.site import OPEN, Choices, Site, choose, load_choices
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, Problem, mark
from roseau.kernel.i18n import LANGUAGES, translations
from roseau.settings import Registrations, Settings
from roseau.storage.database import Transaction
from roseau.survival.addresses.issuing import issue_manifest
from roseau.web.pages.site_legal import Legal, save_legal, to_legal
from roseau.web.rendering import language_of
from roseau.web.sessions import choices_of, field_of, form_of

MAX_TITLE = 60
MAX_SHORT = 300
MAX_DESCRIPTION = 5_000
#: Room for another rule or two below those that are there.
SPARE_RULES = 2


class Address(msgspec.Struct):
    """The site's name and where people find it."""

    title: str = ""
    base_url: str = ""


class Look(msgspec.Struct):
    """What the front door says, and its colour."""

    short_description: str = ""
    description: str = ""
    theme_color: str = "#085f50"


class RuleLine(msgspec.Struct):
    """A rule in the form: its sentence and its explanation, in English and French."""

    id: int | None = None
    en: str = ""
    en_hint: str = ""
    fr: str = ""
    fr_hint: str = ""
    #: What follows from it; without a lane it is as before, or as usual.
    lane: Lane | Literal[""] = ""
    ladder: list[str] = []
    dsa_category: str = OTHER_RULES

    def terms(self) -> RuleTerms | None:
        """What follows from the rule, if the form said so; measures in their order, from mild to hard."""
        if not self.lane:
            return None
        category = self.dsa_category if self.dsa_category in CATEGORIES else OTHER_RULES
        return RuleTerms(self.lane, tuple(step for step in STEPS if step in self.ladder), category)


class Terms(msgspec.Struct):
    """The rules, and who may join."""

    rules: list[RuleLine] = []
    registrations: Registrations = "closed"
    registrations_message: str = ""
    contact_email: str = ""
    minimum_age: int = 0
    public_timelines: bool = False


class Mail(msgspec.Struct):
    """Nothing to fill in: mail is set up in settings, which are read at start-up."""


FORMS: dict[str, type[msgspec.Struct]] = {
    "address": Address,
    "look": Look,
    "mail": Mail,
    "rules": Terms,
    "legal": Legal,
}


async def shown(request: Request, step: str, form: msgspec.Struct | None = None) -> dict[str, Any]:
    """What the step's template needs; `form` holds what was filled in when it could not be saved."""
    server = server_of(request)
    choices = choices_of(request)
    context: dict[str, Any] = {"settings": server.settings, "choices": choices, "site": server.site}
    if step == "address":
        context["open"] = await server.database.read(may_choose_address, server.site)
        context["form"] = form or Address(choices.title, server.site.base_url)
    elif step == "look":
        context["form"] = form or Look(choices.short_description, choices.description, choices.theme_color)
    elif step == "rules":
        context["form"] = form or await server.database.read(_terms, choices)
        context["fixed"] = _fixed(server.settings)
        context["categories"] = sorted(CATEGORIES)
    elif step == "legal":
        context["form"] = form or to_legal(choices)
        context["settings_open"] = server.settings.registrations in OPEN
    return context


def _fixed(settings: Settings) -> set[str]:
    """The choices that a setting makes instead."""
    return {name for name in ("registrations", "minimum_age") if getattr(settings, name) is not None}


def _terms(tx: Transaction, choices: Choices) -> Terms:
    lines = []
    for rule in list_rules(tx):
        en, fr = (rule.texts.get(language, RuleText("")) for language in ("en", "fr"))
        said = find_rule_version(tx, rule.id)
        terms = said.terms if said else USUAL
        lines.append(
            RuleLine(
                rule.id,
                en.text,
                en.hint,
                fr.text,
                fr.hint,
                terms.lane,
                list(terms.ladder),
                terms.dsa_category,
            )
        )
    if not lines and "rules" not in choices.done:
        lines = suggested_rules()
    return Terms(
        rules=lines + [RuleLine()] * SPARE_RULES,
        registrations=choices.registrations,
        registrations_message=choices.registrations_message,
        contact_email=choices.contact_email,
        minimum_age=choices.minimum_age,
        public_timelines=choices.public_timelines,
    )


def suggested_rules() -> list[RuleLine]:
    """Five rules to begin with, in every language of the pages."""
    suggestions = {language: _suggest(translations(language).gettext) for language in LANGUAGES}
    return [
        RuleLine(None, en[0], en[1], fr[0], fr[1])
        for en, fr in zip(suggestions["en"], suggestions["fr"], strict=True)
    ]


def _suggest(gettext: Any) -> list[tuple[str, str]]:
    _ = gettext
    return [
        (
            _("Speak to people, not at them."),
            _("Disagree with what is said as sharply as you like. No insults, no threats, no harassment."),
        ),
        (
            _("Nobody is less of a person here."),
            _("No contempt for people for their origin, religion, sex, orientation, disability or age."),
        ),
        (
            _("What is private stays private."),
            _("No addresses, telephone numbers or pictures of others without their consent."),
        ),
        (
            _("Cover what may hurt."),
            _("Nudity and violence go behind a content warning. What is illegal is removed."),
        ),
        (
            _("No flooding, no deceit."),
            _("No unwanted advertising, no false identities, no invented facts presented as news."),
        ),
    ]


async def save(request: Request, form: msgspec.Struct, by_id: int | None) -> None:
    """Save a step and take it off the list. Raises Invalid."""
    server = server_of(request)
    match form:
        case Address():
            server.site = await server.database.write(_save_address, server.site, form, by_id)
        case Look():
            await server.database.write(_save_look, form, by_id)
        case Terms():
            await server.database.write(_save_terms, form, _fixed(server.settings), by_id)
        case Legal() if by_id is not None:
            await server.database.write(save_legal, form, by_id)
        case Mail():
            await server.database.write(finish_step, by_id, "mail")


def filled_in(request: Request, step: str) -> msgspec.Struct:
    """What the form of a step holds."""
    return to_struct(form_of(request), FORMS[step])


def _save_address(tx: Transaction, site: Site, form: Address, by_id: int | None) -> Site:
    title = form.title.strip()
    if not 1 <= len(title) <= MAX_TITLE:
        raise Invalid(
            problems=(Problem("title", "ERR_INVALID", "A site's name has between 1 and 60 characters."),)
        )
    choose(tx, by_id, title=title)
    if may_choose_address(tx, site) and form.base_url.strip():
        site = choose_address(tx, site, form.base_url)
        issue_manifest(tx, site)
    finish_step(tx, by_id, "address")
    return site


def _save_look(tx: Transaction, form: Look, by_id: int | None) -> None:
    problems = []
    if len(form.short_description) > MAX_SHORT:
        sentence = "This is a little too long: 300 characters at most."
        problems.append(Problem("short_description", "ERR_TOO_LONG", sentence))
    if len(form.description) > MAX_DESCRIPTION:
        sentence = "This is a little too long: 5,000 characters at most."
        problems.append(Problem("description", "ERR_TOO_LONG", sentence))
    colour = form.theme_color.strip().lower()
    if len(colour) != 7 or colour[0] != "#" or any(sign not in "0123456789abcdef" for sign in colour[1:]):
        problems.append(Problem("theme_color", "ERR_INVALID", "A colour looks like #085f50."))
    if problems:
        raise Invalid(problems=tuple(problems))
    choose(
        tx,
        by_id,
        short_description=form.short_description.strip(),
        description=form.description.strip(),
        theme_color=colour,
    )
    finish_step(tx, by_id, "look")


def _save_terms(tx: Transaction, form: Terms, fixed: set[str], by_id: int | None) -> None:
    problems = []
    contact = form.contact_email.strip()
    if contact and check_email(contact):
        problems.append(Problem("contact_email", "ERR_INVALID", "This does not look like an e-mail address."))
    if not 0 <= form.minimum_age <= 99:
        problems.append(Problem("minimum_age", "ERR_INVALID", "An age is a number between 0 and 99."))
    present = load_choices(tx)
    reachable = contact or (present.contact_authorities and present.contact_users)
    if form.registrations in OPEN and "registrations" not in fixed and not reachable:
        sentence = mark("Before people can sign up, users and authorities have to know where to write.")
        problems.append(Problem("contact_email", "ERR_BLANK", sentence))
    if len(form.registrations_message) > MAX_SHORT:
        sentence = "This is a little too long: 300 characters at most."
        problems.append(Problem("registrations_message", "ERR_TOO_LONG", sentence))
    if problems:
        raise Invalid(problems=tuple(problems))
    wanted = []
    for line in form.rules:
        texts = {"en": RuleText(line.en, line.en_hint), "fr": RuleText(line.fr, line.fr_hint)}
        wanted.append(NewRule(texts, line.id, line.terms()))
    set_rules(tx, wanted)
    choices: dict[str, object] = {
        # Whoever gives one address answers there, until they name others.
        "contact_authorities": present.contact_authorities or contact,
        "contact_users": present.contact_users or contact,
        "registrations": form.registrations,
        "registrations_message": form.registrations_message.strip(),
        "contact_email": contact,
        "minimum_age": form.minimum_age,
        "public_timelines": form.public_timelines,
    }
    choose(tx, by_id, **{name: value for name, value in choices.items() if name not in fixed})
    finish_step(tx, by_id, "rules")


async def send_test_mail(request: Request) -> str:
    """Queue a mail to the address in the form, which is the result. Raises Invalid."""
    address = field_of(request, "address").strip()
    if check_email(address):
        raise Invalid(
            problems=(Problem("address", "ERR_INVALID", "This does not look like an e-mail address."),)
        )
    server = server_of(request)
    await server.database.write(queue_test_mail, server.site, address, language_of(request))
    return address
