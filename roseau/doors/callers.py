"""Who is calling: the token or session of a request, the client's address behind trusted proxies."""

import ipaddress
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from roseau.domain.accounts.freezing import Frozen, is_frozen
from roseau.domain.accounts.scopes import covers
from roseau.kernel import clock, keys
from roseau.kernel.errors import Forbidden, Invalid, Unauthorized
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.oauth import oauth_apps, oauth_tokens
from roseau.storage.statements import statement

_GROUPED = frozenset(("follows", "blocks", "mutes"))
_OPEN_TO_FROZEN = frozenset(("write:notifications", "write:reports"))


class Caller(msgspec.Struct, frozen=True):
    """The token that a request carries: its application and, but for application tokens, its member."""

    token_id: int
    app_id: int
    scopes: str
    revoked_at: int | None
    account_id: int | None = None
    role: str | None = None
    locale: str | None = None
    confirmed_at: int | None = None
    approved_at: int | None = None
    disabled_at: int | None = None
    suspended_at: int | None = None
    deleted_at: int | None = None
    last_used_at: int = 0
    #: A measure keeps the member from writing.
    frozen: bool = False

    @property
    def viewer(self) -> int:
        """The member's id, or 0: what `load_statuses` calls the viewer."""
        return self.account_id or 0

    def has(self, scope: str) -> bool:
        """Whether the token covers a scope: `read` covers `read:statuses`, `follow` what relates people."""
        verb, _, thing = scope.partition(":")
        if scope == "profile" and self.has("read:accounts"):
            return True
        return covers(self.scopes, scope) or (
            verb != "admin" and thing in _GROUPED and "follow" in self.scopes.split()
        )


_find = statement(
    select(
        oauth_tokens.c.id.label("token_id"),
        oauth_tokens.c.app_id,
        oauth_tokens.c.scopes,
        oauth_tokens.c.revoked_at,
        oauth_tokens.c.account_id,
        users.c.role,
        users.c.locale,
        users.c.confirmed_at,
        users.c.approved_at,
        users.c.disabled_at,
        accounts.c.suspended_at,
        accounts.c.deleted_at,
        oauth_tokens.c.last_used_at,
        is_frozen(oauth_tokens.c.account_id).label("frozen"),
    )
    .select_from(
        oauth_tokens.join(oauth_apps, oauth_apps.c.id == oauth_tokens.c.app_id)
        .outerjoin(users, users.c.account_id == oauth_tokens.c.account_id)
        .outerjoin(accounts, accounts.c.id == oauth_tokens.c.account_id)
    )
    .where(oauth_tokens.c.token_hash == bindparam("token_hash")),
    into=Caller,
)

_used = statement(
    update(oauth_tokens).where(oauth_tokens.c.id == bindparam("token")).values(last_used_at=bindparam("now"))
)
_active = statement(
    update(users).where(users.c.account_id == bindparam("member")).values(last_active_on=bindparam("day"))
)


def bearer_of(request: HTTPConnection) -> str | None:
    """The token of the Authorization header (RFC 6750, section 2.1)."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


def find_caller(tx: Transaction, token: str | None) -> Caller | None:
    """Who the token stands for; None without a token. Raises Unauthorized for one that is no good."""
    if token is None:
        return None
    caller = tx.one(_find, token_hash=keys.hash_token(token), now=tx.now)
    if caller is None:
        raise Unauthorized
    if caller.revoked_at is not None:
        raise Unauthorized("The access token was revoked")
    if caller.deleted_at is not None:
        raise Unauthorized
    return caller


def is_stale(caller: Caller) -> bool:
    """Whether the token was not used yet today, as far as its row says."""
    return caller.last_used_at // clock.DAY < clock.now() // clock.DAY


def touch_token(tx: Transaction, caller: Caller) -> None:
    """Note that the token is used today, and its member active: the day is all that is kept."""
    tx.run(_used, token=caller.token_id, now=tx.now)
    if caller.account_id is not None:
        tx.run(_active, member=caller.account_id, day=tx.now // clock.DAY * clock.DAY)


def check_caller(caller: Caller | None, scope: str | None, *, member: bool, confirmed: bool) -> None:
    """Let the caller pass, or say why not. Raises Unauthorized, Forbidden, Frozen, Invalid.

    `member`: an application's own token does not do. `confirmed`: the login has to be in order.
    """
    if caller is None:
        raise Unauthorized
    if scope is not None and not caller.has(scope):
        raise Forbidden("This action is outside the authorized scopes")
    if not member:
        return
    if caller.account_id is None:
        raise Invalid("This method requires an authenticated user")
    if caller.disabled_at is not None or caller.suspended_at is not None:
        raise Forbidden("Your login is currently disabled")
    if caller.frozen and scope is not None and _writes(scope):
        raise Frozen
    if confirmed and caller.confirmed_at is None:
        raise Forbidden("Your login is missing a confirmed e-mail address")
    if confirmed and caller.approved_at is None:
        raise Forbidden("Your login is currently pending approval")


def _writes(scope: str) -> bool:
    """Whether what is asked for changes something; reports and one's own notifications stay open to all."""
    return scope.startswith(("write", "follow", "admin:write")) and scope not in _OPEN_TO_FROZEN


@lru_cache(maxsize=64)
def _networks(cidrs: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(ipaddress.ip_network(cidr, strict=False) for cidr in cidrs)


def _parse_address(text: str) -> Any:
    """The address, or None; one of IPv4 that came through an IPv6 socket is one of IPv4."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _trusted(address: str, cidrs: tuple[str, ...]) -> bool:
    ip = _parse_address(address)
    return ip is not None and any(
        ip in network for network in _networks(cidrs) if network.version == ip.version
    )


class TrustedProxies:
    """Middleware: believe `X-Forwarded-For` and `X-Forwarded-Proto`, from the proxies that are named only."""

    def __init__(self, app: ASGIApp, networks: tuple[str, ...]) -> None:
        self.app = app
        self.networks = networks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rewrite the client's address and scheme, then go on."""
        client = scope.get("client")
        if (
            self.networks
            and client
            and scope["type"] in ("http", "websocket")
            and _trusted(client[0], self.networks)
        ):
            headers = dict(scope["headers"])
            # A proxy adds to the last line, or a line of its own: they are one list (RFC 9110, section 5.3).
            lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            chain = b",".join(lines).decode("latin-1").split(",")
            # The nearest address that is not one of our proxies is the client; the rest is hearsay.
            for address in reversed([part.strip() for part in chain if part.strip()]):
                scope["client"] = (address, 0)
                if not _trusted(address, self.networks):
                    break
            proto = headers.get(b"x-forwarded-proto", b"").decode("latin-1").strip().lower()
            if proto in ("http", "https"):
                scope["scheme"] = proto if scope["type"] == "http" else {"http": "ws", "https": "wss"}[proto]
        await self.app(scope, receive, send)


def client_address(request: HTTPConnection) -> str:
    """The client's address for limits; an IPv6 client is its /64, which is one household."""
    host = request.client.host if request.client else ""
    ip = _parse_address(host)
    if ip is None:
        return host
    if ip.version == 6:
        return str(ipaddress.ip_network(f"{host.partition('%')[0]}/64", strict=False).network_address)
    return str(ip)
