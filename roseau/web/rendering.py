"""Pages and fragments from templates: `render`, `render_part`, `render_error`, and where to go back to.

docs/web.md says how to use them. What stands in a page besides what its handler gives is listed there too.
"""

import re
import secrets
from collections.abc import Iterable
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from roseau.domain.accounts.loading import AccountView
from roseau.domain.names import SiteName
from roseau.domain.site import Choices, Site, registrations_of
from roseau.kernel import clock, i18n
from roseau.kernel.errors import RoseauError
from roseau.web import addresses, assets, wording

_DIRECTIVES: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    # Pictures of remote accounts are shown from where they are until they are cached here.
    "img-src": "'self' data: blob: https:",
    "media-src": "'self' https:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS: Final = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Vary": "Accept-Language, Cookie, HX-Request",
}
_FORM_TARGET: Final = re.compile(r"https?://[a-z0-9.:\[\]-]+|[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """The signed-in member that a page is for. `roseau/web/sessions.py` puts it in `request.state.viewer`."""

    account: AccountView
    #: member, moderator, admin or owner
    role: str = "member"
    locale: str | None = None
    time_zone: str = "UTC"
    #: auto, light or dark
    theme: str = "auto"
    #: Notifications that were not read yet, and people who ask to follow.
    unread: int = 0
    follow_requests: int = 0
    #: How many cases wait, for those of the team who see them; None for everybody else.
    cases: int | None = None
    #: How many appeals were handed to them, as the outside reviewer.
    appeals: int = 0
    #: Whether single keys do things (WCAG 2.1.4).
    shortcuts: bool = True
    #: The rest as in `domain.accounts.preferences`.
    text_size: str = "normal"
    reduce_motion: bool = False
    slow_connection: bool = False
    expand_media: str = "default"
    expand_spoilers: bool = False
    #: For those who run the site: steps of the first run that were left for later.
    to_do: int = 0


class Place(msgspec.Struct, frozen=True):
    """What every page says of the site it is on."""

    title: str
    domain: str
    base_url: str
    description: str
    theme_color: str
    registrations: str
    max_characters: int
    max_media: int
    #: Its names besides the one by which the page was asked for, in order.
    elsewhere: tuple[SiteName, ...] = ()


def render(
    request: Request, template: str, /, status: int = 200, *, form_targets: Iterable[str] = (), **context: Any
) -> Response:
    """A whole page. `form_targets`: where else a form on it may lead, such as an application's address."""
    nonce = secrets.token_urlsafe(16)
    body = _template(request, template).render(_page(request, nonce) | context)
    return HTMLResponse(body, status, _headers(request, nonce, form_targets))


def render_part(
    request: Request, template: str, /, status: int = 200, *, say: str = "", **context: Any
) -> Response:
    """A fragment for htmx; `say` is what the status line `#dire` will say, and screen readers with it."""
    nonce = secrets.token_urlsafe(16)
    page = _page(request, nonce) | context
    body = _template(request, template).render(page)
    if say:
        body += _template(request, "fragments/say.html").render(page | {"say": say})
    return HTMLResponse(body, status, _headers(request, nonce, ()))


def render_error(request: Request, error: RoseauError) -> Response:
    """What went wrong, as a page, or on the status line where htmx asked."""
    sentence = error.say(translations_of(request).gettext)
    if is_fragment(request):
        return render_part(request, "fragments/nothing.html", error.status, say=sentence)
    return render(request, "error.html", error.status, error=error, sentence=sentence)


def is_fragment(request: Request) -> bool:
    """Whether htmx asks, and a part of a page is the answer."""
    return request.headers.get("hx-request") == "true"


def language_of(request: Request) -> str:
    """The language to answer in: the member's or the session's choice, the `locale` cookie, the browser's."""
    viewer = viewer_of(request)
    chosen = getattr(request.state, "locale", None) or (viewer.locale if viewer else None)
    return i18n.choose_language(
        request.headers.get("accept-language", ""), chosen or request.cookies.get("locale")
    )


def translations_of(request: Request) -> Any:
    """`gettext`, `ngettext` and `pgettext` in the language of the answer, for sentences made in Python."""
    return i18n.translations(language_of(request))


def viewer_of(request: Request) -> Viewer | None:
    """The signed-in member, or None."""
    return getattr(request.state, "viewer", None)


def here_of(request: Request) -> str:
    """The path and query of the page that is being read, also when htmx asks for a part of it.

    An answer to a form that is a page itself has no address to come back to: that is where the form was.
    """
    url = urlsplit(request.headers.get("hx-current-url", "") if is_fragment(request) else str(request.url))
    here = addresses.local_path(url.path + (f"?{url.query}" if url.query else ""), "/")
    if request.method == "POST" and not is_fragment(request):
        back = getattr(request.state, "form", {}).get("back")
        return addresses.local_path(back if isinstance(back, str) else None, here)
    return here


def icon(name: str) -> Markup:
    """An icon of the sprite, silent for screen readers: words say what it means. Raises LookupError."""
    if name not in assets.icon_names():
        raise LookupError(f"there is no icon {name!r} in icons.svg")
    return Markup('<svg class="i" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        assets.asset("icons.svg"), name
    )


@cache
def environment(language: str) -> Environment:
    """The templates in one language: its words, numbers and dates are bound to it."""
    env = Environment(
        loader=PackageLoader("roseau.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    words = i18n.translations(language)
    env.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True, pgettext=words.pgettext, npgettext=words.npgettext
    )
    env.globals |= {
        "lang": language,
        "languages": i18n.LANGUAGES,
        "asset": assets.asset,
        "integrity": assets.integrity,
        "icon": icon,
        "media_url": addresses.media_url,
        "account_path": addresses.account_path,
        "status_path": addresses.status_path,
        "tag_path": addresses.tag_path,
        "language_names": lambda: i18n.language_names(language),
        "percent": lambda part, whole: i18n.format_percent(language, part, whole),
    }
    env.globals |= wording.words(words.gettext)
    env.filters |= {
        "number": lambda number: i18n.format_number(language, number),
        "count": lambda number: i18n.format_count(language, number),
        "iso": clock.to_iso,
        "date": lambda instant, zone="UTC": i18n.format_date(language, instant, zone),
        "moment": lambda instant, zone="UTC": i18n.format_moment(language, instant, zone),
        "ago": lambda instant, now, zone="UTC": i18n.format_ago(language, instant, now, zone),
        "remaining": lambda until, now: i18n.format_remaining(language, until, now),
        "size": lambda size: i18n.format_size(language, size),
        "duration": lambda seconds: i18n.format_duration(language, seconds),
        "safe_html": Markup,
    } | wording.FILTERS
    return env


def _template(request: Request, name: str) -> Any:
    return environment(language_of(request)).get_template(name)


def _page(request: Request, nonce: str) -> dict[str, Any]:
    viewer = viewer_of(request)
    return {
        "nonce": nonce,
        "viewer": viewer,
        "csrf": getattr(request.state, "csrf", ""),
        "flash": getattr(request.state, "flash", ""),
        "theme": viewer.theme if viewer else "auto",
        "zone": viewer.time_zone if viewer else "UTC",
        "here": here_of(request),
        "path": request.url.path,
        "now": clock.now(),
        "place": _place(request),
    }


def _place(request: Request) -> Place:
    choices: Choices = getattr(request.state, "choices", None) or Choices()
    server = getattr(request.app.state, "server", None)
    site: Site | None = server.site if server else None
    base_url = site.base_url if site else str(request.base_url).rstrip("/")
    return Place(
        title=choices.title,
        domain=urlsplit(base_url).netloc,
        base_url=base_url,
        description=choices.short_description,
        theme_color=choices.theme_color,
        registrations=registrations_of(site, choices) if site else choices.registrations,
        max_characters=site.settings.max_characters if site else 2000,
        max_media=site.settings.max_media if site else 4,
        elsewhere=server.names.besides(request.headers.get("host", "")) if server else (),
    )


def _headers(request: Request, nonce: str, form_targets: Iterable[str]) -> dict[str, str]:
    # A browser follows the redirect after a form only to a place that form-action names.
    others = [target for target in form_targets if _FORM_TARGET.fullmatch(target)]
    directives = _DIRECTIVES | {
        "script-src": f"{_DIRECTIVES['script-src']} 'nonce-{nonce}'",
        "form-action": " ".join((_DIRECTIVES["form-action"], *others)),
    }
    return _HEADERS | {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in directives.items()),
        "Cache-Control": "private, no-cache" if viewer_of(request) else "no-cache",
        "Content-Language": language_of(request),
    }
