"""Who a page is for, and whether a form is really ours: every page route passes through `guarded`.

    routes = [Route("/bookmarks", show), Route("/statuses/{id}/pin", pin, methods=["POST"])]

    @member_only                    # or @role_only("admin", "owner"); a form with files: @takes_files
    async def pin(request: Request) -> Response:
        wanted = to_struct(form_of(request), Wanted)
        ...
        return redirect(request, back_of(request), say=_("Pinned to your profile."))

Somebody who is suspended is nobody here, but on pages that are `open_to_suspended`; who is frozen can send
only forms that are `open_to_frozen`.

`guarded` fills `request.state`: `viewer` (rendering.Viewer or None), `session`, `csrf`, `flash`, `choices`.
A POST that does not prove that it comes from one of our pages is refused there, and nowhere else.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.founding import steps_left
from roseau.domain.accounts.freezing import Frozen
from roseau.domain.accounts.loading import load_account
from roseau.domain.accounts.preferences import load_preferences
from roseau.domain.accounts.sessions import (
    IDLE,
    Session,
    find_session,
    is_stale,
    revoke_session,
    touch_session,
)
from roseau.domain.moderation.appeals.reviewing import list_handed
from roseau.domain.moderation.cases.queue import count_cases
from roseau.domain.moderation.team.permissions import UNARMED, permissions_of
from roseau.domain.notifications.official import OURS
from roseau.domain.notifications.reading import Choice, count_unread
from roseau.domain.relationships.following import count_follow_requests
from roseau.domain.site import Choices, load_choices
from roseau.doors import limits
from roseau.doors.callers import client_address
from roseau.doors.forms import read_form
from roseau.doors.server import server_of
from roseau.kernel import clock, keys
from roseau.kernel.errors import Forbidden, RoseauError
from roseau.storage.database import Transaction
from roseau.web.addresses import local_path
from roseau.web.cookies import drop_cookie, read_cookie, read_flash, set_cookie, set_flash
from roseau.web.rendering import Viewer, here_of, is_fragment, render_error, viewer_of

Handler = Callable[[Request], Awaitable[Response]]

#: What is left to somebody who is suspended: what was decided about them, and appealing.
RECORD: Final = "/record"
_SAFE: Final = frozenset(("GET", "HEAD"))


class Stale(Forbidden):
    """A form without a token of this session: too old, or not ours."""

    code = "stale_form"
    sentence = (
        "This form was opened too long ago, or elsewhere. Go back, load the page again and send it once more."
    )


def guarded(routes: list[Route]) -> list[Route]:
    """The routes with everything that this module promises around their handlers."""
    return [
        Route(route.path, _guard(route.endpoint), methods=sorted(route.methods or ("GET",)))
        for route in routes
    ]


def _guard(handler: Handler) -> Handler:
    files = getattr(handler, "files", "")
    to_suspended = getattr(handler, "open_to_suspended", False)
    to_frozen = to_suspended or getattr(handler, "open_to_frozen", False)

    @wraps(handler)
    async def handle(request: Request) -> Response:
        await _identify(request, to_suspended)
        try:
            await server_of(request).shut_out.check(server_of(request).database, request)
            if request.method not in _SAFE:
                await _accept(request, files)
                session = session_of(request)
                if session and session.frozen and not to_frozen:
                    raise Frozen
            response = await handler(request)
        except RoseauError as error:
            response = render_error(request, error)
        _set_cookies(request, response)
        return response

    return handle


# Who


async def _identify(request: Request, to_suspended: bool) -> None:
    server = server_of(request)
    # First of all: what a cookie is called depends on the name by which we are reached.
    await server.names.refresh(server.database, server.site)
    token = read_cookie(request, "session")
    # The numbers in the navigation are only drawn with whole pages.
    whole_page = not is_fragment(request)
    session, viewer, choices = await server.database.read(_find_viewer, token, whole_page)
    state = request.state
    state.suspended = session is not None and session.suspended_at is not None
    if state.suspended and not to_suspended:
        session, viewer = None, None
    if session and is_stale(session):
        await server.note(touch_session, session)
    visitor = read_cookie(request, "visitor")
    state.new_visitor = not session and not visitor
    state.session = session
    state.viewer = viewer
    state.choices = choices
    state.visitor = visitor or token_urlsafe(16)
    state.csrf = _new_csrf(request)
    state.flash = read_flash(request) if whole_page and request.method in _SAFE else ""


def _find_viewer(tx: Transaction, token: str, counted: bool) -> tuple[Session | None, Viewer | None, Choices]:
    choices = load_choices(tx)
    session = find_session(tx, token) if token else None
    if session is None or session.disabled_at is not None:
        return None, None, choices
    if session.confirmed_at is None or session.approved_at is None:
        return session, None, choices
    account = load_account(tx, session.account_id)
    if account is None:
        return None, None, choices
    preferences = load_preferences(tx, session.account_id)
    viewer = Viewer(
        account=account,
        role=session.role,
        locale=session.locale,
        time_zone=session.time_zone,
        theme=preferences.theme,
        text_size=preferences.text_size,
        reduce_motion=preferences.reduce_motion,
        slow_connection=preferences.slow_connection,
        expand_media=preferences.expand_media,
        expand_spoilers=preferences.expand_spoilers,
        shortcuts=preferences.shortcuts,
        to_do=len(steps_left(choices, session.role)),
        unread=count_unread(tx, account.id, Choice(known=OURS)) if counted else 0,
        follow_requests=count_follow_requests(tx, account.id) if counted else 0,
        cases=_count_cases(tx, account.id) if counted and session.role not in UNARMED else None,
        appeals=_count_appeals(tx, account.id, session.role, choices) if counted else 0,
    )
    return session, viewer, choices


def _count_cases(tx: Transaction, account_id: int) -> int | None:
    return count_cases(tx, account_id).todo if "view_cases" in permissions_of(tx, account_id) else None


def _count_appeals(tx: Transaction, account_id: int, role: str, choices: Choices) -> int:
    """Asked for reviewers alone: nobody else is handed anything."""
    reviews = role == "reviewer" or account_id == choices.outside_reviewer_id
    return len(list_handed(tx, account_id)) if reviews else 0


def session_of(request: Request) -> Session | None:
    """The open session, also of somebody who is not confirmed or let in yet (and is no `viewer` then)."""
    session: Session | None = request.state.session
    return session


def member_of(request: Request) -> Viewer:
    """The signed-in member, in handlers that are `member_only`."""
    viewer = viewer_of(request)
    if viewer is None:
        raise Forbidden
    return viewer


def choices_of(request: Request) -> Choices:
    """What the operators chose for the site."""
    choices: Choices = request.state.choices
    return choices


def member_only(handler: Handler) -> Handler:
    """Only for those who are signed in; others are led to the sign-in page and back again."""

    @wraps(handler)
    async def handle(request: Request) -> Response:
        if viewer_of(request) is None:
            return _to_sign_in(request)
        return await handler(request)

    return handle


def role_only(*roles: str) -> Callable[[Handler], Handler]:
    """Only for members with one of these roles."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def handle(request: Request) -> Response:
            viewer = viewer_of(request)
            if viewer is None:
                return _to_sign_in(request)
            if viewer.role not in roles:
                raise Forbidden("This page is for those who run the site.")
            return await handler(request)

        return handle

    return decorate


