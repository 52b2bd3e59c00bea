"""Accounts, local and remote, and the local people behind them."""

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as sql

from roseau.storage.schema.columns import flag, instant, key, metadata, number, ref, sealed, text

accounts = Table(
    "accounts",
    metadata,
    key(),
    text("username"),
    #: Case folded, for look-ups; unique together with the domain.
    text("username_key"),
    #: Empty for accounts of this site, whatever name it has today.
    text("domain", default=""),
    text("uri", unique=True),
    text("url", default=""),
    #: `Person`, `Service` (a bot), `Group`, `Organization` or `Application`.
    text("actor_type", default="Person"),
    text("display_name", default=""),
    text("note", default=""),
    text("note_html", default=""),
    #: JSON: [{"name", "value", "html", "verified_at"}]
    text("fields", default="[]"),
    #: Names of blobs; empty for the drawn default.
    text("avatar", default=""),
    text("avatar_static", default=""),
    text("avatar_description", default=""),
    text("header", default=""),
    text("header_static", default=""),
    text("header_description", default=""),
    text("avatar_remote_url", default=""),
    text("header_remote_url", default=""),
    flag("locked"),
    flag("discoverable"),
    flag("indexable"),
    flag("hide_collections"),
    #: Which tabs their profile has.
    flag("show_media", default=True),
    flag("show_media_replies", default=True),
    flag("show_featured", default=True),
    number("followers_count"),
    number("following_count"),
    number("statuses_count"),
    instant("last_status_at", null=True),
    ref("moved_to_id", "accounts.id", null=True),
    text("also_known_as", default="[]"),
    #: Endpoints of remote actors.
    text("inbox_url", default=""),
    text("shared_inbox_url", default=""),
    text("outbox_url", default=""),
    text("followers_url", default=""),
    text("featured_url", default=""),
    instant("created_at"),
    instant("updated_at"),
    instant("fetched_at", null=True),
    #: Hidden by moderation and restorable; `limited` is Mastodon's silence.
    instant("suspended_at", null=True),
    instant("limited_at", null=True),
    instant("sensitized_at", null=True),
    instant("memorial_at", null=True),
    #: Left for good: the name stays taken, nothing is shown.
    instant("deleted_at", null=True),
    #: Counts up with every change of what others see; caches are keyed by it.
    number("version"),
    Index("uq_accounts_name", "username_key", "domain", unique=True),
    # Few are limited, and every public timeline asks who.
    Index(
        "ix_accounts_limited",
        "id",
        sqlite_where=sql("limited_at IS NOT NULL"),
        postgresql_where=sql("limited_at IS NOT NULL"),
    ),
)

account_keys = Table(
    "account_keys",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    text("kind", primary_key=True),
    text("public_key"),
    sealed("private_key", null=True),
    instant("created_at"),
)

#: The person with a login; only accounts of this site have one.
users = Table(
    "users",
    metadata,
    ref("account_id", "accounts.id", primary_key=True, autoincrement=False),
    text("email"),
    text("email_key", unique=True),
    text("password_hash", default=""),
    #: member, moderator, admin or owner
    text("role", default="member"),
    text("locale", default="en"),
    text("time_zone", default="UTC"),
    #: JSON of `domain.accounts.preferences.Preferences`
    text("preferences", default="{}"),
    text("reason", default=""),
    instant("created_at"),
    instant("confirmed_at", null=True),
    instant("approved_at", null=True),
    instant("disabled_at", null=True),
    instant("rules_accepted_at", null=True),
    instant("age_confirmed_at", null=True),
    ref("invite_id", "invites.id", null=True),
    #: The day, not the hour: enough to count active members.
    instant("last_active_on", null=True),
    sealed("otp_secret", null=True),
    instant("otp_enabled_at", null=True),
    #: The last time step whose code was used, so that a code works once.
    number("otp_last_step"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    text("code_hash", primary_key=True),
    instant("used_at", null=True),
)

sessions = Table(
    "sessions",
    metadata,
    key(),
    ref("account_id", "accounts.id", index=True),
    text("token_hash", unique=True),
    text("user_agent", default=""),
    instant("created_at"),
    instant("last_used_at"),
    instant("revoked_at", null=True),
)

invites = Table(
    "invites",
    metadata,
    key(),
    ref("account_id", "accounts.id", index=True),
    text("code", unique=True),
    Column("max_uses", Integer, nullable=True),
    number("uses"),
    flag("autofollow"),
    instant("created_at"),
    instant("expires_at", null=True),
    instant("revoked_at", null=True),
)

account_notes = Table(
    "account_notes",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    ref("target_id", "accounts.id", primary_key=True),
    text("comment"),
)
