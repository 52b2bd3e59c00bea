"""The mirror: what is in it and what never is, and how it follows the site."""

from pathlib import Path
from typing import Any

import pytest

from roseau.domain.site import choose
from tests.survival.mirrors import Mirror, broken_links
from tests.web.writers import picture

pytestmark = pytest.mark.anyio

ACCOUNTS = {
    "fine": "",
    "limited": "UPDATE accounts SET limited_at = 1, version = version + 1 WHERE id = {}",
    "suspended": "UPDATE accounts SET suspended_at = 1, version = version + 1 WHERE id = {}",
    "deleted": "UPDATE accounts SET deleted_at = 1, version = version + 1 WHERE id = {}",
    "unapproved": "UPDATE users SET approved_at = NULL WHERE account_id = {}",
    "unconfirmed": "UPDATE users SET confirmed_at = NULL WHERE account_id = {}",
}
POSTS = {
    "public": {},
    "unlisted": {"visibility": "unlisted"},
    "private": {"visibility": "private"},
    "direct": {"visibility": "direct"},
    "local only": {"local_only": True},
    "hidden": {},
    "withdrawn": {},
}
HIDE = "UPDATE statuses SET {} = 1, version = version + 1 WHERE id = {}"
#: What a stranger may read: at its own address, and in lists.
READABLE = {("fine", "public"): (True, True), ("fine", "unlisted"): (True, False)}


@pytest.fixture
def mirror(server: Any, tmp_path: Path) -> Mirror:
    """A mirror that was not written yet."""
    return Mirror(server, tmp_path / "mirror")


def change(server: Any, sql: str) -> None:
    """Change something that no command changes yet."""
    server.database.write_now(lambda tx: tx.script(sql))


