"""The site itself (docs.joinmastodon.org/methods/instance): what it is, allows and asks for."""

from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.present.instance import to_instance, to_instance_v1, to_rule, to_shown_server
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.census import Census, list_domains, load_activity, load_census
from roseau.domain.accounts.loading import AccountView, find_account_id, load_account
from roseau.domain.moderation.servers.published import ShownServer, list_shown_servers
from roseau.domain.moderation.terms import find_terms
from roseau.domain.notifications.push import find_vapid_public_key
from roseau.domain.policy import Rule, find_description_time, list_rules
from roseau.domain.site import Choices, load_choices
from roseau.doors.names import url_here
from roseau.kernel import clock
from roseau.kernel.errors import NotFound, Unauthorized
from roseau.kernel.i18n import LANGUAGES, language_names
from roseau.kernel.text import markdown
from roseau.storage.database import Transaction

routes = Routes()


class Instance(msgspec.Struct):
    """All that the two `Instance` entities tell."""

    choices: Choices
    rules: list[Rule]
    census: Census
    contact: AccountView | None
    vapid_key: str


def load_instance(tx: Transaction, call: Call) -> Instance:
    """The site, in one read."""
    choices = load_choices(tx)
    contact = find_account_id(tx, choices.contact_account) if choices.contact_account else None
    return Instance(
        choices,
        list_rules(tx),
        load_census(tx),
        load_account(tx, contact) if contact else None,
        find_vapid_public_key(tx, call.server.site),
    )


@routes.get("/api/v1/instance", access="open")
async def show_v1(call: Call) -> Response:
    """The site, as older clients read it."""
    instance = await call.server.database.scan(load_instance, call)
    return call.json(to_instance_v1(call.server.site, instance, url_here(call.request)))


@routes.get("/api/v2/instance", access="open")
async def show(call: Call) -> Response:
    """The site."""
    instance = await call.server.database.scan(load_instance, call)
    return call.json(to_instance(call.server.site, instance, url_here(call.request)))


@routes.get("/api/v1/instance/rules", access="open")
async def rules(call: Call) -> Response:
    """The rules in force."""
    choices, found = await call.server.database.read(_rules)
    return call.json([to_rule(rule, choices) for rule in found])


def _rules(tx: Transaction) -> tuple[Choices, list[Rule]]:
    return load_choices(tx), list_rules(tx)


@routes.get("/api/v1/instance/extended_description", access="open")
async def extended_description(call: Call) -> Response:
    """The long description; operators write it in Markdown."""
    text, at = await call.server.database.read(_description)
    content = markdown.render(
        markdown.parse(text), {}, lambda name: f"{call.server.site.base_url}/tags/{name}"
    )
    return call.json(
        {"updated_at": None if at is None else clock.to_iso(at), "content": content if text else ""}
    )


def _description(tx: Transaction) -> tuple[str, int | None]:
    return load_choices(tx).description, find_description_time(tx)


@routes.get("/api/v1/instance/peers", access="open")
async def peers(call: Call) -> Response:
    """The other sites that are known here."""
    return call.json(await call.server.database.scan(list_domains))


@routes.get("/api/v1/instance/activity", access="open")
async def activity(call: Call) -> Response:
    """Twelve weeks of posts, active members and new ones, this week first."""
    weeks = await call.server.database.scan(load_activity)
    return call.json(
        [
            {
                "week": str(week.start // 1000),
                "statuses": str(week.statuses),
                "logins": str(week.active),
                "registrations": str(week.registrations),
            }
            for week in weeks
        ]
    )


@routes.get("/api/v1/instance/languages", access="open")
async def languages(call: Call) -> Response:
    """The languages that a post may be in."""
    return call.json([{"code": code, "name": name} for code, name in language_names(LANGUAGES[0])])


@routes.get("/api/v1/instance/translation_languages", access="open")
async def translation_languages(call: Call) -> Response:
    """What can be translated into what: nothing, here."""
    return call.json({})


@routes.get("/api/v1/instance/domain_blocks", access="anyone")
async def domain_blocks(call: Call) -> Response:
    """The sites that are limited, and why, for those who may know. Raises Unauthorized, NotFound."""
    shown, found = await call.server.database.scan(_limited_servers)
    if shown == "users" and not call.viewer:
        raise Unauthorized("This method requires an authenticated user")
    if shown == "disabled":
        raise NotFound
    return call.json([to_shown_server(server) for server in found])


def _limited_servers(tx: Transaction) -> tuple[str, list[ShownServer]]:
    return load_choices(tx).show_limited_servers, list_shown_servers(tx)


@routes.get("/api/v1/instance/terms_of_service", access="open")
async def terms_of_service(call: Call) -> Response:
    """What people agree to when they sign up, in the language that is asked for. Raises NotFound."""
    return await _answer_terms(call, None)


@routes.get("/api/v1/instance/terms_of_service/{date}", access="open")
async def earlier_terms(call: Call) -> Response:
    """The terms that began on that day. Raises NotFound."""
    return await _answer_terms(call, call.request.path_params["date"])


async def _answer_terms(call: Call, date: str | None) -> Response:
    terms = await call.server.database.read(find_terms, date)
    language, text = terms.said_in(call.language)
    content = markdown.render(
        markdown.parse(text), {}, lambda name: f"{call.server.site.base_url}/tags/{name}"
    )
    return call.json(
        {
            "effective_date": clock.to_date(terms.since),
            "effective": terms.holds(clock.now()),
            "content": content,
            "succeeded_by": None if terms.until is None else clock.to_date(terms.until),
            "language": language,
        }
    )


@routes.get("/api/v1/instance/privacy_policy", access="open")
async def no_such_text(call: Call) -> Response:
    """A text that operators cannot publish here: what is kept of whom is part of the terms."""
    raise NotFound


@routes.get("/api/v1/announcements", scope="read:accounts")
async def announcements(call: Call) -> Response:
    """What operators announce: nothing yet."""
    empty: list[Any] = []
    return call.json(empty)


@routes.get("/health", access="probe")
async def health(call: Call) -> Response:
    """Whether the server answers, for whoever watches it."""
    return Response("OK", 200, call.headers, "text/plain; charset=utf-8")
