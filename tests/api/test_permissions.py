"""Every endpoint, asked by everybody: who gets in, and what the others are told.

The table of endpoints is walked as it is, so that a new one is covered without a word here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from roseau.api import ROUTES
from roseau.api.routing import EndpointRoute
from roseau.app import create_app
from roseau.domain.accounts.tokens import find_own_app, issue_token
from roseau.kernel import keys
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.oauth import oauth_tokens
from roseau.storage.statements import statement
from tests.api.driving import Answer, Attempt, ask, bearer

pytestmark = pytest.mark.anyio

#: Endpoints for members that ask for no scope, each with the reason.
WITHOUT_SCOPE: dict[tuple[str, str], str] = {}

INVALID = (401, "The access token is invalid")
REVOKED = (401, "The access token was revoked")
OUT_OF_SCOPE = (403, "This action is outside the authorized scopes")
NOT_A_MEMBER = (422, "This method requires an authenticated user")
DISABLED = (403, "Your login is currently disabled")
UNCONFIRMED = (403, "Your login is missing a confirmed e-mail address")
UNAPPROVED = (403, "Your login is currently pending approval")
REFUSALS = (INVALID, REVOKED, OUT_OF_SCOPE, NOT_A_MEMBER, DISABLED, UNCONFIRMED, UNAPPROVED)

Verdict = tuple[int, str] | None


class Tokens:
    """Tokens of every kind, made as they are needed."""

    def __init__(self, server: Any, cast: Any) -> None:
        self._server = server
        self._cast = cast
        self._made: dict[tuple[str | None, str], str] = {}

    def of(self, name: str | None, scopes: str) -> str:
        """A token with these scopes of the member with that name; None: of the application itself."""
        key = (name, scopes)
        if key not in self._made:
            account_id = getattr(self._cast, name).id if name else None
            self._made[key] = self._server.database.write_now(
                lambda tx: issue_token(tx, app_id=find_own_app(tx), account_id=account_id, scopes=scopes)
            )
        return self._made[key]

    def mark(self, name: str, table: Any, column: str, value: int | None) -> None:
        """Set a date in the rows of somebody."""
        key = table.c.account_id if "account_id" in table.c else table.c.id
        change = statement(update(table).where(key == bindparam("who")).values({column: bindparam("what")}))
        member = getattr(self._cast, name)
        self._server.database.write_now(lambda tx: tx.run(change, who=member.id, what=value))

    def revoke(self, token: str) -> str:
        """The same token, revoked."""
        change = statement(
            update(oauth_tokens)
            .where(oauth_tokens.c.token_hash == bindparam("hashed"))
            .values(revoked_at=bindparam("at"))
        )
        hashed = keys.hash_token(token)
        self._server.database.write_now(lambda tx: tx.run(change, hashed=hashed, at=tx.now))
        return token


@pytest.fixture
def tokens(server: Any, cast: Any) -> Tokens:
    """A maker of tokens."""
    return Tokens(server, cast)


def other_scope(route: EndpointRoute) -> str:
    """A scope that does not cover the route's."""
    return "push" if route.scope != "push" else "profile"


def wanted(route: EndpointRoute) -> str:
    """The narrowest scopes that let the route be called."""
    return route.scope or "profile"


def wider(scope: str) -> str:
    """The widest scope that covers it: `read` for `read:accounts`, `admin:read` for `admin:read:accounts`."""
    parts = scope.split(":")
    return ":".join(parts[:2] if parts[0] == "admin" else parts[:1])


# What each kind of caller sends, and what it is told: a refusal, or None where it gets in.


