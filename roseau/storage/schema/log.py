"""What happened and what is to be done: events, their readers, jobs."""

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as sql

from roseau.storage.schema.columns import ID, instant, metadata, number, text

events = Table(
    "events",
    metadata,
    Column("seq", ID, primary_key=True, autoincrement=True),
    text("kind"),
    instant("at"),
    text("payload"),
    sqlite_autoincrement=True,
)

event_cursors = Table(
    "event_cursors",
    metadata,
    text("reader", primary_key=True),
    number("seq"),
)

#: An event that a reader could not digest after several tries: it is kept here, and the reader goes on.
parked_events = Table(
    "parked_events",
    metadata,
    text("reader", primary_key=True),
    Column("seq", ID, primary_key=True, autoincrement=False),
    text("error"),
    instant("at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    text("kind"),
    text("payload"),
    text("dedupe", null=True, unique=True),
    instant("run_at"),
    instant("claimed_until", null=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    text("error", null=True),
    instant("failed_at", null=True),
    instant("created_at"),
    Index(
        "ix_jobs_due",
        "run_at",
        sqlite_where=sql("failed_at IS NULL"),
        postgresql_where=sql("failed_at IS NULL"),
    ),
)
