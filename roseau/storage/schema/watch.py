"""What was noticed while the site ran: its days, its changes, rehearsals, alerts, and what it depends on."""

from sqlalchemy import Boolean, Column, Float, Table

from roseau.storage.schema.columns import instant, key, metadata, number, text

#: One row a day (UTC). Seconds of trouble, and how much room things took when they were last measured.
survival_days = Table(
    "survival_days",
    metadata,
    text("day", primary_key=True),
    number("seconds_refused"),
    number("seconds_reed_missing"),
    number("down_seconds"),
    number("media_bytes"),
    number("database_bytes"),
    number("log_bytes"),
    number("free_bytes"),
    #: When the machine was last seen running, and when the sizes were measured.
    instant("seen_at"),
    instant("measured_at", null=True),
)

#: From one state to another: when, to which, and what fills the sentence about it (JSON).
survival_changes = Table(
    "survival_changes",
    metadata,
    key(),
    instant("at"),
    text("kind"),
    text("args", default="{}"),
)

#: Each rehearsal of the switch: how long it took, what was missing afterwards, and whether it passed.
rehearsals = Table(
    "rehearsals",
    metadata,
    key(),
    instant("at"),
    text("scenario"),
    Column("seconds", Float, nullable=False),
    number("lost"),
    Column("passed", Boolean, nullable=False),
    text("detail", default=""),
)

#: The alerts that were mailed and are not over: one row a kind.
alerts = Table(
    "alerts",
    metadata,
    text("kind", primary_key=True),
    instant("sent_at"),
)

#: What the site depends on elsewhere: good until when, or what is wrong with it.
dependencies = Table(
    "dependencies",
    metadata,
    text("name", primary_key=True),
    text("state"),
    instant("until", null=True),
    text("detail", default=""),
    instant("looked_at"),
)
