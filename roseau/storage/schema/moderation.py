"""What moderation stands on: its log, versions of the rules, the team, other servers, sign-up blocks."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table

from roseau.storage.schema.columns import ID, flag, instant, key, metadata, number, ref, text

#: What happened in moderation, without anybody's name: each entry holds the hash of the one before it.
moderation_log = Table(
    "moderation_log",
    metadata,
    Column("seq", ID, primary_key=True, autoincrement=False),
    instant("at"),
    text("kind"),
    #: Canonical JSON. Persons are HMACs under a key that the site keeps to itself.
    text("body"),
    Column("hash", LargeBinary, nullable=False),
)

#: One row a day (UTC): the Merkle root over the hashes of its entries.
log_roots = Table(
    "log_roots",
    metadata,
    text("day", primary_key=True),
    number("first_seq"),
    number("last_seq"),
    text("root"),
    #: The hash of the day's last entry, hexadecimal.
    text("tip"),
    instant("made_at"),
    #: JSON: peer -> when it said that it keeps the root.
    text("kept_by", default="{}"),
)

#: Roots of other sites that we keep for them.
peer_roots = Table(
    "peer_roots",
    metadata,
    text("peer", primary_key=True),
    text("day", primary_key=True),
    number("first_seq"),
    number("last_seq"),
    text("root"),
    text("tip"),
    instant("fetched_at"),
)

#: Two roots for one day: somebody has rewritten a log, a peer's or ours as a peer knows it (`whose`).
root_conflicts = Table(
    "root_conflicts",
    metadata,
    text("peer", primary_key=True),
    text("day", primary_key=True),
    text("root", primary_key=True),
    text("whose"),
    text("tip"),
    number("last_seq"),
    instant("seen_at"),
)

#: Where in the log each decision stands, once its day has a root.
logged_decisions = Table(
    "logged_decisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("seq", ID, nullable=False),
)

#: A rule as it read when it was in force. A decision names one of these.
rule_versions = Table(
    "rule_versions",
    metadata,
    ref("rule_id", "rules.id", primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    #: JSON: language -> {"text", "hint"}
    text("texts"),
    #: The lane of notices that name it, and the measures from mild to hard (JSON): what is suggested.
    text("lane", default="S2"),
    text("ladder", default="[]"),
    #: Category of the Transparency Database.
    text("dsa_category", default="STATEMENT_CATEGORY_OTHER_VIOLATION_TC"),
    #: JSON list of its keywords.
    text("keywords", default="[]"),
    instant("created_at"),
    #: When the next version took its place, or it was withdrawn.
    instant("ended_at", null=True),
)

#: What people agreed to at sign-up, as it read from `since` on, which may lie ahead. The newest also stands
#: in the choices. One that a newer version overtook before its day never held.
terms_versions = Table(
    "terms_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    #: JSON: language -> Markdown
    text("texts"),
    instant("since"),
    instant("written_at"),
    ref("written_by_id", "accounts.id", null=True),
    #: Since when members are being told of it, one portion after the other (DSA art. 14(2)).
    instant("told_at", null=True),
)

#: What roles may do, where the site differs from `vocabulary.ROLES`, and roles that it made itself.
staff_roles = Table(
    "staff_roles",
    metadata,
    text("name", primary_key=True),
    text("title", default=""),
    #: JSON list of permissions.
    text("permissions"),
    flag("second_factor", default=True),
    instant("updated_at"),
)

#: When somebody of the team is on duty, weekly; minutes since Monday 0:00 in their time zone.
duties = Table(
    "duties",
    metadata,
    key(),
    ref("account_id", "accounts.id", index=True),
    number("from_minute"),
    number("until_minute"),
    #: Is called for S0 by mail and push, also at night.
    flag("on_call"),
)

#: Rest: nothing is assigned to them, nobody calls them.
rests = Table(
    "rests",
    metadata,
    key(),
    ref("account_id", "accounts.id", index=True),
    instant("from_at"),
    instant("until_at", null=True),
)

# Other servers

domain_permissions = Table(
    "domain_permissions",
    metadata,
    key(),
    text("domain", unique=True),
    #: noop, silence (limit) or suspend
    text("severity"),
    flag("reject_media"),
    flag("reject_reports"),
    #: Shown with stars in public lists.
    flag("obfuscate"),
    text("public_comment", default=""),
    text("private_comment", default=""),
    ref("subscription_id", "domain_permission_subscriptions.id", null=True),
    ref("measure_id", "measures.id", null=True),
    ref("created_by_id", "accounts.id", null=True),
    instant("created_at"),
    instant("updated_at"),
    instant("expires_at", null=True),
)

#: Lists of others, fetched each day.
domain_permission_subscriptions = Table(
    "domain_permission_subscriptions",
    metadata,
    key(),
    text("uri", unique=True),
    text("title", default=""),
    #: Of two lists that differ, the higher counts; 0 to 255.
    number("priority"),
    #: csv (Mastodon's), json or plain
    text("content_type", default="csv"),
    #: What an entry becomes here when it does not say: silence or suspend.
    text("severity", default="suspend"),
    #: Entries wait as drafts until somebody has looked at them.
    flag("as_draft", default=True),
    flag("adopt_orphans"),
    #: What goes from the list goes here too; else it stays, as an orphan.
    flag("remove_retracted", default=True),
    text("etag", default=""),
    instant("created_at"),
    instant("fetched_at", null=True),
    instant("succeeded_at", null=True),
    text("error", default=""),
    number("count"),
    #: Who chose the list: they decide what follows from it.
    ref("created_by_id", "accounts.id", null=True),
)

domain_permission_drafts = Table(
    "domain_permission_drafts",
    metadata,
    key(),
    text("domain"),
    ref("subscription_id", "domain_permission_subscriptions.id", null=True, owned=True),
    #: block, or retract: the list has it no more
    text("kind", default="block"),
    text("severity"),
    flag("reject_media"),
    flag("reject_reports"),
    flag("obfuscate"),
    text("public_comment", default=""),
    text("private_comment", default=""),
    instant("created_at"),
    Index("uq_domain_permission_drafts", "domain", "subscription_id", "kind", unique=True),
)

#: Domains that no list touches.
domain_permission_excludes = Table(
    "domain_permission_excludes",
    metadata,
    text("domain", primary_key=True),
    text("private_comment", default=""),
    instant("created_at"),
)

#: When the site federates with named servers only.
domain_allows = Table(
    "domain_allows",
    metadata,
    key(),
    text("domain", unique=True),
    instant("created_at"),
)

# Who may not sign up

email_domain_blocks = Table(
    "email_domain_blocks",
    metadata,
    key(),
    text("domain", unique=True),
    #: Let in after approval only, rather than not at all.
    flag("allow_with_approval"),
    instant("created_at"),
)

ip_blocks = Table(
    "ip_blocks",
    metadata,
    key(),
    #: A network, as CIDR.
    text("ip", unique=True),
    #: sign_up_requires_approval, sign_up_block or no_access
    text("severity"),
    text("comment", default=""),
    instant("created_at"),
    instant("expires_at", null=True),
)

#: Mail addresses of people who were suspended, as SHA-256 of their canonical form.
canonical_email_blocks = Table(
    "canonical_email_blocks",
    metadata,
    key(),
    text("canonical_email_hash", unique=True),
    ref("account_id", "accounts.id", null=True),
    instant("created_at"),
)

#: Trusted flaggers (DSA art. 22): what they send comes first. They are known by the address or domain of
#: their mail, where the mail server vouches for it, or by a member's account.
trusted_flaggers = Table(
    "trusted_flaggers",
    metadata,
    key(),
    text("name"),
    #: An address, or a domain; empty: they have an account alone.
    text("address", default=""),
    ref("account_id", "accounts.id", null=True, index=True),
    instant("since"),
    ref("added_by_id", "accounts.id", null=True),
    instant("withdrawn_at", null=True),
    Index("ix_trusted_flaggers_address", "address"),
)

#: Each transparency report that was made: over what, and what came out.
transparency_runs = Table(
    "transparency_runs",
    metadata,
    key(),
    text("period"),
    number("last_seq"),
    text("root"),
    text("sha256"),
    instant("made_at"),
)

#: The files of each report, as they were published.
transparency_files = Table(
    "transparency_files",
    metadata,
    ref("run_id", "transparency_runs.id", primary_key=True),
    text("name", primary_key=True),
    text("content"),
)
