"""Pictures and other files: what members uploaded, and what checks of the stores found."""

from sqlalchemy import Column, Index, Integer, Table

from roseau.storage.schema.columns import flag, instant, key, metadata, ref, text

media_attachments = Table(
    "media_attachments",
    metadata,
    key(),
    ref("account_id", "accounts.id", index=True),
    ref("status_id", "statuses.id", null=True),
    #: Place among the status's attachments.
    Column("position", Integer, nullable=False, server_default="0"),
    #: image, gifv, video, audio or unknown
    text("kind", default="image"),
    #: processing, ready or failed
    text("state", default="processing"),
    text("error", null=True),
    text("content_type", default=""),
    #: Names of blobs.
    text("file", default=""),
    text("small_file", default=""),
    #: JSON as Mastodon's `meta`: original, small, focus.
    text("meta", default="{}"),
    text("blurhash", null=True),
    text("description", null=True),
    text("remote_url", null=True),
    text("uri", null=True),
    instant("created_at"),
    instant("hidden_at", null=True),
    Index("ix_media_attachments_status", "status_id", "position"),
    # Who else shows the same picture, when one is to be kept from readers.
    Index("ix_media_attachments_file", "file"),
)

#: Every blob read in every store, by `roseau media verify`; a check that is asked for waits here to be begun.
media_checks = Table(
    "media_checks",
    metadata,
    key(),
    flag("repair"),
    instant("asked_at"),
    instant("ended_at", null=True),
    #: JSON: how far it has come, and what was found in which store.
    text("report", default="{}"),
)
