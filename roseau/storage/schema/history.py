"""Backups and base copies that were made, tried out, or failed."""

from sqlalchemy import Index, Table

from roseau.storage.schema.columns import instant, key, metadata, number, text

backups = Table(
    "backups",
    metadata,
    key(),
    #: nightly, or vault for a base copy
    text("kind"),
    #: The file or vault, without anything secret.
    text("place"),
    instant("started_at"),
    instant("finished_at", null=True),
    number("bytes"),
    #: When it was restored for a trial, and worked.
    instant("proven_at", null=True),
    #: Why it or its trial failed; empty when neither did.
    text("error", default=""),
    #: What the trial found, in a sentence.
    text("proof", default=""),
    Index("ix_backups_kind", "kind", "started_at"),
)
