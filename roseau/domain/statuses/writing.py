"""A text on its way into a status: who it mentions is looked up, HTML is made, tags are kept."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, delete, select, update

from roseau.domain.accounts.lookup import find_mentioned, to_mentions
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.text import markdown, plain
from roseau.kernel.text.searching import normalise_hashtag
from roseau.storage.database import Transaction
from roseau.storage.schema.statuses import mentions, status_tags, tags
from roseau.storage.statements import one_of, statement, upsert

#: Most people that one post may name, and most tags it may carry: more is a flood, not a conversation.
MAX_MENTIONS = 50
MAX_TAGS = 50


class Written(msgspec.Struct):
    """A rendered text: HTML, the ids of those it mentions, its tags as (folded name, as written)."""

    html: str
    mentioned_ids: list[int]
    tags: dict[str, str]


_add_tag = statement(
    upsert(tags)
    .values(
        id=bindparam("id"), name=bindparam("name"), display_name=bindparam("display_name"),
        created_at=bindparam("created_at"), last_status_at=bindparam("created_at"),
    )
    .on_conflict_do_update(
        index_elements=["name"], set_={"last_status_at": upsert(tags).excluded.last_status_at}
    )
)  # fmt: skip
_tag_ids = statement(select(tags.c.id).where(one_of(tags.c.name, "names", "TEXT")))
_tag_status = statement(
    upsert(status_tags)
    .values(tag_id=bindparam("tag_id"), status_id=bindparam("status_id"))
    .on_conflict_do_nothing()
)
_untag = statement(delete(status_tags).where(status_tags.c.status_id == bindparam("status")))
_mention = statement(
    upsert(mentions)
    .values(status_id=bindparam("status_id"), account_id=bindparam("account_id"), silent=False)
    .on_conflict_do_update(index_elements=["status_id", "account_id"], set_={"silent": False})
)
# Who has been sent a status keeps it when an edit no longer names them.
_unmention = statement(
    update(mentions).where(mentions.c.status_id == bindparam("status")).values(silent=True)
)


def write_text(tx: Transaction, site: Site, text: str, content_type: str) -> Written:
    """The text as HTML, with its mentions resolved to accounts that this site knows."""
    dialect = markdown if content_type == "text/markdown" else plain
    parsed = dialect.parse(text)
    mentioned = find_mentioned(tx, site, parsed.mentions[:MAX_MENTIONS])
    html = dialect.render(
        parsed, to_mentions(site, mentioned), lambda name: f"{site.base_url}/tags/{normalise_hashtag(name)}"
    )
    return Written(
        html,
        list(dict.fromkeys(account.id for account in mentioned.values())),
        {normalise_hashtag(name): name for name in reversed(parsed.hashtags[:MAX_TAGS])},
    )


def keep_tags(tx: Transaction, status_id: int, found: dict[str, str]) -> None:
    """Set the tags of a status to these."""
    tx.run(_untag, status=status_id)
    if not found:
        return
    tx.run_many(
        _add_tag,
        [
            {"id": ids.new_id(), "name": name, "display_name": shown, "created_at": tx.now}
            for name, shown in sorted(found.items())
        ],
    )
    tag_ids = tx.values(_tag_ids, names=list(found))
    tx.run_many(_tag_status, [{"tag_id": tag_id, "status_id": status_id} for tag_id in tag_ids])


def keep_mentions(tx: Transaction, status_id: int, account_ids: Iterable[int]) -> None:
    """Set whom a status mentions."""
    tx.run(_unmention, status=status_id)
    rows = [{"status_id": status_id, "account_id": account_id} for account_id in account_ids]
    if rows:
        tx.run_many(_mention, rows)
