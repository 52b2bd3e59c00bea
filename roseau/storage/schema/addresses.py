"""What the site told others of its addresses: every manifest that it signed."""

from sqlalchemy import Column, Table

from roseau.storage.schema.columns import ID, instant, metadata, number, text

#: Rows are only ever added. `generation` counts the keys of the site, from 1.
site_manifests = Table(
    "site_manifests",
    metadata,
    Column("number", ID, primary_key=True, autoincrement=False),
    number("generation", None),
    text("payload"),
    text("signature"),
    instant("issued_at"),
)
