"""Password, address, second factor, sessions, and leaving for good. What is grave asks for the password."""

from collections.abc import Awaitable, Callable

import msgspec
import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.confirmation import ask_address_change
from roseau.domain.accounts.creation import check_password
from roseau.domain.accounts.mails import find_reader
from roseau.domain.accounts.recovery import change_password
from roseau.domain.accounts.removal import delete_account
from roseau.domain.accounts.second_factor import (
    SecondFactor,
    disable_totp,
    enable_totp,
    find_offer,
    find_second_factor,
    offer_totp,
    renew_recovery_codes,
)
from roseau.domain.accounts.sessions import SessionRow, list_sessions, revoke_session, revoke_sessions
from roseau.domain.accounts.signin import Proven
from roseau.doors.passwords import count_attempt, hash_password, prove_own_password
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound, TooMany
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.cookies import drop_cookie
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import field_of, member_of, member_only, open_to_frozen, redirect, session_of

Problems = dict[str, str]
_HERE = "/settings/security"


class _Standing(msgspec.Struct):
    email: str
    factor: SecondFactor
    sessions: list[SessionRow]


def _look(tx: Transaction, account_id: int) -> _Standing:
    return _Standing(
        find_reader(tx, account_id).email,
        find_second_factor(tx, account_id),
        list_sessions(tx, account_id),
    )


async def _overview(
    request: Request, status: int = 200, problems: Problems | None = None, at: str = "", email: str = ""
) -> Response:
    """`at`: the form that the problems are in."""
    standing = await server_of(request).database.read(_look, member_of(request).account.id)
    session = session_of(request)
    return render(
        request,
        "settings/security.html",
        status,
        standing=standing,
        own_session=session.id if session else 0,
        problems=problems or {},
        at=at,
        email=email,
    )


async def _prove(request: Request, field: str = "present_password") -> Proven:
    """The member gave their password. Raises Invalid for that field, TooMany."""
    account_id = member_of(request).account.id
    return await prove_own_password(server_of(request), account_id, field_of(request, field))


async def _proven(
    request: Request, at: str, then: Callable[[Proven], Awaitable[Response]], email: str = ""
) -> Response:
    """Ask for the password, then act; whatever is wrong is said in the form `at`."""
    try:
        return await then(await _prove(request))
    except (Invalid, TooMany) as error:
        problems = problems_of(request, error, {"password": "present_password"})
        if "present_password" in problems:
            _ = translations_of(request).gettext
            problems["present_password"] = _("This is not your password.")
        return await _overview(request, error.status, problems, at, email)


@member_only
async def show(request: Request) -> Response:
    """Everything at a glance."""
    return await _overview(request)


@open_to_frozen
@member_only
async def save_password(request: Request) -> Response:
    """Set another password; other browsers are signed out."""
    password = field_of(request, "password")
    if problem := check_password(password):
        problems = problems_of(request, Invalid(problems=(problem,)))
        return await _overview(request, 422, problems, "password")
    session = session_of(request)
    server = server_of(request)
    _ = translations_of(request).gettext

    async def change(proven: Proven) -> Response:
        hashed = await hash_password(password)
        keep = session.id if session else 0
        await server.database.write(change_password, server.site, proven, hashed, keep_session=keep)
        return redirect(request, _HERE, say=_("Your new password is set."))

    return await _proven(request, "password", change)


@open_to_frozen
@member_only
async def save_email(request: Request) -> Response:
    """Ask at another address whether it is the member's."""
    email = field_of(request, "email").strip()
    server = server_of(request)
    _ = translations_of(request).gettext

    async def ask(proven: Proven) -> Response:
        await server.database.write(ask_address_change, server.site, proven, email)
        said = _("A mail is on its way to %(address)s. Follow the link in it.") % {"address": email}
        return redirect(request, _HERE, say=said)

    return await _proven(request, "email", ask, email)


# The second factor


@open_to_frozen
@member_only
async def begin_totp(request: Request) -> Response:
    """Offer a secret, after the password."""
    server = server_of(request)

    async def offer(proven: Proven) -> Response:
        await server.database.write(offer_totp, server.site, proven.account_id)
        return redirect(request, f"{_HERE}/totp")

    return await _proven(request, "totp", offer)


@member_only
async def show_totp(request: Request) -> Response:
    """The secret, as a picture and as text, and the field for the first code."""
    return await _offer(request)


