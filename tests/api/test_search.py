"""Search through the API: what is found, in which words, and by whom."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.domain.search.asking import parse_question
from roseau.kernel.ids import MAX_ID, first_id_at

pytestmark = pytest.mark.anyio

SEARCH = "/api/v2/search"


async def search(client: Any, member: Any, q: str, **more: Any) -> dict[str, list[Any]]:
    """What the member finds: ids of statuses, names of accounts and hashtags."""
    headers = member.auth if member else {}
    answer = await client.get(SEARCH, headers=headers, params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found) == {"accounts", "statuses", "hashtags"}
    return {
        "accounts": [item["acct"] for item in found["accounts"]],
        "statuses": [item["id"] for item in found["statuses"]],
        "hashtags": [item["name"] for item in found["hashtags"]],
    }


async def post(client: Any, worker: Any, member: Any, status: str, **more: Any) -> Any:
    answer = await client.post("/api/v1/statuses", headers=member.auth, json={"status": status, **more})
    assert answer.status_code == 200, answer.text
    await worker.settle()
    return answer.json()


async def act(client: Any, member: Any, path: str, **form: Any) -> Any:
    answer = await client.post(f"/api/v1/{path}", headers=member.auth, json=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


# Words


@pytest.mark.parametrize(
    ("text", "query", "is_found"),
    [
        ("L’été à l'école des Œuvres", "ete", True),
        ("L’été à l'école des Œuvres", "ecole été", True),
        ("L’été à l'école des Œuvres", "oeuvr", True),
        ("L’été à l'école des Œuvres", "l'école", True),
        ("Aujourd’hui, rien", "aujourd'hui", True),
        ("The cat's garden", "cat garden", True),
        ("The cat's garden", "CATS", False),
        ("The cat's garden", "gard cat", False),
        ("The cat's garden", "cat gard", True),
        ("The cat's garden", "dog", False),
        ("The cat's garden", "cat -garden", False),
        ("The cat's garden", "cat -dog", True),
        ("version 12e5 of 3.11", "12e5", True),
        ('Quotes "and" (brackets) * OR NOT', '"and" OR', True),
        ("Привет, мир", "мир", True),
        ("see https://roseau.test/page", "roseau", True),
    ],
)
async def test_words(client: Any, cast: Any, worker: Any, text: str, query: str, is_found: bool) -> None:
    posted = await post(client, worker, cast.ada, text)
    found = await search(client, cast.ada, query)
    assert found["statuses"] == ([posted["id"]] if is_found else [])


async def test_all_that_a_post_says(client: Any, cast: Any, worker: Any) -> None:
    poll = {"options": ["Aubergine", "Courgette"], "expires_in": 3600}
    posted = await post(
        client, worker, cast.ada, "What do we plant?", spoiler_text="Jardinage", poll=poll, language="en"
    )
    for query in ("plant", "jardinage", "courgette", "jardin"):
        assert (await search(client, cast.ada, query))["statuses"] == [posted["id"]], query
    edited = await client.put(
        f"/api/v1/statuses/{posted['id']}", headers=cast.ada.auth, json={"status": "What do we eat?"}
    )
    assert edited.status_code == 200
    await worker.settle()
    assert (await search(client, cast.ada, "plant"))["statuses"] == []
    assert (await search(client, cast.ada, "eat"))["statuses"] == [posted["id"]]
    await client.delete(f"/api/v1/statuses/{posted['id']}", headers=cast.ada.auth)
    await worker.settle()
    assert (await search(client, cast.ada, "eat"))["statuses"] == []


# Who finds what

VISIBILITIES = ("public", "unlisted", "private", "direct")
#: Of a post by Ada that mentions Mia, who finds it. Ada may be searched or not.
FINDERS = {
    ("public", True): {"ada", "mia", "fay", "sam"},
    ("public", False): {"ada", "mia"},
    ("unlisted", True): {"ada", "mia"},
    ("unlisted", False): {"ada", "mia"},
    ("private", True): {"ada", "mia"},
    ("private", False): {"ada", "mia"},
    ("direct", True): {"ada", "mia"},
    ("direct", False): {"ada", "mia"},
}


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("indexable", [True, False])
async def test_nobody_finds_what_they_may_not_see(
    client: Any, cast: Any, worker: Any, visibility: str, indexable: bool
) -> None:
    ada = cast.join("ada", discoverable=indexable)
    people = {name: getattr(cast, name) for name in ("mia", "fay", "sam", "bel", "eve", "max")}
    # Fay follows; Sam is a stranger; Ada blocks Bel; Eve blocks Ada; Max has muted Ada.
    for name in ("fay", "bel"):
        await act(client, people[name], f"accounts/{ada.id}/follow")
    await act(client, ada, f"accounts/{people['bel'].id}/block")
    await act(client, people["eve"], f"accounts/{ada.id}/block")
    await act(client, people["max"], f"accounts/{ada.id}/mute")
    posted = await post(client, worker, ada, "@mia zeppelin", visibility=visibility)
    found = {
        name
        for name, member in {"ada": ada, **people}.items()
        if posted["id"] in (await search(client, member, "zeppelin"))["statuses"]
    }
    assert found == FINDERS[visibility, indexable]
    assert (await search(client, None, "zeppelin"))["statuses"] == []
    # Nor by operators alone, by whatever else narrows it, or by its address.
    for query in (
        "from:ada",
        "zepp from:ada",
        "language:en",
        f"after:2020-01-01 zeppelin -from:{ada.username}x",
    ):
        for name in ("bel", "max") if visibility == "public" else ("bel", "max", "sam"):
            assert (await search(client, people[name], query))["statuses"] == [], (name, query)
    may_read = {"public": {"sam", "fay"}, "unlisted": {"sam", "fay"}, "private": {"fay"}, "direct": set()}
    for name in ("sam", "fay", "bel"):
        at_its_address = (await search(client, people[name], posted["url"]))["statuses"]
        assert (at_its_address == [posted["id"]]) == (name in may_read[visibility]), name


@pytest.mark.parametrize("deed", ["favourite", "bookmark", "reblog"])
async def test_one_finds_what_one_touched(client: Any, cast: Any, worker: Any, deed: str) -> None:
    posted = await post(client, worker, cast.ada, "A lighthouse")
    assert (await search(client, cast.bob, "lighthouse"))["statuses"] == []
    await act(client, cast.bob, f"statuses/{posted['id']}/{deed}")
    assert (await search(client, cast.bob, "lighthouse"))["statuses"] == [posted["id"]]
    await act(client, cast.bob, f"statuses/{posted['id']}/un{deed}")
    assert (await search(client, cast.bob, "lighthouse"))["statuses"] == []


async def test_one_finds_the_poll_one_voted_in(client: Any, cast: Any, worker: Any) -> None:
    posted = await post(
        client, worker, cast.ada, "Which?", poll={"options": ["Windmill", "Watermill"], "expires_in": 3600}
    )
    assert (await search(client, cast.bob, "watermill"))["statuses"] == []
    await act(client, cast.bob, f"polls/{posted['poll']['id']}/votes", choices=["1"])
    assert (await search(client, cast.bob, "watermill"))["statuses"] == [posted["id"]]


# Operators


async def test_operators(client: Any, cast: Any, worker: Any) -> None:
    ada, bob = cast.join("ada", discoverable=True), cast.join("bob", discoverable=True)
    poll = {"options": ["a", "b"], "expires_in": 3600}
    first = await post(client, worker, ada, "tree one", language="fr")
    second = await post(client, worker, ada, "tree two", language="en", poll=poll)
    third = await post(client, worker, bob, "tree three", in_reply_to_id=first["id"], language="fr-CA")
    fourth = await post(client, worker, bob, "tree four", sensitive=True)
    ids = {first["id"]: 1, second["id"]: 2, third["id"]: 3, fourth["id"]: 4}
    for query, expected in {
        "tree": [4, 3, 2, 1],
        "tree from:me": [2, 1],
        "from:me": [2, 1],
        "from:bob": [4, 3],
        "from:@bob@roseau.test tree": [4, 3],
        "tree -from:bob": [2, 1],
        "from:nobody": [],
        "tree has:poll": [2],
        "tree -has:poll": [4, 3, 1],
        "tree has:media": [],
        "is:reply": [3],
        "tree -is:reply -is:sensitive": [2, 1],
        "language:fr": [3, 1],
        "tree in:library": [2, 1],
        "tree in:all": [4, 3, 2, 1],
        "tree in:public": [4, 3, 2, 1],
        "tree before:2020-01-01": [],
        "tree after:2020-01-01": [4, 3, 2, 1],
        "tree during:2020-01-01": [],
        "tree before:yesterday": [],
        "tree unknown:operator": [],
        "-three tree from:bob": [4],
        "-three from:bob": [4],
    }.items():
        found = await search(client, ada, query, type="statuses")
        assert [ids[status] for status in found["statuses"]] == expected, query


def test_days_are_the_readers_own() -> None:
    paris = parse_question("during:2026-11-22", "Europe/Paris")
    midnight = 1_795_302_000_000
    assert (paris.newer_than, paris.older_than) == (
        first_id_at(midnight) - 1, first_id_at(midnight + 86_400_000),
    )  # fmt: skip
    assert parse_question("after:2026-11-21", "Europe/Paris").newer_than == paris.newer_than
    assert parse_question("before:2026-11-23", "Europe/Paris").older_than == paris.older_than
    assert parse_question("before:2026-11-23", "No/Where") == parse_question("before:2026-11-23")


@given(st.text(max_size=200))
def test_any_query_can_be_asked(query: str) -> None:
    question = parse_question(query)
    assert 0 <= question.older_than <= MAX_ID and 0 <= question.newer_than <= MAX_ID
    assert '""' not in question.match("sqlite")


@pytest.mark.parametrize(
    "query",
    ["*", '"', "'", "NEAR(a b)", "a AND", "-", "--", ":", "from:", "from:*", "before:9999-12-31",
     "after:0001-01-01", "words:a", "a^2", "a*b", "\\", "%", "_", "#", "@", "@@", "http://[",
     "https://roseau.test/@ada/99999999999999999999", "https://roseau.test/users", "https://roseau.test/",
     "é" * 600, "a " * 300, "!&|", "a & !b", "<->", "\t\n", "from:me -x"],
)  # fmt: skip
async def test_queries_that_mean_something_to_a_database(
    client: Any, cast: Any, worker: Any, query: str
) -> None:
    await post(client, worker, cast.ada, "Nothing to see")
    await search(client, cast.ada, query)
    answer = await client.get("/api/v1/accounts/search", headers=cast.ada.auth, params={"q": query})
    assert answer.status_code == 200


# Pages


async def test_pages_of_posts(client: Any, cast: Any, worker: Any) -> None:
    ids = [(await post(client, worker, cast.ada, f"leaf {number}"))["id"] for number in range(5)]
    newest = ids[::-1]
    assert (await search(client, cast.ada, "leaf", limit=2))["statuses"] == newest[:2]
    assert (await search(client, cast.ada, "leaf", limit=2, offset=2, type="statuses"))["statuses"] == newest[
        2:4
    ]
    assert (await search(client, cast.ada, "leaf", limit=2, offset=2))["statuses"] == newest[:2]
    assert (await search(client, cast.ada, "leaf", max_id=ids[2]))["statuses"] == newest[3:]
    assert (await search(client, cast.ada, "leaf", min_id=ids[2]))["statuses"] == newest[:2]
    assert (await search(client, cast.ada, "leaf", account_id=cast.bob.id))["statuses"] == []
    assert (await search(client, cast.ada, "leaf", account_id=cast.ada.id))["statuses"] == newest


# People and hashtags


async def test_people(client: Any, cast: Any, worker: Any) -> None:
    for name in ("admin2", "admin", "badmin", "market_square"):
        cast.join(name)
    cast.join("zed", display_name="Hélène Admin-Marché")
    waiting = cast.join("administrator", approved=False)
    await worker.settle()
    found = await search(client, cast.ada, "admin", type="accounts")
    assert found["accounts"] == ["admin", "admin2", "zed"]
    assert waiting.username not in found["accounts"]
    page = await search(client, cast.ada, "ADMIN", type="accounts", limit=1, offset=1)
    assert page["accounts"] == ["admin2"]
    for query in ("market_sq", "market_square", "@market_square", "marketsq", "@market_square@roseau.test"):
        assert (await search(client, cast.ada, query))["accounts"] == ["market_square"], query
    assert (await search(client, cast.ada, "helene marche"))["accounts"] == ["zed"]
    assert (await search(client, None, "helene"))["accounts"] == ["zed"]
    assert (await search(client, cast.ada, "https://roseau.test/@zed"))["accounts"] == ["zed"]
    listed = await client.get("/api/v1/accounts/search", headers=cast.ada.auth, params={"q": "zed"})
    assert [item["acct"] for item in listed.json()] == ["zed"]
    assert (await client.get("/api/v1/accounts/search", params={"q": "zed"})).status_code == 401


async def test_who_has_just_joined_is_found_by_name(client: Any, cast: Any) -> None:
    # No worker has run: the index does not know them yet.
    for query in ("BOB", "@bob", "bob@roseau.test", "@bob@Roseau.test"):
        assert (await search(client, cast.bob, query, type="accounts"))["accounts"] == ["bob"], query
    assert (await search(client, cast.bob, "bob@elsewhere.test"))["accounts"] == []
    assert (await search(client, cast.bob, "bob", following="1"))["accounts"] == []
    listed = await client.get("/api/v1/accounts/search", headers=cast.ada.auth, params={"q": "bob"})
    assert [account["acct"] for account in listed.json()] == ["bob"]


async def test_people_one_follows(client: Any, cast: Any, worker: Any) -> None:
    carol, carl = cast.carol, cast.carl
    await act(client, cast.ada, f"accounts/{carol.id}/follow")
    await worker.settle()
    assert (await search(client, cast.ada, "car"))["accounts"] == ["carol", "carl"]
    assert (await search(client, cast.ada, "car", following="1"))["accounts"] == [carol.username]
    renamed = await client.patch(
        "/api/v1/accounts/update_credentials", headers=carl.auth, data={"display_name": "Grandmother"}
    )
    assert renamed.status_code == 200
    await worker.settle()
    assert (await search(client, cast.ada, "grandm"))["accounts"] == ["carl"]


async def test_hashtags(client: Any, cast: Any, worker: Any) -> None:
    await post(client, worker, cast.ada, "#reeds_z #reeds_x and #reeds_y")
    await post(client, worker, cast.ada, "#Reeds")
    await post(client, worker, cast.ada, "#reedssecret", visibility="private")
    found = await search(client, cast.bob, "#reeds")
    assert [name.lower() for name in found["hashtags"]] == ["reeds", "reeds_x", "reeds_y", "reeds_z"]
    assert (found["statuses"], found["accounts"]) == ([], [])
    assert len((await search(client, cast.bob, "reeds_"))["hashtags"]) == 3
    assert (await search(client, cast.bob, "#rééds_x"))["hashtags"] == ["reeds_x"]
    answer = await client.get(
        SEARCH, headers=cast.bob.auth, params={"q": "#reeds", "type": "hashtags", "limit": 1}
    )
    [tag] = answer.json()["hashtags"]
    assert (len(tag["history"]), tag["following"]) == (7, False)


async def test_the_rules_of_the_door(client: Any, cast: Any) -> None:
    assert (await client.get(SEARCH, params={"q": "a", "resolve": "1"})).status_code == 401
    assert (await client.get(SEARCH, params={"q": "a", "offset": "1"})).status_code == 401
    narrow = cast.token(cast.ada, "read:statuses")
    assert (await client.get(SEARCH, headers=narrow, params={"q": "a"})).status_code == 403
    assert await search(client, cast.ada, "") == {"accounts": [], "statuses": [], "hashtags": []}
    for bad in ({"account_id": "x"}, {"limit": "x"}, {"account_id": "9" * 30}):
        answer = await client.get(SEARCH, headers=cast.ada.auth, params={"q": "a", **bad})
        assert answer.status_code == 422
