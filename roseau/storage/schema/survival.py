"""Survival: where in the log this copy is, who reigned when, and which machines there are."""

from sqlalchemy import Column, Integer, Table

from roseau.storage.schema.columns import flag, instant, metadata, number, text

#: One row, raised with every commit: so every copy of the database says itself how far it has come.
log_position = Table(
    "log_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    number("epoch"),
    number("number"),
    text("mark"),
    instant("at"),
)

#: Each reign: who, from which number of the log on, and how many reeds have to have a commit (K).
epochs = Table(
    "epochs",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    text("primary_id"),
    number("after_number"),
    number("after_event"),
    number("needed"),
    #: Ids of the reeds that count, as JSON.
    text("members"),
    text("reason"),
    instant("started_at"),
)

#: The primary, its reeds, and machines that were one of them. `docs/survival.md` has the columns.
machines = Table(
    "machines",
    metadata,
    text("id", primary_key=True),
    text("name"),
    text("address"),
    text("web_address", default=""),
    text("certificate"),
    text("sealing_key"),
    text("role"),
    flag("counted"),
    instant("paired_at"),
    instant("left_at", null=True),
)
