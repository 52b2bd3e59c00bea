"""One's own account: credentials, profile, pictures, links that are verified."""

from typing import Any

import httpx2
import pytest

from roseau.domain.accounts.verification import links_back
from tests.media.pictures import draw, encode
from tests.network.guarded import mock

pytestmark = pytest.mark.anyio

UPDATE = "/api/v1/accounts/update_credentials"
VERIFY = "/api/v1/accounts/verify_credentials"


async def update(client: Any, who: Any, path: str = UPDATE, **request: Any) -> Any:
    """What the change of a profile answers."""
    answer = await client.patch(path, headers=who.auth, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_credentials_of_a_new_account(client: Any, cast: Any) -> None:
    me = (await client.get(VERIFY, headers=cast.ada.auth)).json()
    assert (me["username"], me["display_name"], me["note"], me["fields"]) == ("ada", "", "", [])
    assert me["avatar"].endswith("/avatars/original/missing.png")
    assert me["header_static"].endswith("/headers/original/missing.png")
    assert me["source"] == {
        "privacy": "public", "sensitive": False, "language": None, "note": "", "fields": [],
        "follow_requests_count": 0, "hide_collections": False, "discoverable": False, "indexable": False,
        "attribution_domains": [], "quote_policy": "public",
    }  # fmt: skip
    assert (me["role"]["id"], me["role"]["name"], me["role"]["highlighted"], me["roles"]) == (
        "-99",
        "",
        False,
        [],
    )


async def test_a_profile_token_reads_its_own_account_only(client: Any, cast: Any) -> None:
    profile = cast.token(cast.ada, "profile")
    assert (await client.get(VERIFY, headers=profile)).status_code == 200
    assert (await client.get("/api/v1/profile", headers=profile)).status_code == 200
    assert (await client.get("/api/v1/blocks", headers=profile)).status_code == 403
    reads = cast.token(cast.ada, "read:accounts")
    assert (await client.get(VERIFY, headers=reads)).status_code == 200
    assert (await client.get(VERIFY, headers=cast.token(cast.ada, "write"))).status_code == 403


async def test_texts_and_flags_are_changed_and_shown(client: Any, cast: Any) -> None:
    me = await update(
        client,
        cast.ada,
        data={
            "display_name": " Ada Roselière ",
            "note": "I walk #reeds with @bob\n\nhttps://example.org/a",
            "fields_attributes[0][name]": "bread",
            "fields_attributes[0][value]": "toasty.",
            "fields_attributes[1][name]": "site",
            "fields_attributes[1][value]": "https://example.org/ada",
            "fields_attributes[2][name]": "",
            "fields_attributes[2][value]": "",
            "locked": "true",
            "bot": "1",
            "discoverable": "on",
            "indexable": "true",
            "hide_collections": "true",
        },
    )
    assert me["display_name"] == "Ada Roselière"
    assert me["note"].startswith('<p>I walk <a href="https://roseau.test/tags/reeds" class="mention hashtag"')
    assert me["source"]["note"] == "I walk #reeds with @bob\n\nhttps://example.org/a"
    assert me["fields"][0] == {"name": "bread", "value": "toasty.", "verified_at": None}
    assert 'rel="nofollow noopener me"' in me["fields"][1]["value"]
    assert me["source"]["fields"][1]["value"] == "https://example.org/ada"
    assert len(me["fields"]) == 2
    flags = ("locked", "bot", "discoverable", "indexable", "hide_collections")
    assert [me[flag] for flag in flags] == [True] * 5
    seen = (await client.get(f"/api/v1/accounts/{cast.ada.id}")).json()
    assert {name: seen[name] for name in seen} == {name: me[name] for name in seen}

    after = await update(
        client, cast.ada, json={"note": "", "fields_attributes": {"0": {"name": "a", "value": "b"}}}
    )
    assert (after["note"], after["display_name"], after["locked"]) == ("", "Ada Roselière", True)
    assert [field["name"] for field in after["fields"]] == ["a"]
    assert (await update(client, cast.ada, json={"fields_attributes": []}))["fields"] == []


async def test_defaults_for_posts(client: Any, cast: Any) -> None:
    me = await update(
        client,
        cast.ada,
        data={
            "source[privacy]": "unlisted", "source[sensitive]": "1", "source[language]": "fr",
            "source[quote_policy]": "followers",
            "attribution_domains[]": ["example.com", "Another-Example.com"],
        },
    )  # fmt: skip
    source = me["source"]
    assert (source["privacy"], source["sensitive"], source["language"]) == ("unlisted", True, "fr")
    assert (source["quote_policy"], source["attribution_domains"]) == (
        "followers",
        ["example.com", "another-example.com"],
    )
    posted = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "Bonjour"})
    assert (posted.json()["visibility"], posted.json()["language"]) == ("unlisted", "fr")
    emptied = await update(client, cast.ada, data={"source[language]": "", "attribution_domains[]": ""})
    assert (emptied["source"]["language"], emptied["source"]["attribution_domains"]) == (None, [])


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"display_name": "x" * 41}, "display_name"),
        ({"note": "x" * 501}, "note"),
        ({"note": "https://example.org/" + "x" * 10_000}, "note"),
        ({"avatar_description": "x" * 151}, "avatar_description"),
        ({"fields_attributes": [{"name": str(n), "value": "x"} for n in range(5)]}, "fields"),
        ({"fields_attributes": [{"name": "a", "value": "x" * 256}]}, "fields"),
        ({"fields_attributes": [{"name": "", "value": "x"}]}, "fields"),
    ],
)
async def test_what_is_too_long_is_refused_by_name(client: Any, cast: Any, form: Any, field: str) -> None:
    answer = await client.patch(UPDATE, headers=cast.ada.auth, json=form | {"bot": True})
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["details"]) == [field]
    assert (await client.get(VERIFY, headers=cast.ada.auth)).json()["bot"] is False


