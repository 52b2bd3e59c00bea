"""Joining through the API (docs.joinmastodon.org/methods/accounts#create, methods/emails)."""

import msgspec
from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.domain.accounts.confirmation import is_confirmed, send_confirmation
from roseau.domain.accounts.creation import check_password
from roseau.domain.accounts.signup import Application, sign_up
from roseau.domain.accounts.tokens import issue_token
from roseau.domain.site import Site
from roseau.doors import limits
from roseau.doors.callers import Caller
from roseau.doors.passwords import hash_password
from roseau.kernel.errors import Problem, Unauthorized
from roseau.storage.database import Transaction

routes = Routes()


class SignUpForm(msgspec.Struct, kw_only=True):
    """A new account; `date_of_birth` as 2000-12-31, looked at where the site asks for an age, never kept."""

    username: str = ""
    email: str = ""
    password: str = ""
    agreement: bool = False
    locale: str = "en"
    time_zone: str = "UTC"
    reason: str = ""
    date_of_birth: str = ""
    invite_code: str = ""


class EmailForm(msgspec.Struct):
    """Another address to confirm, if it was mistyped."""

    email: str = ""


@routes.post("/api/v1/accounts", access="app", scope="write:accounts")
async def create(call: Call) -> Response:
    """Sign up; the answer is a token of the new member's for the calling application."""
    if call.caller is None:
        raise Unauthorized
    form = await call.form(SignUpForm)
    call.spend(limits.SIGN_UPS)
    problem = check_password(form.password)
    hashed = "" if problem else await hash_password(form.password)
    application = Application(
        username=form.username,
        email=form.email,
        password_hash=hashed,
        agreement=form.agreement,
        locale=form.locale,
        time_zone=form.time_zone,
        reason=form.reason,
        date_of_birth=form.date_of_birth,
        invite_code=form.invite_code,
        address=call.request.client.host if call.request.client else "",
    )
    found = [problem] if problem else []
    token, at = await call.server.database.write(_sign_up, call.server.site, call.caller, application, found)
    return call.json(
        {"access_token": token, "token_type": "Bearer", "scope": call.caller.scopes, "created_at": at // 1000}
    )


def _sign_up(
    tx: Transaction, site: Site, caller: Caller, application: Application, found: list[Problem]
) -> tuple[str, int]:
    account_id = sign_up(tx, site, application, found)
    return issue_token(tx, app_id=caller.app_id, account_id=account_id, scopes=caller.scopes), tx.now


@routes.post("/api/v1/emails/confirmations", scope="write:accounts", confirmed=False)
async def resend(call: Call) -> Response:
    """Mail the confirmation again; when all is confirmed already, nothing is to be done."""
    form = await call.form(EmailForm)
    call.spend(limits.SIGN_UPS, f"confirmation {call.viewer}")
    await call.server.database.write(send_confirmation, call.server.site, call.viewer, form.email)
    return call.json({})


@routes.get("/api/v1/emails/check_confirmation", scope="read:accounts", confirmed=False)
async def check_confirmation(call: Call) -> Response:
    """Whether the address is confirmed: applications ask until it is."""
    return call.json(await call.server.database.read(is_confirmed, call.viewer))
