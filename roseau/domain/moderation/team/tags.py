"""Hashtags as the team lists them."""

from typing import Any

from sqlalchemy import bindparam, select

from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.statuses import tags
from roseau.storage.statements import statement

_page = Paged[Any](select(tags.c.id, tags.c.display_name.label("name")), tags.c.id)
_one = statement(select(tags.c.display_name).where(tags.c.id == bindparam("wanted")))


def list_tag_names(tx: Transaction, page: Page) -> list[Any]:
    """The hashtags that were used or followed here, the newest first: rows with `id` and `name`."""
    return _page.fetch(tx, page)


def find_tag_name(tx: Transaction, tag_id: int) -> str:
    """The name of one. Raises NotFound."""
    name: str | None = tx.value(_one, wanted=tag_id)
    if name is None:
        raise NotFound
    return name
