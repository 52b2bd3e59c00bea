"""Tokens: issued to an application for a member or for itself, revoked (RFC 6749, RFC 7009)."""

from sqlalchemy import bindparam, delete, select, update

from roseau.kernel import ids, keys
from roseau.kernel.errors import Invalid
from roseau.storage.database import Transaction
from roseau.storage.schema.oauth import oauth_apps, oauth_tokens, push_subscriptions
from roseau.storage.statements import insertion, one_of, statement, upsert

#: The application of tokens that operators make on the command line.
OWN_CLIENT_ID = "roseau"

_find_app = statement(select(oauth_apps.c.id).where(oauth_apps.c.client_id == bindparam("client")))
_APP = "id name website client_id secret_hash redirect_uris scopes created_at"
_insert_app = statement(
    upsert(oauth_apps).values({name: bindparam(name) for name in _APP.split()}).on_conflict_do_nothing()
)
_insert_token = insertion(
    oauth_tokens,
    "id token_hash app_id account_id scopes code_hash created_at last_used_at",
)
_standing = oauth_tokens.c.revoked_at.is_(None)
_by_hash = statement(
    select(oauth_tokens.c.id, oauth_tokens.c.app_id).where(
        oauth_tokens.c.token_hash == bindparam("wanted"), _standing
    )
)
_of_member = statement(
    select(oauth_tokens.c.id).where(oauth_tokens.c.account_id == bindparam("account"), _standing)
)
_of_member_and_app = statement(
    select(oauth_tokens.c.id).where(
        oauth_tokens.c.account_id == bindparam("account"),
        oauth_tokens.c.app_id == bindparam("app"),
        _standing,
    )
)
_of_code = statement(
    select(oauth_tokens.c.id).where(oauth_tokens.c.code_hash == bindparam("code"), _standing)
)
_revoke = statement(
    update(oauth_tokens).where(one_of(oauth_tokens.c.id, "ids")).values(revoked_at=bindparam("at"))
)
_unsubscribe = statement(delete(push_subscriptions).where(one_of(push_subscriptions.c.token_id, "ids")))


def find_app_id(tx: Transaction, client_id: str) -> int | None:
    """The id of the application with that client id."""
    return tx.value(_find_app, client=client_id)  # type: ignore[no-any-return]


def add_app(
    tx: Transaction,
    *,
    name: str,
    website: str | None,
    client_id: str,
    secret: str,
    redirect_uris: list[str],
    scopes: str,
) -> int:
    """Register an application; its id. Only a hash of the secret is kept. Raises Invalid."""
    app_id = ids.new_id()
    made = tx.run(
        _insert_app,
        id=app_id,
        name=name,
        website=website,
        client_id=client_id,
        secret_hash=keys.hash_token(secret),
        redirect_uris="\n".join(redirect_uris),
        scopes=scopes,
        created_at=tx.now,
    )
    if not made:
        raise Invalid("There is an application with this client id already.")
    return app_id


def find_own_app(tx: Transaction) -> int:
    """The application that stands for this site's own tools, made at first use."""
    found = find_app_id(tx, OWN_CLIENT_ID)
    if found is not None:
        return found
    return add_app(
        tx,
        name="Roseau",
        website=None,
        client_id=OWN_CLIENT_ID,
        secret=keys.new_token(),
        redirect_uris=[],
        scopes="",
    )


def issue_token(
    tx: Transaction, *, app_id: int, account_id: int | None, scopes: str, code_hash: str | None = None
) -> str:
    """A new token for the member, or for the application itself; it is shown once, only its hash is kept."""
    token = keys.new_token()
    tx.run(
        _insert_token,
        id=ids.new_id(),
        token_hash=keys.hash_token(token),
        app_id=app_id,
        account_id=account_id,
        scopes=scopes,
        code_hash=code_hash,
        created_at=tx.now,
        last_used_at=tx.now,
    )
    return token


def revoke_token(tx: Transaction, app_id: int, token: str) -> bool:
    """Revoke a token that this application holds; False for another's. An unknown one needs nothing."""
    row = tx.one(_by_hash, wanted=keys.hash_token(token))
    if row is None:
        return True
    if row.app_id != app_id:
        return False
    _revoke_all(tx, [row.id])
    return True


def revoke_member_tokens(tx: Transaction, account_id: int, app_id: int | None = None) -> None:
    """Take back what applications hold for a member: all of it, or what one application holds."""
    if app_id is None:
        _revoke_all(tx, tx.values(_of_member, account=account_id))
    else:
        _revoke_all(tx, tx.values(_of_member_and_app, account=account_id, app=app_id))


def revoke_code_tokens(tx: Transaction, code_hash: str) -> None:
    """Take back what a code gave, because the code was used twice (RFC 6749, section 4.1.2)."""
    _revoke_all(tx, tx.values(_of_code, code=code_hash))


def _revoke_all(tx: Transaction, token_ids: list[int]) -> None:
    if token_ids:
        tx.run(_revoke, ids=token_ids, at=tx.now)
        tx.run(_unsubscribe, ids=token_ids)
