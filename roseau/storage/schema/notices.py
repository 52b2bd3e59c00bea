"""What came in: notices of every channel, what they point at, how it looked then, letters and orders."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table
from sqlalchemy import text as sql

from roseau.storage.schema.columns import ID, flag, instant, key, metadata, number, ref, sealed, text

#: Somebody says that something is wrong. What Mastodon calls a report is a notice of the channel `in_app`.
notices = Table(
    "notices",
    metadata,
    key(),
    #: What its sender quotes and finds it by, without an account: random, so that nobody finds another's.
    text("number", unique=True),
    #: in_app, web, mail, arf, xarf, ap_flag, host_letter, authority_order, trusted_flagger or own_initiative
    text("channel"),
    #: spam, legal, violation or other (Mastodon's), and the finer reason (`vocabulary.REASONS`).
    text("category", default="other"),
    text("reason", default="other"),
    #: JSON list of the rules that it names.
    text("rule_ids", default="[]"),
    text("comment", default=""),
    text("language", default="en"),
    #: The member who sent it, if it was one.
    ref("account_id", "accounts.id", null=True),
    #: Name and mail address of an outsider; sealed, and forgotten some time after the outcome.
    sealed("contact", null=True),
    flag("good_faith"),
    #: The sender wants the other server to hear of it, without their name.
    flag("forward"),
    #: Whom it is about; null when that is nobody known here.
    ref("target_account_id", "accounts.id", null=True),
    #: Where it came from, hashed: many of one source are grouped, counted once, and slowed down.
    text("source", default=""),
    #: The original mail, sealed.
    sealed("original", null=True),
    instant("received_at"),
    #: What became of it: upheld, not_upheld, unfounded (manifestly), or null while it is open.
    text("outcome", null=True),
    instant("outcome_at", null=True),
    Index("ix_notices_account", "account_id", "id"),
    Index("ix_notices_target", "target_account_id", "id"),
    Index("ix_notices_source", "source", "received_at"),
)

#: One address or thing of a notice. Every item is in a case.
notice_items = Table(
    "notice_items",
    metadata,
    key(),
    ref("notice_id", "notices.id", index=True),
    Column("position", Integer, nullable=False, server_default="0"),
    #: As it was given; empty when an app named an id.
    text("uri", default=""),
    #: status, account, media, collection, tag, domain, or unknown: nothing that is here.
    text("kind"),
    ref("status_id", "statuses.id", null=True),
    #: The author, or the account itself.
    ref("account_id", "accounts.id", null=True),
    ref("case_id", "cases.id", null=True, index=True),
    ref("snapshot_id", "snapshots.id", null=True, index=True),
    Index("ix_notice_items_status", "status_id"),
)

#: How a thing looked when a notice of it came: text, media, author and the thread around it.
snapshots = Table(
    "snapshots",
    metadata,
    key(),
    #: SHA-256 of the canonical JSON, hexadecimal: the same state twice is kept once.
    text("hash", unique=True),
    ref("status_id", "statuses.id", null=True),
    ref("account_id", "accounts.id", null=True),
    #: The JSON, under the site's data key, or under the evidence key that is named.
    sealed("content", null=True),
    text("key_id", default=""),
    #: JSON list of the blobs that it shows; they are kept as long as the row is.
    text("media", default="[]"),
    instant("taken_at"),
    #: Since when it can be opened no more: its key is destroyed, or its time was over.
    instant("erased_at", null=True),
    Index("ix_snapshots_status", "status_id"),
    Index(
        "ix_snapshots_kept",
        "taken_at",
        sqlite_where=sql("erased_at IS NULL"),
        postgresql_where=sql("erased_at IS NULL"),
    ),
)

#: Every look at sealed evidence: who, at what, for which case.
evidence_looks = Table(
    "evidence_looks",
    metadata,
    key(),
    ref("account_id", "accounts.id"),
    ref("case_id", "cases.id", null=True),
    ref("snapshot_id", "snapshots.id", null=True),
    #: A blob that was uncovered, or `quarantine:ID`.
    text("detail", default=""),
    instant("at"),
)

#: Keys for what has to be preserved. The keys themselves lie outside the database and its copies.
evidence_keys = Table(
    "evidence_keys",
    metadata,
    text("id", primary_key=True),
    #: null: a spare one, which lies ready for the next case.
    ref("case_id", "cases.id", null=True, index=True),
    #: SHA-256 of the key, to know it by when a machine gives it back.
    text("digest"),
    instant("made_at"),
    instant("preserve_until"),
    #: When its destruction was asked for, and when the last machine said that it has it no more.
    instant("erase_asked_at", null=True),
    instant("erased_at", null=True),
    #: JSON: machine id -> {"held_at", "erased_at"}
    text("machines", default="{}"),
)

#: Media that was preserved: a blob of ciphertext under the evidence key, in the place of the original.
preserved_media = Table(
    "preserved_media",
    metadata,
    text("key_id", primary_key=True),
    text("blob", primary_key=True),
    text("sealed_blob", index=True),
    instant("at"),
    #: Since when the original is nowhere any more; null while it is still kept.
    instant("dropped_at", null=True),
)

host_letters = Table(
    "host_letters",
    metadata,
    key(),
    ref("notice_id", "notices.id", unique=True),
    ref("case_id", "cases.id", null=True),
    text("provider"),
    text("reference", default=""),
    text("subject", default=""),
    #: Where the answer goes.
    text("reply_to", default=""),
    instant("received_at"),
    instant("deadline_at"),
    #: Whether the letter said when, or the default was taken.
    flag("deadline_found"),
    instant("answered_at", null=True),
    #: The SHA-256 of the last reply pack.
    text("pack_hash", default=""),
)

#: What was decided on an item of a letter; the newest row counts.
item_dispositions = Table(
    "item_dispositions",
    metadata,
    key(),
    ref("item_id", "notice_items.id", index=True),
    #: comply, contest, already_done or not_here
    text("kind"),
    text("reason", default=""),
    ref("decision_id", "decisions.id", null=True),
    ref("account_id", "accounts.id", null=True),
    instant("at"),
)

authority_orders = Table(
    "authority_orders",
    metadata,
    key(),
    ref("notice_id", "notices.id", unique=True),
    ref("case_id", "cases.id", null=True),
    #: tco (Regulation 2021/784), ofac (LCEN 6-1), dsa_9, dsa_10, preservation, threat_to_life (DSA 18), other
    text("kind"),
    text("authority"),
    text("reference", default=""),
    text("legal_basis", default=""),
    text("reply_to", default=""),
    instant("received_at"),
    instant("due_at"),
    #: The author is not to be told before then (TCO art. 11(3), DSA art. 9(5)).
    instant("confidential_until", null=True),
    text("evidence_key_id", default=""),
    instant("preserve_until", null=True),
    instant("answered_at", null=True),
    text("answer", default=""),
)

#: What moderation took away, sealed: it can be put back as it was.
quarantine = Table(
    "quarantine",
    metadata,
    key(),
    ref("status_id", "statuses.id", index=True),
    ref("measure_id", "measures.id", unique=True),
    #: JSON of everything that was blanked in the status, its edits, poll and media.
    sealed("content"),
    text("key_id", default=""),
    #: JSON list of the blobs that only its edits showed; they are kept until it is restored or erased.
    text("media", default="[]"),
    instant("sealed_at"),
    instant("restored_at", null=True),
)

#: Blobs that are not handed out while a measure holds them back.
withheld_blobs = Table(
    "withheld_blobs",
    metadata,
    text("blob", primary_key=True),
    Column("measure_id", ID, primary_key=True, autoincrement=False),
    instant("at"),
)

#: Who was warned, then paused, for notices (or appeals) that were manifestly unfounded: DSA art. 23.
misuse_marks = Table(
    "misuse_marks",
    metadata,
    key(),
    #: The member, or else the hashed source.
    ref("account_id", "accounts.id", null=True),
    text("source", default=""),
    #: notifier or poster
    text("side"),
    #: unfounded (one notice), warned or paused
    text("kind"),
    ref("notice_id", "notices.id", null=True),
    ref("decision_id", "decisions.id", null=True),
    instant("at"),
    instant("until", null=True),
    instant("lifted_at", null=True),
    Index("ix_misuse_marks_account", "account_id", "side", "at"),
    Index("ix_misuse_marks_source", "source", "side", "at"),
    CheckConstraint("account_id IS NOT NULL OR source <> ''", name="ck_misuse_marks_who"),
)

#: What the mailboxes were found to hold: each mail is taken in once.
received_mails = Table(
    "received_mails",
    metadata,
    #: SHA-256 of the whole mail.
    text("hash", primary_key=True),
    ref("notice_id", "notices.id", null=True),
    instant("at"),
    #: Why nothing was made of it; empty when it became a notice.
    text("refusal", default=""),
    number("bytes"),
)