@pytest.mark.parametrize(
    "form",
    [
        {"source": {"privacy": "secret"}}, {"source": {"language": "<b>"}}, {"source": "x"},
        {"attribution_domains": ["no domain"]}, {"display_name": {"a": "b"}}, {"avatar": "data:,"},
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(client: Any, cast: Any, form: Any) -> None:
    answer = await client.patch(UPDATE, headers=cast.ada.auth, json=form)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]


async def test_pictures_are_set_and_taken_away(client: Any, cast: Any) -> None:
    me = await update(
        client,
        cast.ada,
        files={
            "avatar": ("a.jpg", encode(draw(64, 64), "jpeg")),
            "header": ("h.png", encode(draw(90, 30), "png")),
        },
        data={"avatar_description": "Reeds", "header_description": "The lake"},
    )
    assert "/media/" in me["avatar"]
    assert "/media/" in me["header"]
    assert (me["avatar_description"], me["header_description"]) == ("Reeds", "The lake")
    profile = (await client.get("/api/v1/profile", headers=cast.ada.auth)).json()
    assert (profile["avatar"], profile["header"]) == (me["avatar"], me["header"])

    other = await update(client, cast.ada, files={"avatar": ("b.png", encode(draw(32, 32), "png"))})
    assert other["avatar"] != me["avatar"]
    assert other["header"] == me["header"]

    gone = await client.delete("/api/v1/profile/avatar", headers=cast.ada.auth)
    assert gone.json()["avatar"].endswith("/avatars/original/missing.png")
    assert gone.json()["header"] == me["header"]
    gone = await client.delete("/api/v1/profile/header", headers=cast.ada.auth)
    assert gone.json()["header"].endswith("/headers/original/missing.png")
    assert (await client.get("/api/v1/profile", headers=cast.ada.auth)).json()["avatar"] is None


async def test_a_lying_picture_changes_nothing(client: Any, cast: Any) -> None:
    answer = await client.patch(
        UPDATE,
        headers=cast.ada.auth,
        data={"note": "x"},
        files={"avatar": ("a.png", b"<svg onload=alert(1)>")},
    )
    assert answer.status_code in (415, 422), answer.text
    assert (await client.get(VERIFY, headers=cast.ada.auth)).json()["note"] == ""


async def test_the_profile_of_4_6(client: Any, cast: Any) -> None:
    await client.post("/api/v1/featured_tags", headers=cast.ada.auth, data={"name": "reeds"})
    profile = await update(
        client,
        cast.ada,
        "/api/v1/profile",
        json={
            "note": "I *walk*", "show_media": False, "show_media_replies": "0", "show_featured": False,
            "fields_attributes": [{"name": "bread", "value": "toasty."}],
            "attribution_domains": ["example.com"],
        },
    )  # fmt: skip
    assert (profile["id"], profile["note"], profile["formatted_note"]) == (
        str(cast.ada.id),
        "I *walk*",
        "<p>I *walk*</p>",
    )
    assert not (profile["show_media"] or profile["show_media_replies"] or profile["show_featured"])
    assert (
        profile["fields"]
        == profile["formatted_fields"]
        == [{"name": "bread", "value": "toasty.", "verified_at": None}]
    )
    assert [tag["name"] for tag in profile["featured_tags"]] == ["reeds"]
    assert profile["attribution_domains"] == ["example.com"]
    seen = (await client.get(f"/api/v1/accounts/{cast.ada.id}")).json()
    assert (seen["show_media"], seen["show_featured"]) == (False, False)
    assert (await client.get("/api/v1/profile", headers=cast.ada.auth)).json() == profile


async def test_roles_are_shown(client: Any, cast: Any) -> None:
    owner = (await client.get(f"/api/v1/accounts/{cast.olga.id}")).json()
    assert owner["roles"] == [{"id": "3", "name": "Owner", "color": ""}]
    me = (await client.get(VERIFY, headers=cast.olga.auth)).json()
    assert (me["role"]["name"], me["role"]["highlighted"]) == ("Owner", True)


async def test_a_link_is_verified_when_the_page_links_back(
    client: Any, cast: Any, server: Any, worker: Any
) -> None:
    pages = {"/good": '<a rel="me" href="https://roseau.test/@ada">me</a>', "/bad": "<p>Hello</p>"}
    server.client, sent = mock(
        lambda request: httpx2.Response(
            200, headers={"content-type": "text/html"}, text=pages[request.url.path]
        )
    )
    fields = [{"name": name, "value": f"https://ada.example/{name}"} for name in ("good", "bad")]
    fields.append({"name": "words", "value": "see https://ada.example/good"})
    await update(client, cast.ada, json={"fields_attributes": fields})
    await worker.settle()
    me = (await client.get(VERIFY, headers=cast.ada.auth)).json()
    assert [field["verified_at"] is not None for field in me["fields"]] == [True, False, False]
    assert sorted(request.url.path for request in sent) == ["/bad", "/good"]

    # It is looked at again with the next change, and keeps the moment for as long as it holds.
    verified = me["fields"][0]["verified_at"]
    me = await update(client, cast.ada, data={"display_name": "Ada"})
    assert me["fields"][0]["verified_at"] == verified
    pages["/good"] = "<p>Moved</p>"
    await worker.settle()
    me = (await client.get(VERIFY, headers=cast.ada.auth)).json()
    assert [field["verified_at"] for field in me["fields"]] == [None, None, None]


async def test_a_site_that_is_down_is_asked_again(
    client: Any, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    answers: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if not answers:
            raise httpx2.ConnectError("down", request=request)
        return httpx2.Response(200, headers={"content-type": "text/html"}, text=answers[0])

    server.client, sent = mock(answer)
    at(0)
    fields = [{"name": "site", "value": "https://ada.example/"}]
    await update(client, cast.ada, json={"fields_attributes": fields})
    await worker.settle()
    assert len(sent) == 1
    answers.append('<link rel="me" href="https://roseau.test/@ada">')
    at(60)
    await worker.settle()
    me = (await client.get(VERIFY, headers=cast.ada.auth)).json()
    assert me["fields"][0]["verified_at"] is not None


async def test_a_link_into_the_own_network_is_not_fetched(
    client: Any, cast: Any, server: Any, worker: Any
) -> None:
    await update(client, cast.ada, json={"fields_attributes": [{"name": "a", "value": "http://127.0.0.1/x"}]})
    await worker.settle()
    me = (await client.get(VERIFY, headers=cast.ada.auth)).json()
    assert me["fields"][0]["verified_at"] is None


OURS = ("https://roseau.test/@ada", "https://roseau.test/users/ada")


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://roseau.test/@ada" rel="me">x</a>',
        "<A CLASS=u REL='nofollow ME' HREF='https://Roseau.test/@Ada/'>x</A>",
        "<head><link rel=me href=https://roseau.test/users/ada></head>",
        '<p title="a > b"><a title="x > y" href="https://roseau.test/&#64;ada" rel="noopener me">x</a>',
        '<script>let a = 1 < 2;</script><a\nrel="me"\nhref="https://roseau.test/@ada">x</a>',
    ],
)
def test_pages_that_link_back(page: str) -> None:
    assert links_back(page, OURS)


@pytest.mark.parametrize(
    "page",
    [
        "",
        '<a href="https://roseau.test/@ada">x</a>',
        '<a rel="me" href="https://roseau.test/@adam">x</a>',
        '<a rel="menu" href="https://roseau.test/@ada">x</a>',
        '<!-- <a rel="me" href="https://roseau.test/@ada"> -->',
        "<script>comment = \"<a rel='me' href='https://roseau.test/@ada'>\"</script>",
        '<textarea><a rel="me" href="https://roseau.test/@ada"></textarea>',
        '<img alt="<a rel=me href=https://roseau.test/@ada>">',
        '<abbr rel="me" href="https://roseau.test/@ada">',
        "<script><a rel=me href=https://roseau.test/@ada>",
    ],
)
def test_pages_that_do_not_link_back(page: str) -> None:
    assert not links_back(page, OURS)


@pytest.mark.parametrize(
    "piece", ["<script", "<!--", "<a ", '<a "', "<a x='", "<link <a ", "<textarea>", "</script"]
)
def test_a_hostile_page_is_read_in_no_time(piece: str) -> None:
    assert not links_back(piece * (400_000 // len(piece)), OURS)
