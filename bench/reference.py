"""The bare handler that the home timeline is measured against: `python -m bench.reference DB PORT`.

Starlette on uvicorn, the token looked up, the rows read through a raw apsw cursor into dictionaries, the
same JSON made of them by msgspec. No limits, no scopes, no log, no errors, no cache: the least that an answer
of the same bytes can take when it is put together for each request.
"""

import hashlib
import sys
import time
from typing import Any

import apsw
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BASE = "http://127.0.0.1"
encode = msgspec.json.Encoder().encode


def iso(at: int | None) -> str | None:
    """A time as Mastodon writes it."""
    if at is None:
        return None
    moment = time.gmtime(at // 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", moment) + f".{at % 1000:03d}Z"


def media_url(name: str) -> str:
    """A blob's address."""
    return f"{BASE}/media/{name[:2]}/{name[2:4]}/{name}"


def marks(count: int) -> str:
    """So many question marks."""
    return ",".join("?" * count)


class Home:
    """The seven statements of a home timeline, and the dictionaries made of them."""

    def __init__(self, path: str) -> None:
        self.connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        self.connection.pragma("mmap_size", 256 * 1024 * 1024)

    def rows(self, sql: str, values: Any = ()) -> list[dict[str, Any]]:
        """Rows as dictionaries."""
        cursor = self.connection.cursor()
        cursor.execute(sql, values)
        try:
            names = [column[0] for column in cursor.get_description()]
        except apsw.ExecutionCompleteError:
            return []
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def page(self, account_id: int) -> list[dict[str, Any]]:
        """Twenty statuses as Mastodon's entities."""
        ids = [
            row["status_id"]
            for row in self.rows(
                "SELECT status_id FROM home_entries WHERE account_id = ? ORDER BY status_id DESC LIMIT 20",
                (account_id,),
            )
        ]
        outer = {row["id"]: row for row in self.statuses(ids)}
        inner = {
            row["id"]: row
            for row in self.statuses([r["reblog_of_id"] for r in outer.values() if r["reblog_of_id"]])
        }
        everything = outer | inner
        keys = list(everything)
        authors = {
            row["id"]: row
            for row in self.rows(
                f"SELECT * FROM accounts WHERE id IN ({marks(len(keys))})",
                [r["account_id"] for r in everything.values()],
            )
        }
        media = self.grouped(
            "SELECT * FROM media_attachments WHERE status_id IN ({}) ORDER BY position", keys
        )
        mentions = self.grouped(
            "SELECT m.status_id, a.id, a.username, a.domain FROM mentions m"
            " JOIN accounts a ON a.id = m.account_id WHERE m.status_id IN ({})",
            keys,
        )
        tags = self.grouped(
            "SELECT s.status_id, t.name FROM status_tags s"
            " JOIN tags t ON t.id = s.tag_id WHERE s.status_id IN ({})",
            keys,
        )
        mine = {
            name: {
                row["status_id"]
                for row in self.rows(
                    f"SELECT status_id FROM {name} WHERE account_id = ?"
                    f" AND status_id IN ({marks(len(keys))})",
                    [account_id, *keys],
                )
            }
            for name in ("favourites", "bookmarks")
        }

        def entity(row: dict[str, Any]) -> dict[str, Any]:
            author = authors[row["account_id"]]
            return {
                "id": str(row["id"]),
                "created_at": iso(row["created_at"]),
                "in_reply_to_id": row["in_reply_to_id"] and str(row["in_reply_to_id"]),
                "in_reply_to_account_id": row["in_reply_to_account_id"]
                and str(row["in_reply_to_account_id"]),
                "sensitive": bool(row["sensitive"]),
                "spoiler_text": row["spoiler_text"],
                "visibility": row["visibility"],
                "local_only": bool(row["local_only"]),
                "language": row["language"],
                "uri": row["uri"],
                "url": f"{BASE}/@{author['username']}/{row['id']}",
                "edited_at": iso(row["edited_at"]),
                "content": row["content"],
                "application": None,
                "media_attachments": [attachment(item) for item in media.get(row["id"], [])],
                "mentions": [
                    {
                        "id": str(m["id"]),
                        "username": m["username"],
                        "url": f"{BASE}/@{m['username']}",
                        "acct": m["username"],
                    }
                    for m in mentions.get(row["id"], [])
                ],
                "tags": [
                    {"name": t["name"], "url": f"{BASE}/tags/{t['name']}"} for t in tags.get(row["id"], [])
                ],
                "emojis": [],
                "quotes_count": 0,
                "quote": None,
                "quote_approval": {"automatic": [], "manual": [], "current_user": "denied"},
                "card": None,
                "account": account(author),
                "replies_count": row["replies_count"],
                "reblogs_count": row["reblogs_count"],
                "favourites_count": row["favourites_count"],
                "reblog": entity(inner[row["reblog_of_id"]]) if row["reblog_of_id"] in inner else None,
                "poll": None,
                "favourited": row["id"] in mine["favourites"],
                "reblogged": False,
                "muted": False,
                "bookmarked": row["id"] in mine["bookmarks"],
                "filtered": [],
            }

        return [entity(outer[key]) for key in ids if key in outer]

    def statuses(self, ids: list[int]) -> list[dict[str, Any]]:
        """Rows of statuses."""
        return (
            self.rows(f"SELECT * FROM statuses WHERE id IN ({marks(len(ids))}) AND deleted_at IS NULL", ids)
            if ids
            else []
        )

    def grouped(self, sql: str, keys: list[int]) -> dict[int, list[dict[str, Any]]]:
        """Rows by the status they hang on."""
        found: dict[int, list[dict[str, Any]]] = {}
        for row in self.rows(sql.format(marks(len(keys))), keys):
            found.setdefault(row["status_id"], []).append(row)
        return found


def attachment(item: dict[str, Any]) -> dict[str, Any]:
    """A `MediaAttachment`."""
    return {
        "id": str(item["id"]),
        "type": item["kind"],
        "url": media_url(item["file"]),
        "preview_url": media_url(item["small_file"]),
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": msgspec.Raw(item["meta"].encode()),
        "description": item["description"],
        "blurhash": item["blurhash"],
    }


def account(row: dict[str, Any]) -> dict[str, Any]:
    """An `Account`."""
    url = f"{BASE}/@{row['username']}"
    avatar = media_url(row["avatar"]) if row["avatar"] else f"{BASE}/avatars/original/missing.png"
    header = media_url(row["header"]) if row["header"] else f"{BASE}/headers/original/missing.png"
    return {
        "id": str(row["id"]),
        "username": row["username"],
        "acct": row["username"],
        "display_name": row["display_name"],
        "locked": bool(row["locked"]),
        "bot": row["actor_type"] == "Service",
        "discoverable": bool(row["discoverable"]),
        "indexable": bool(row["indexable"]),
        "group": False,
        "created_at": (iso(row["created_at"]) or "")[:10] + "T00:00:00.000Z",
        "note": row["note_html"],
        "url": url,
        "uri": row["uri"],
        "avatar": avatar,
        "avatar_static": avatar,
        "avatar_description": row["avatar_description"],
        "header": header,
        "header_static": header,
        "header_description": row["header_description"],
        "hide_collections": bool(row["hide_collections"]),
        "noindex": not row["indexable"],
        "emojis": [],
        "roles": [],
        "fields": msgspec.json.decode(row["fields"]),
        "followers_count": row["followers_count"],
        "following_count": row["following_count"],
        "statuses_count": row["statuses_count"],
        "last_status_at": (iso(row["last_status_at"]) or "")[:10] or None,
    }


def create_app(path: str) -> Starlette:
    """The reference server."""
    home = Home(path)

    async def timeline(request: Request) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        digest = hashlib.sha256(token.encode()).hexdigest()
        found = home.rows(
            "SELECT account_id FROM oauth_tokens WHERE token_hash = ? AND revoked_at IS NULL", (digest,)
        )
        return Response(encode(home.page(found[0]["account_id"])), media_type="application/json")

    async def health(request: Request) -> Response:
        return Response("OK")

    return Starlette(routes=[Route("/api/v1/timelines/home", timeline), Route("/health", health)])


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), port=int(sys.argv[2]), log_level="error", access_log=False)