def takes_files(handler: Handler) -> Handler:
    """The handler's form may hold pictures; others hold text only."""
    handler.files = "taken"  # type: ignore[attr-defined]
    return handler


def forgives_files(handler: Handler) -> Handler:
    """The same, and a file that is refused comes with its `error`: what was written beside it is not lost."""
    handler.files = "forgiven"  # type: ignore[attr-defined]
    return handler


def takes_any_file(handler: Handler) -> Handler:
    """The handler's form may hold files that are no pictures, such as a letter."""
    handler.files = "any"  # type: ignore[attr-defined]
    return handler


def open_to_frozen(handler: Handler) -> Handler:
    """The handler's form can be sent by a member who is frozen: it changes nothing that others see."""
    handler.open_to_frozen = True  # type: ignore[attr-defined]
    return handler


def open_to_suspended(handler: Handler) -> Handler:
    """The page is there for members who are suspended too, and for those who are frozen."""
    handler.open_to_suspended = True  # type: ignore[attr-defined]
    return handler


def is_suspended(request: Request) -> bool:
    """Whether the page was asked for by a member who is suspended; on most pages they are nobody."""
    suspended: bool = request.state.suspended
    return suspended


def _to_sign_in(request: Request) -> Response:
    if is_suspended(request):
        return _lead(request, RECORD)
    if session_of(request):
        return _lead(request, "/sign_up/waiting")
    back = here_of(request) if request.method in _SAFE else back_of(request)
    return _lead(request, f"/sign_in?{query(back=back)}")


