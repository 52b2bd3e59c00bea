"""What the site says of itself: about, rules, terms, where to write, which servers it limits, and apps."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.staff import list_staff
from roseau.domain.moderation.servers.published import list_shown_servers
from roseau.domain.moderation.terms import list_terms
from roseau.domain.moderation.vocabulary import LANES
from roseau.domain.policy import RuleText, RuleVersion, list_rule_versions, list_rules
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import NotFound
from roseau.kernel.i18n import language_names
from roseau.kernel.text import markdown
from roseau.storage.database import Transaction
from roseau.web.rendering import language_of, render, viewer_of
from roseau.web.sessions import choices_of

#: Apps that speak Mastodon's API, where they run, where to get them. Of these only toot was tried here.
APPS = (
    ("Tusky", "Android", "https://tusky.app"),
    ("Pachli", "Android", "https://pachli.app"),
    ("Ice Cubes", "iOS, macOS", "https://github.com/Dimillian/IceCubesApp"),
    ("Ivory", "iOS, macOS", "https://tapbots.com/ivory/"),
    ("Phanpy", "Web", "https://phanpy.social"),
    ("Elk", "Web", "https://elk.zone"),
    ("toot", "Terminal", "https://toot.bezdomni.net"),
)


async def show_about(request: Request) -> Response:
    """Who runs the site and how to reach them."""
    staff: list[tuple[AccountView, str]] = await server_of(request).database.read(list_staff)
    return render(request, "about.html", choices=choices_of(request), staff=staff)


class ShownRule(msgspec.Struct):
    """A rule in force with what follows from it, and how it read before, the latest first."""

    text: str
    hint: str
    version: int
    since: int
    lane: str
    hours: int
    ladder: tuple[str, ...]
    earlier: list[tuple[RuleText, int, int]]


async def show_rules(request: Request) -> Response:
    """The rules, each with what it means, what follows from it, and how it read before."""
    rules, withdrawn = await server_of(request).database.read(_load_rules, language_of(request))
    return render(request, "rules.html", entries=rules, withdrawn=withdrawn)


def _load_rules(tx: Transaction, language: str) -> tuple[list[ShownRule], list[tuple[RuleText, int, int]]]:
    versions: dict[int, list[RuleVersion]] = {}
    for one in list_rule_versions(tx):
        versions.setdefault(one.rule_id, []).insert(0, one)
    found = []
    for rule in list_rules(tx):
        newest, *earlier = versions.pop(rule.id)
        said, lane = newest.said_in(language), newest.terms.lane
        found.append(
            ShownRule(
                said.text,
                said.hint,
                newest.version,
                newest.created_at,
                lane,
                LANES[lane].decided // clock.HOUR,
                newest.terms.ladder,
                [_earlier(one, language) for one in earlier],
            )
        )
    gone = [_earlier(one, language) for rest in versions.values() for one in rest if one.texts]
    return found, gone


def _earlier(one: RuleVersion, language: str) -> tuple[RuleText, int, int]:
    return one.said_in(language), one.created_at, one.ended_at or one.created_at


async def show_rules_data(request: Request) -> Response:
    """Every version of every rule, for programs (DSA art. 14(1)); decisions cite a rule and a version."""
    versions, present = await server_of(request).database.read(_load_versions)
    answer = {
        "site": server_of(request).site.base_url,
        "rules": [
            {
                "id": str(one.rule_id),
                "version": one.version,
                "in_force": one.ended_at is None and one.rule_id in present,
                "from": clock.to_iso(one.created_at),
                "until": None if one.ended_at is None else clock.to_iso(one.ended_at),
                "texts": one.texts,
                "lane": one.terms.lane,
                "measures": one.terms.ladder,
                "dsa_category": one.terms.dsa_category,
                "dsa_keywords": one.terms.keywords,
            }
            for one in versions
        ],
    }
    headers = {"Access-Control-Allow-Origin": "*"}
    return Response(msgspec.json.encode(answer), 200, headers, "application/json; charset=utf-8")


def _load_versions(tx: Transaction) -> tuple[list[RuleVersion], set[int]]:
    return list_rule_versions(tx), {rule.id for rule in list_rules(tx)}


async def show_contact(request: Request) -> Response:
    """Where authorities and users write (DSA art. 11 and 12), and who answers for the site."""
    choices = choices_of(request)
    names = dict(language_names(language_of(request)))
    spoken = choices.contact_languages or choices.languages
    return render(request, "contact.html", choices=choices, spoken=[names.get(code, code) for code in spoken])


async def show_terms(request: Request) -> Response:
    """What people agree to, as it reads now or read from a day on. Raises NotFound."""
    language = language_of(request)
    every = await server_of(request).database.read(list_terms)
    wanted = request.path_params.get("date")
    now = clock.now()
    begun = [one for one in every if one.since <= now] or every
    fitting = [one for one in every if clock.to_date(one.since) == wanted] if wanted else begun
    shown = fitting[0] if fitting else None
    if shown is None and wanted is not None:
        raise NotFound
    said_in, content = "", ""
    if shown is not None:
        base_url = server_of(request).site.base_url
        said_in, text = shown.said_in(language)
        content = markdown.render(markdown.parse(text), {}, lambda name: f"{base_url}/tags/{name}")
    days = [clock.to_date(one.since) for one in every]
    return render(
        request, "terms.html", shown=shown, said_in=said_in, content=content, every=every, days=days,
        ahead=[one for one in every if one.since > now], now=now,
    )  # fmt: skip


async def show_servers(request: Request) -> Response:
    """The servers that are limited, and why, for those who may know."""
    shown = choices_of(request).show_limited_servers
    allowed = shown == "all" or (shown == "users" and viewer_of(request) is not None)
    servers = await server_of(request).database.scan(list_shown_servers) if allowed else []
    return render(request, "servers.html", servers=servers, allowed=allowed, shown=shown)


async def show_apps(request: Request) -> Response:
    """The address to give to an app, and some apps."""
    return render(request, "apps.html", apps=APPS)


routes = [
    Route("/about", show_about),
    Route("/about/contact", show_contact),
    Route("/about/servers", show_servers),
    Route("/rules", show_rules),
    Route("/rules.json", show_rules_data),
    Route("/terms", show_terms),
    Route("/terms/{date}", show_terms),
    Route("/apps", show_apps),
]
