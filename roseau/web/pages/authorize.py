"""The page on which a member lets an application in (RFC 6749, section 4.1), and what it says of scopes."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.grants import (
    Authorization,
    NotAuthorizable,
    RedirectError,
    check_authorization,
    deny_code,
    grant_code,
)
from roseau.doors.names import site_here
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import BadRequest
from roseau.web.rendering import here_of, render, translations_of
from roseau.web.sessions import field_of, form_of, member_of, member_only, query, redirect, session_of

_PARAMETERS: Final[tuple[str, ...]] = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method",
)  # fmt: skip
#: An application that asks for a fresh sign-in gets one that is no older than this.
_FRESH: Final = 5 * clock.MINUTE


@member_only
async def show(request: Request) -> Response:
    """What the application asks for, and by whom it would be allowed."""
    given: dict[str, str] = dict(request.query_params)
    asked = await _check(request, given)
    if isinstance(asked, RedirectError):
        return RedirectResponse(asked.url, 302)
    session = session_of(request)
    if asked.force_login and session and session.created_at < clock.now() - _FRESH:
        return redirect(request, f"/sign_in?{query(back=here_of(request), again='1')}")
    return render(
        request,
        "authorize.html",
        form_targets=_targets(asked),
        asked=asked,
        given={name: given[name] for name in _PARAMETERS if name in given},
        scopes=describe_scopes(translations_of(request).gettext, asked.scopes),
        host=urlsplit(asked.redirect_uri).netloc or asked.redirect_uri.partition(":")[0],
    )


@member_only
async def decide(request: Request) -> Response:
    """Allow or refuse."""
    given: dict[str, str] = {
        name: field_of(request, name) for name in _PARAMETERS if name in form_of(request)
    }
    asked = await _check(request, given)
    if isinstance(asked, RedirectError):
        return RedirectResponse(asked.url, 302)
    server = server_of(request)
    if field_of(request, "decision") != "allow":
        url = deny_code(site_here(request), asked)
        if url is None:
            return render(request, "authorize_code.html", asked=asked, code="")
        return RedirectResponse(url, 302)
    member = member_of(request)
    granted = await server.database.write(grant_code, site_here(request), member.account.id, asked)
    if granted.url is None:
        response = render(request, "authorize_code.html", asked=asked, code=granted.code)
        response.headers["Cache-Control"] = "no-store"
        return response
    return RedirectResponse(granted.url, 302)


async def _check(request: Request, given: dict[str, str]) -> Authorization | RedirectError:
    server = server_of(request)
    asked = await server.database.read(check_authorization, site_here(request), given)
    if isinstance(asked, NotAuthorizable):
        # There is nowhere safe to send the member: the sentence is for them (RFC 6749, section 4.1.2.1).
        raise BadRequest(asked.sentence)
    return asked


def _targets(asked: Authorization) -> list[str]:
    if asked.out_of_band:
        return []
    parts = urlsplit(asked.redirect_uri)
    return [f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"]


def describe_scopes(gettext: Callable[[str], str], scopes: str) -> list[tuple[str, str]]:
    """What the scopes allow, in words: an icon's name and a sentence for each."""
    _ = gettext
    whole = {
        "read": ("book-open", _("Read all that you can read here, your private messages too")),
        "write": ("pen-line", _("Write, change and delete in your name: posts, lists, your profile")),
        "follow": ("users", _("Follow, mute and block people for you")),
        "push": ("bell", _("Send you notifications")),
        "profile": ("user", _("Know your name and picture")),
        "admin:read": ("shield", _("Read what only those who run the site can read")),
        "admin:write": ("shield", _("Run the site in your name")),
    }
    things = {
        "accounts": _("your account and profile"),
        "blocks": _("whom you block"),
        "bookmarks": _("your bookmarks"),
        "conversations": _("your private conversations"),
        "favourites": _("your favourites"),
        "filters": _("your filters"),
        "follows": _("whom you follow"),
        "lists": _("your lists"),
        "media": _("your pictures"),
        "mutes": _("whom you mute"),
        "notifications": _("your notifications"),
        "reports": _("your reports"),
        "search": _("search in your name"),
        "statuses": _("your posts"),
    }
    described = []
    for scope in scopes.split():
        if scope in whole:
            described.append(whole[scope])
            continue
        verb, _colon, thing = scope.rpartition(":")
        if verb == "read" and thing in things:
            described.append(("book-open", _("Read: %(what)s") % {"what": things[thing]}))
        elif verb == "write" and thing in things:
            described.append(("pen-line", _("Change: %(what)s") % {"what": things[thing]}))
        else:
            described.append(("shield", _("As somebody who runs the site: %(what)s") % {"what": scope}))
    return described


routes = [
    Route("/oauth/authorize", show),
    Route("/oauth/authorize", decide, methods=["POST"]),
]