async def _offer(request: Request, status: int = 200, problems: Problems | None = None) -> Response:
    server = server_of(request)
    offer = await server.database.read(find_offer, server.site, member_of(request).account.id)
    if offer is None:
        return RedirectResponse(_HERE, 303)
    drawn = segno.make(offer.uri, error="m").svg_inline(scale=4, border=2, dark="#000", light="#fff")
    response = render(
        request,
        "settings/totp.html",
        status,
        qr=Markup(drawn),  # noqa: S704, drawn by the library from modules alone
        secret=" ".join(offer.secret[at : at + 4] for at in range(0, len(offer.secret), 4)),
        uri=offer.uri,
        problems=problems or {},
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@open_to_frozen
@member_only
async def confirm_totp(request: Request) -> Response:
    """The first code of the app; then the recovery codes, once."""
    server = server_of(request)
    account_id = member_of(request).account.id
    try:
        count_attempt(server, f"account {account_id}")
        codes = await server.database.write(enable_totp, server.site, account_id, field_of(request, "code"))
    except (Invalid, TooMany) as error:
        return await _offer(request, error.status, problems_of(request, error))
    except NotFound:
        return RedirectResponse(_HERE, 303)
    return _codes(request, codes)


@open_to_frozen
@member_only
async def renew_codes(request: Request) -> Response:
    """Other recovery codes, shown once."""
    server = server_of(request)

    async def renew(proven: Proven) -> Response:
        codes = await server.database.write(renew_recovery_codes, server.site, proven.account_id)
        return _codes(request, codes)

    return await _proven(request, "totp", renew)


def _codes(request: Request, codes: list[str]) -> Response:
    response = render(request, "settings/recovery_codes.html", codes=codes)
    response.headers["Cache-Control"] = "no-store"
    return response


@open_to_frozen
@member_only
async def end_totp(request: Request) -> Response:
    """Ask for no code any more."""
    server = server_of(request)
    _ = translations_of(request).gettext

    async def end(proven: Proven) -> Response:
        await server.database.write(disable_totp, server.site, proven.account_id)
        return redirect(request, _HERE, say=_("Two-factor sign-in is off."))

    return await _proven(request, "totp", end)


# Sessions


@open_to_frozen
@member_only
async def end_session(request: Request) -> Response:
    """Sign out a browser."""
    session_id = parse_id(request.path_params["id"])
    if session_id is None:
        raise NotFound
    await server_of(request).database.write(revoke_session, member_of(request).account.id, session_id)
    _ = translations_of(request).gettext
    return redirect(request, _HERE, say=_("That browser is signed out."))


@open_to_frozen
@member_only
async def end_others(request: Request) -> Response:
    """Sign out every browser but this one."""
    session = session_of(request)
    keep = session.id if session else 0
    await server_of(request).database.write(revoke_sessions, member_of(request).account.id, keep=keep)
    _ = translations_of(request).gettext
    return redirect(request, _HERE, say=_("Every other browser is signed out."))


# Leaving


@member_only
async def show_delete(request: Request) -> Response:
    """What leaving means."""
    return render(request, "settings/delete.html", problems={})


@open_to_frozen
@member_only
async def delete(request: Request) -> Response:
    """Take the account away, after the password. The only owner stays: somebody has to run the site."""
    server = server_of(request)
    member = member_of(request)
    _ = translations_of(request).gettext
    try:
        if member.role == "owner":
            raise Invalid("You own this site. Make somebody else its owner first.")
        proven = await _prove(request)
    except (Invalid, TooMany) as error:
        problems = problems_of(request, error, {"password": "present_password"})
        if "present_password" in problems:
            problems["present_password"] = _("This is not your password.")
        return render(request, "settings/delete.html", error.status, problems=problems)
    await server.database.write(delete_account, server.site, proven.account_id)
    response = redirect(request, "/", say=_("Your account is gone. Farewell."))
    drop_cookie(request, response, "session")
    return response


routes = [
    Route(_HERE, show),
    Route(f"{_HERE}/password", save_password, methods=["POST"]),
    Route(f"{_HERE}/email", save_email, methods=["POST"]),
    Route(f"{_HERE}/totp", show_totp),
    Route(f"{_HERE}/totp", confirm_totp, methods=["POST"]),
    Route(f"{_HERE}/totp/begin", begin_totp, methods=["POST"]),
    Route(f"{_HERE}/totp/end", end_totp, methods=["POST"]),
    Route(f"{_HERE}/recovery_codes", renew_codes, methods=["POST"]),
    Route(f"{_HERE}/sessions/end_others", end_others, methods=["POST"]),
    Route(f"{_HERE}/sessions/{{id}}/revoke", end_session, methods=["POST"]),
    Route("/settings/delete", show_delete),
    Route("/settings/delete", delete, methods=["POST"]),
]
