"""Settings that are a form of preferences each: appearance, language, privacy; and the index of them all."""

from functools import cache
from zoneinfo import available_timezones

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.preferences import (
    Preferences,
    Visibility,
    load_preferences,
    set_language,
    set_preferences,
)
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid
from roseau.kernel.i18n import LANGUAGES
from roseau.web import sessions
from roseau.web.problems import problems_of
from roseau.web.rendering import language_of, render, translations_of, viewer_of
from roseau.web.sessions import field_of, form_of, member_of, member_only, redirect

_YEAR_SECONDS = 365 * 24 * 60 * 60


class Appearance(msgspec.Struct):
    """What the page of appearance sets; a box that is not ticked is not sent."""

    theme: str = "auto"
    text_size: str = "normal"
    expand_media: str = "default"
    reduce_motion: bool = False
    slow_connection: bool = False
    shortcuts: bool = False
    expand_spoilers: bool = False


class Privacy(msgspec.Struct):
    """What the page of privacy sets."""

    default_privacy: Visibility = "public"
    default_language: str = ""
    default_content_type: str = "text/plain"
    default_local_only: bool = False
    default_sensitive: bool = False
    mail_moderation: str = "decisions"


@cache
def time_zones() -> list[str]:
    """The zones that people live in, by name."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [*sorted(places), "UTC"]


@member_only
async def show_index(request: Request) -> Response:
    """Where everything is."""
    return render(request, "settings/index.html")


async def _preferences(request: Request) -> Preferences:
    return await server_of(request).database.read(load_preferences, member_of(request).account.id)


@member_only
async def show_appearance(request: Request) -> Response:
    """How pages look."""
    return render(request, "settings/appearance.html", chosen=await _preferences(request), problems={})


@member_only
async def save_appearance(request: Request) -> Response:
    """Set how pages look."""
    return await _save(request, to_struct(form_of(request), Appearance), "/settings/appearance")


@member_only
async def show_privacy(request: Request) -> Response:
    """What a new post starts with."""
    return render(request, "settings/privacy.html", chosen=await _preferences(request), problems={})


@member_only
async def save_privacy(request: Request) -> Response:
    """Set what a new post starts with."""
    return await _save(request, to_struct(form_of(request), Privacy), "/settings/privacy")


async def _save(request: Request, form: Appearance | Privacy, to: str) -> Response:
    changes = msgspec.structs.asdict(form)
    if isinstance(form, Privacy):
        changes["default_language"] = form.default_language or None
    try:
        await server_of(request).database.write(
            lambda tx: set_preferences(tx, member_of(request).account.id, **changes)
        )
    except msgspec.ValidationError as error:
        raise Invalid("One of these choices does not exist.") from error
    return redirect(request, to, say=_saved(request))


def _saved(request: Request) -> str:
    return str(translations_of(request).gettext("Saved."))


@member_only
async def show_language(request: Request) -> Response:
    """Language and time zone."""
    return await _language(request, language_of(request), member_of(request).time_zone)


async def _language(
    request: Request, locale: str, zone: str, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    return render(
        request,
        "settings/language.html",
        status,
        locale=locale,
        time_zone=zone,
        zones=time_zones(),
        problems=problems or {},
    )


async def save_language(request: Request) -> Response:
    """Set the language: a member's is kept with the account, a visitor's in a cookie."""
    viewer = viewer_of(request)
    locale = field_of(request, "locale")
    zone = field_of(request, "time_zone") or None
    if viewer:
        try:
            await server_of(request).database.write(set_language, viewer.account.id, locale, zone)
        except Invalid as error:
            return await _language(request, locale, zone or "", 422, problems_of(request, error))
        if zone:
            request.state.locale = locale
            return redirect(request, "/settings/language", say=_saved(request))
    response = redirect(request, sessions.back_of(request, "/"))
    if locale in LANGUAGES:
        response.set_cookie(
            "locale",
            locale,
            _YEAR_SECONDS,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
    return response


routes = [
    Route("/settings", show_index),
    Route("/settings/appearance", show_appearance),
    Route("/settings/appearance", save_appearance, methods=["POST"]),
    Route("/settings/privacy", show_privacy),
    Route("/settings/privacy", save_privacy, methods=["POST"]),
    Route("/settings/language", show_language),
    Route("/settings/language", save_language, methods=["POST"]),
]
