"""What the site says of itself: about, its rules, and how to use it with an app."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.staff import list_staff
from roseau.domain.policy import list_rules
from roseau.doors.server import server_of
from roseau.web.rendering import language_of, render
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


async def show_rules(request: Request) -> Response:
    """The rules, each with what it means."""
    language = language_of(request)
    rules = await server_of(request).database.read(list_rules)
    texts = [rule.said_in(language) for rule in rules]
    return render(request, "rules.html", entries=[(text.text, text.hint) for text in texts])


async def show_apps(request: Request) -> Response:
    """The address to give to an app, and some apps."""
    return render(request, "apps.html", apps=APPS)


routes = [
    Route("/about", show_about),
    Route("/rules", show_rules),
    Route("/apps", show_apps),
]