def nobody(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    return None, INVALID if route.access in ("member", "app") else None


def garbage(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    return "nonsense-\u00e9", None if route.access in ("open", "probe") else INVALID


def revoked(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    token = tokens.revoke(tokens.of("rita", wanted(route)))
    return token, None if route.access in ("open", "probe") else REVOKED


def application(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    return tokens.of(None, wanted(route)), NOT_A_MEMBER if route.access == "member" else None


def narrow_application(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    # On an endpoint for anyone, an application may do what anyone may.
    refused = route.scope is not None and route.access in ("member", "app")
    verdict = OUT_OF_SCOPE if refused else NOT_A_MEMBER if route.access == "member" else None
    return tokens.of(None, other_scope(route)), verdict


def narrow_member(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    refused = route.scope is not None and route.access not in ("open", "probe")
    return tokens.of("ada", other_scope(route)), OUT_OF_SCOPE if refused else None


def member(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    return tokens.of("ada", wanted(route)), None


def broad_member(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    return tokens.of("ada", wider(wanted(route))), None


def _hampered(
    name: str, route: EndpointRoute, tokens: Tokens, verdict: Verdict
) -> tuple[str | None, Verdict]:
    return tokens.of(name, wanted(route)), verdict if route.access in ("member", "anyone") else None


def disabled(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    tokens.mark("dan", users, "disabled_at", 1)
    return _hampered("dan", route, tokens, DISABLED)


def suspended(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    tokens.mark("sue", accounts, "suspended_at", 1)
    return _hampered("sue", route, tokens, DISABLED)


def unconfirmed(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    tokens.mark("una", users, "confirmed_at", None)
    return _hampered("una", route, tokens, UNCONFIRMED if route.confirmed else None)


def unapproved(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    tokens.mark("wim", users, "approved_at", None)
    return _hampered("wim", route, tokens, UNAPPROVED if route.confirmed else None)


def gone(tokens: Tokens, route: EndpointRoute) -> tuple[str | None, Verdict]:
    tokens.mark("gil", accounts, "deleted_at", 1)
    return tokens.of("gil", wanted(route)), None if route.access in ("open", "probe") else INVALID


CALLERS: list[Callable[[Tokens, EndpointRoute], tuple[str | None, Verdict]]] = [
    nobody, garbage, revoked, application, narrow_application, narrow_member, member, broad_member,
    disabled, suspended, unconfirmed, unapproved, gone,
]  # fmt: skip


def judge(answer: Answer, verdict: Verdict) -> bool:
    """Whether the answer is the refusal that was to be, or none where none was to be."""
    if verdict is not None:
        return (answer.status, answer.error) == verdict
    return answer.status < 500 and (answer.status, answer.error) not in REFUSALS


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.__name__)
async def test_every_endpoint_lets_in_whom_it_should(server: Any, tokens: Tokens, caller: Any) -> None:
    app = create_app(server, start_worker=False)
    wrong: list[str] = []
    for route in ROUTES:
        token, verdict = caller(tokens, route)
        path = re.sub(r"\{.*?\}", "1", route.path)
        answer = await ask(app, Attempt(method=route.method, path=path, headers=bearer(token)))
        if not judge(answer, verdict):
            wrong.append(f"{route.method} {route.path}: {answer.status} {answer.body[:80]!r}, not {verdict}")
    assert wrong == []


def test_every_endpoint_for_members_has_a_scope() -> None:
    without = {(route.method, route.path) for route in ROUTES if route.access == "member" and not route.scope}
    assert without == set(WITHOUT_SCOPE)


def test_scopes_are_of_the_right_kind() -> None:
    """Reading asks for `read:…` and changing for `write:…`, but for scopes that have no verb."""

    def fits(route: EndpointRoute) -> bool:
        if route.scope is None or route.scope in ("push", "profile", "follow"):
            return True
        verb = route.scope.removeprefix("admin:").partition(":")[0]
        return verb == "read" if route.method == "GET" else verb == "write"

    excepted = {
        # Mastodon asks for `write:media` to look at an upload, which its owner alone can do.
        ("GET", "/api/v1/media/{id}"),
        # These are questions whose parameters are too many for an address.
        ("POST", "/api/v1/admin/canonical_email_blocks/test"),
        ("POST", "/api/v1/admin/dimensions"),
        ("POST", "/api/v1/admin/measures"),
        ("POST", "/api/v1/admin/retention"),
    }
    wrong = {(route.method, route.path) for route in ROUTES if not fits(route)}
    assert wrong == excepted


def test_no_endpoint_is_there_twice() -> None:
    seen: set[tuple[str, str]] = set()

    def twice() -> Iterator[tuple[str, str]]:
        for route in ROUTES:
            key = (route.method, re.sub(r"\{.*?\}", "{}", route.path))
            if key in seen:
                yield key
            seen.add(key)

    assert list(twice()) == []
