"""Applications, the grants and tokens they hold, and their push subscriptions."""

from sqlalchemy import Table

from roseau.storage.schema.columns import flag, instant, key, metadata, ref, text

oauth_apps = Table(
    "oauth_apps",
    metadata,
    key(),
    text("name"),
    text("website", null=True),
    text("client_id", unique=True),
    text("secret_hash"),
    #: One per line, compared to the letter.
    text("redirect_uris"),
    text("scopes"),
    instant("created_at"),
)

oauth_grants = Table(
    "oauth_grants",
    metadata,
    text("code_hash", primary_key=True),
    ref("app_id", "oauth_apps.id"),
    ref("account_id", "accounts.id"),
    text("redirect_uri"),
    text("scopes"),
    text("code_challenge", default=""),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", null=True),
)

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    key(),
    text("token_hash", unique=True),
    ref("app_id", "oauth_apps.id"),
    #: Null for a token of the application itself (client credentials).
    ref("account_id", "accounts.id", null=True, owned=True, index=True),
    text("scopes"),
    #: The grant it came from: a code that is used twice takes its tokens with it.
    text("code_hash", null=True, index=True),
    instant("created_at"),
    instant("last_used_at"),
    instant("revoked_at", null=True),
)

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    key(),
    ref("token_id", "oauth_tokens.id", unique=True),
    ref("account_id", "accounts.id", index=True),
    text("endpoint"),
    text("p256dh"),
    text("auth"),
    #: RFC 8291 encoding; older apps decode the draft's `aesgcm`.
    flag("standard"),
    text("alerts"),
    text("policy", default="all"),
    instant("created_at"),
)