def _lead(request: Request, to: str) -> Response:
    """To another page, whether the browser asks for a page or htmx for a part of one."""
    if is_fragment(request):
        return Response(headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)


# Whether a form is ours


async def _accept(request: Request, files: str) -> None:
    """Read the form once, for everyone. Raises Stale unless it comes from a page of this session."""
    _check_origin(request)
    server = server_of(request)
    if server.settings.rate_limits:
        session = session_of(request)
        limit, who = (
            (limits.BY_MEMBER, str(session.account_id))
            if session
            else (limits.BY_ADDRESS, client_address(request))
        )
        server.counter.spend(limit, who)
    settings = server.settings
    # One more than fits in a post, so that the composer can say so and keep the text.
    most, size = (settings.max_media + 1, settings.max_image_bytes) if files else (0, 0)
    request.state.form = await read_form(
        request, size, most, forgiving=files == "forgiven", pictures=files != "any"
    )
    token = request.state.form.get("csrf")
    if not isinstance(token, str) or not _is_ours(request, token):
        raise Stale


def _check_origin(request: Request) -> None:
    """Browsers say where a request comes from (Fetch Metadata, or RFC 6454): it has to be here."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Stale
    origin = request.headers.get("origin")
    if origin is None:
        return
    host = origin.partition("://")[2]
    server = server_of(request)
    # Behind a proxy that rewrites the name, the origin has to be one of the site's own.
    ours = host in (request.headers.get("host"), server.site.domain) or server.names.url_of(host) == origin
    if not host or not ours:
        raise Stale


def _new_csrf(request: Request) -> str:
    # The nonce makes it another text on every page, so that compression tells nothing of it (BREACH).
    nonce = token_urlsafe(9)
    return f"{nonce}.{_sign_csrf(request, nonce)}"


def _is_ours(request: Request, token: str) -> bool:
    nonce, _, signature = token.partition(".")
    return keys.same(signature, _sign_csrf(request, nonce))


def _sign_csrf(request: Request, nonce: str) -> str:
    session = session_of(request)
    owner = f"session {session.id}" if session else f"visitor {request.state.visitor}"
    return keys.sign(server_of(request).site.data_key, "csrf", f"{owner} {nonce}")


def _set_cookies(request: Request, response: Response) -> None:
    if response.headers.get("content-type", "").startswith("text/html"):
        if request.state.new_visitor:
            set_cookie(request, response, "visitor", request.state.visitor, None)
        if request.state.flash:
            drop_cookie(request, response, "flash")


# What a handler asks of us


def form_of(request: Request) -> dict[str, Any]:
    """What was filled in, nested as `doors.forms` reads it: `to_struct(form_of(request), Wanted)`."""
    form: dict[str, Any] = request.state.form
    return form


def field_of(request: Request, name: str) -> str:
    """One field of the form; empty when it is missing or not text."""
    value = form_of(request).get(name)
    return value if isinstance(value, str) else ""


def back_of(request: Request, default: str = "/home") -> str:
    """Where the form wants to return to, if that is on this site."""
    return local_path(field_of(request, "back"), default)


def spend(request: Request, limit: limits.Limit, who: str = "") -> None:
    """Count an attempt of this address, or of `who`, against a limit. Raises TooMany."""
    server = server_of(request)
    if server.settings.rate_limits:
        server.counter.spend(limit, who or client_address(request))


def redirect(request: Request, to: str, *, say: str = "", href: str = "", words: str = "") -> Response:
    """Go on to another page, which says one sentence, with a link to `href` when it is given."""
    response = _lead(request, to)
    if say:
        set_flash(request, response, say, href, words)
    return response


def query(**parameters: str) -> str:
    """Parameters as the query of an address."""
    return urlencode(parameters, safe="/@")


def sign_in(request: Request, response: Response, token: str) -> Response:
    """Give the browser the cookie of a new session (domain `open_session`); the visitor's one goes."""
    set_cookie(request, response, "session", token, IDLE // clock.SECOND)
    drop_cookie(request, response, "visitor")
    request.state.new_visitor = False
    return response


async def sign_out(request: Request, response: Response) -> Response:
    """End the session, here and in the browser."""
    session = session_of(request)
    if session:
        await server_of(request).database.write(revoke_session, session.account_id, session.id)
    drop_cookie(request, response, "session")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