async def say(client: Any, member: Any, text: str, **more: Any) -> Any:
    """Post something."""
    answer = await client.post("/api/v1/statuses", headers=member.auth, json={"status": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def upload(client: Any, member: Any) -> str:
    """A picture that was not posted yet."""
    files = {"file": ("reeds.png", picture())}
    answer = await client.post(
        "/api/v1/media", headers=member.auth, files=files, data={"description": "Reeds"}
    )
    return str(answer.json()["id"])


async def test_only_what_strangers_may_read_is_in_it(
    client: Any, cast: Any, server: Any, mirror: Mirror
) -> None:
    """Every kind of post by an account in every state."""
    expected: dict[str, tuple[bool, bool]] = {}
    paths: dict[str, str] = {}
    for state, sql in ACCOUNTS.items():
        member = cast.join(f"is_{state}", discoverable=True)
        for kind, how in POSTS.items():
            word = f"word{len(paths)}x"
            status = await say(client, member, f"{word} #tag{len(paths)}", **how)
            column = {"hidden": "hidden_at", "withdrawn": "deleted_at"}.get(kind)
            if column:
                change(server, HIDE.format(column, status["id"]))
            paths[word] = f"@is_{state}/{status['id']}.html"
            expected[word] = READABLE.get((state, kind), (False, False))
        if sql:
            change(server, sql.format(member.id))
    mirror.renew()
    entries = mirror.entries()
    lists = [
        mirror.read(path)
        for path in entries
        if path.endswith((".html", ".xml")) and path not in paths.values()
    ]
    found = {word: (path in entries, any(word in text for text in lists)) for word, path in paths.items()}
    assert found == expected
    assert {path.split("/")[0] for path in entries if path.startswith("@")} == {"@is_fine"}
    assert not [word for word, (own, _) in expected.items() if not own and word in mirror.texts()]
    assert not broken_links(mirror)


async def test_a_thread_has_gaps_where_something_may_not_be_read(
    client: Any, cast: Any, mirror: Mirror
) -> None:
    first = await say(client, cast.ada, "The first, for friends", visibility="private")
    second = await say(client, cast.ada, "The second", in_reply_to_id=first["id"])
    third = await say(client, cast.bob, "@ada The third", in_reply_to_id=second["id"])
    await say(client, cast.bob, "@ada The secret fourth", in_reply_to_id=third["id"], visibility="direct")
    mirror.renew()
    page = mirror.read(f"@ada/{second['id']}.html").partition("<main")[2]
    assert page.index("A post that is not in this copy") < page.index("The second") < page.index("The third")
    answer = mirror.read(f"@bob/{third['id']}.html")
    assert "The second" in answer and "The first" not in mirror.texts() and "secret" not in mirror.texts()
    # What answers somebody else is on its author's month, and not on the first page.
    assert "The third" not in mirror.read("index.html") and "The second" in mirror.read("index.html")
    assert f"{third['id']}.html" in mirror.read(next(p for p in mirror.entries() if p.startswith("@bob/20")))


async def test_a_page_says_what_it_is_and_offers_nothing_to_press(
    client: Any, cast: Any, server: Any, mirror: Mirror
) -> None:
    text = f"Hello #Reeds @{cast.bob.username}"
    status = await say(client, cast.ada, text, media_ids=[await upload(client, cast.ada)])
    server.database.write_now(choose, None, title="Marsh <house>")
    mirror.renew()
    for path in ("index.html", f"@ada/{status['id']}.html", "about.html", "tags/reeds.html"):
        page = mirror.read(path)
        assert "This is a read-only copy of Marsh &lt;house&gt;." in page
        assert page.index('href="https://roseau.test"') < page.index('href="https://elsewhere.test"')
        assert "<form" not in page and "<button" not in page and "default-src 'none'" in page
    assert 'href="../@bob/index.html"' in mirror.read("tags/reeds.html")
    assert [path for path in mirror.entries() if path.startswith("media/")]
    assert not broken_links(mirror)


async def test_it_speaks_the_first_language_of_the_site(
    client: Any, cast: Any, server: Any, mirror: Mirror
) -> None:
    await say(client, cast.ada, "Bonjour")
    server.database.write_now(choose, None, languages=("fr", "en"))
    mirror.renew()
    assert '<html lang="fr">' in mirror.read("index.html")


async def test_a_closed_site_shows_posts_at_their_own_address_only(
    client: Any, cast: Any, server: Any, mirror: Mirror
) -> None:
    status = await say(client, cast.ada, "Hello #reeds")
    mirror.renew()
    assert {"tags/reeds.html", "feed.xml"} <= mirror.entries().keys()
    server.database.write_now(choose, None, public_timelines=False)
    mirror.renew()
    entries = mirror.entries()
    assert not [path for path in entries if path.startswith(("local/", "tags/", "feed.xml"))]
    assert {f"@ada/{status['id']}.html", "@ada/index.html"} <= entries.keys()
    assert "Hello" not in mirror.read("index.html")
    assert not broken_links(mirror) and not mirror.verify().findings


async def test_a_round_makes_only_what_is_different(client: Any, cast: Any, mirror: Mirror) -> None:
    for number in range(3):
        await say(client, cast.ada, f"Post {number} #reeds")
    quiet = await say(client, cast.bob, "Something else")
    mirror.renew()
    before = {path: entry.sha256 for path, entry in mirror.entries().items()}
    again = mirror.renew()
    assert again.written == 0
    await say(client, cast.ada, "One more #reeds")
    mirror.renew()
    after = {path: entry.sha256 for path, entry in mirror.entries().items()}
    different = {path for path in after if after[path] != before.get(path)}
    kinds = {path.rpartition("/")[0] or path for path in different}
    assert kinds == {"@ada", "feed.xml", "index.html", "local", "tags"}
    assert f"@bob/{quiet['id']}.html" not in different
    assert len([path for path in different if path.startswith("@ada/")]) == 4
    assert not mirror.verify().findings


async def test_what_is_deleted_is_gone_with_the_next_round(
    client: Any, cast: Any, server: Any, mirror: Mirror
) -> None:
    media = await upload(client, cast.ada)
    status = await say(client, cast.ada, "Regretted #reeds", media_ids=[media])
    answer = await say(client, cast.bob, "@ada Indeed", in_reply_to_id=status["id"])
    mirror.renew()
    assert "Regretted" in mirror.read(f"@bob/{answer['id']}.html")
    deleted = await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
    assert deleted.status_code == 200
    mirror.renew()
    assert "Regretted" not in mirror.texts()
    remaining = [
        path.relative_to(mirror.path).as_posix() for path in mirror.path.rglob("*") if path.is_file()
    ]
    assert not [path for path in remaining if "media/" in path or "tags/" in path or status["id"] in path]
    assert not mirror.verify().findings and not broken_links(mirror)


async def test_an_edit_and_a_new_name_are_everywhere_with_the_next_round(
    client: Any, cast: Any, mirror: Mirror
) -> None:
    status = await say(client, cast.ada, "Befroe #reeds")
    mirror.renew()
    await client.put(
        f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth, json={"status": "Before #tall"}
    )
    await client.patch(
        "/api/v1/accounts/update_credentials", headers=cast.ada.auth, json={"display_name": "Countess"}
    )
    mirror.renew()
    texts = mirror.texts()
    assert "Befroe" not in texts and "tags/reeds.html" not in mirror.entries()
    for path in ("index.html", "tags/tall.html", "@ada/index.html", f"@ada/{status['id']}.html"):
        assert "Before" in mirror.read(path) and "Countess" in mirror.read(path), path


async def test_what_was_hidden_comes_back(client: Any, cast: Any, server: Any, mirror: Mirror) -> None:
    status = await say(client, cast.ada, "Disputed")
    mirror.renew()
    for sql, there in (("limited_at = 1", False), ("limited_at = NULL", True)):
        change(server, f"UPDATE accounts SET {sql}, version = version + 1 WHERE id = {cast.ada.id}")
        mirror.renew()
        assert (f"@ada/{status['id']}.html" in mirror.entries()) == there
        assert ("Disputed" in mirror.texts()) == there
        assert not broken_links(mirror)


async def test_a_month_has_many_pages_and_full_ones_stay(
    client: Any, cast: Any, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roseau.web.mirror.making.MONTH", 2)
    for number in range(4):
        await say(client, cast.ada, f"Post {number}")
    mirror.renew()
    parts = sorted(path for path in mirror.entries() if path.startswith("local/"))
    assert len(parts) == 2 and "Post 0" in mirror.read(parts[0]) and "Post 3" in mirror.read(parts[1])
    before = mirror.entries()[parts[0]]
    await say(client, cast.ada, "Post 4")
    mirror.renew()
    assert mirror.entries()[parts[0]] == before
    assert len([path for path in mirror.entries() if path.startswith("local/")]) == 3
    assert not broken_links(mirror)


async def test_members_who_do_not_want_to_be_found_are_not_in_search(
    client: Any, cast: Any, mirror: Mirror
) -> None:
    shy = await say(client, cast.ada, "Shy")
    bold = await say(client, cast.bob, "Bold")
    wishes = {"indexable": True, "discoverable": True}
    await client.patch("/api/v1/accounts/update_credentials", headers=cast.bob.auth, json=wishes)
    mirror.renew()
    noindex = '<meta name="robots" content="noindex">'
    assert noindex in mirror.read(f"@ada/{shy['id']}.html") and noindex in mirror.read("@ada/index.html")
    assert noindex not in mirror.read(f"@bob/{bold['id']}.html")
    assert 'id="people"' in mirror.read("index.html")
    assert mirror.read("index.html").partition('id="people"')[2].count("who-names") == 1
