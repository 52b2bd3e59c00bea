"""The site itself: its names, settings made in the pages, rules, secrets, one-time links."""

from sqlalchemy import Column, Integer, Table

from roseau.storage.schema.columns import ID, instant, key, metadata, ref, sealed, text

#: A site may have several names: the domain, aliases that still answer, an onion address.
site_names = Table(
    "site_names",
    metadata,
    text("name", primary_key=True),
    text("kind"),
    Column("position", Integer, nullable=False),
    instant("created_at"),
)

site_settings = Table(
    "site_settings",
    metadata,
    text("name", primary_key=True),
    text("value"),
    instant("updated_at"),
    Column("updated_by_id", ID, nullable=True),
)

rules = Table(
    "rules",
    metadata,
    key(),
    Column("position", Integer, nullable=False),
    instant("created_at"),
    instant("withdrawn_at", null=True),
)

rule_texts = Table(
    "rule_texts",
    metadata,
    ref("rule_id", "rules.id", primary_key=True),
    text("language", primary_key=True),
    text("text"),
    text("hint", default=""),
)

#: Secrets that keep members logged in and followed: in the database, so that they are replicated with it.
secrets = Table(
    "secrets",
    metadata,
    text("name", primary_key=True),
    sealed("sealed"),
    instant("created_at"),
)

#: The data key, wrapped once for each holder: this machine, the recovery key, later each reed.
data_keys = Table(
    "data_keys",
    metadata,
    text("holder", primary_key=True),
    sealed("wrapped"),
    instant("created_at"),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    text("token_hash", primary_key=True),
    text("purpose"),
    ref("account_id", "accounts.id", null=True, owned=True),
    text("detail", default=""),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", null=True),
)

schema_migrations = Table(
    "schema_migrations",
    metadata,
    text("name", primary_key=True),
    instant("applied_at"),
)
