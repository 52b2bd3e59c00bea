"""The custom emojis of this site."""

from sqlalchemy import select

from roseau.domain.statuses.details import Emoji
from roseau.storage.database import Transaction
from roseau.storage.schema.statuses import custom_emojis
from roseau.storage.statements import statement

_own = statement(
    select(*(custom_emojis.c[name] for name in Emoji.__struct_fields__))
    .where(custom_emojis.c.domain == "", custom_emojis.c.disabled_at.is_(None))
    .order_by(custom_emojis.c.shortcode),
    into=Emoji,
)


def list_emojis(tx: Transaction) -> list[Emoji]:
    """Those in use here, by name."""
    return tx.all(_own)
