"""The site under each of its names: sign-in, posts, applications, streams; and re-entering after a loss."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pyotp
import pytest

from roseau.domain.accounts.second_factor import enable_totp, offer_totp
from roseau.domain.accounts.sessions import open_session
from roseau.domain.names import find_front_url, list_names
from roseau.doors.server import Server
from roseau.kernel.errors import Invalid, NotFound
from roseau.survival.addresses.names import (
    GivenNames,
    KnownNames,
    NewName,
    add_name,
    list_hosts,
    order_names,
    remove_names,
)
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser, read_mails, text_of
from tests.web.writers import publish

pytestmark = pytest.mark.anyio

ONION = "a" * 56 + ".onion"
MIRROR = "https://mirror.test/roseau"
#: Each kind of name, and a stranger's, under which the site answers as it always did.
DOORS = ["https://roseau.test", "https://alias.test", f"http://{ONION}", "https://unknown.test"]
OURS = DOORS[:3]

OpenDoor = Callable[[str], Browser]


@pytest.fixture(autouse=True)
def names(server: Server) -> None:
    """The site has an alias, an onion address and a mirror."""
    for new in (NewName("alias.test"), NewName(ONION), NewName(MIRROR, "mirror")):
        server.database.write_now(add_name, server.site, new)


@pytest.fixture
def nina(cast: Any) -> Any:
    """Somebody with a password."""
    return cast.join("nina", password_hash=PASSWORD_HASH)


@pytest.fixture
async def knock(app: Any, server: Server) -> AsyncIterator[OpenDoor]:
    """A new browser at one of the doors."""
    opened: list[httpx2.AsyncClient] = []

    def knock(url: str) -> Browser:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        client = httpx2.AsyncClient(transport=transport, base_url=url)
        opened.append(client)
        return Browser(client, server)

    yield knock
    for client in opened:
        await client.aclose()


# The commands


def test_names_are_listed_in_their_order_and_the_domain_is_always_there(server: Server) -> None:
    write, site = server.database.write_now, server.site
    found = server.database.read_now(list_names, site)
    assert [(name.kind, name.url) for name in found] == [
        ("domain", "https://roseau.test"),
        ("alias", "https://alias.test"),
        ("onion", f"http://{ONION}"),
        ("mirror", MIRROR),
    ]
    ordered = write(order_names, site, GivenNames(["https://ALIAS.test/", ONION]))
    assert [name.kind for name in ordered] == ["alias", "onion", "domain", "mirror"]
    assert server.database.read_now(find_front_url, site) == "https://alias.test"
    left = write(remove_names, site, GivenNames([MIRROR, "alias.test"]))
    assert [name.kind for name in left] == ["onion", "domain"]
    assert write(add_name, site, NewName("https://Bücher.test")).url == "https://xn--bcher-kva.test"
    assert list_hosts(server.database.read_now(list_names, site)) == ["roseau.test", "xn--bcher-kva.test"]


@pytest.mark.parametrize(
    ("written", "kind", "sentence"),
    [
        ("alias.test", "", "already"),
        ("roseau.test", "", "already"),
        ("http://other.test", "", "by https://"),
        ("https://other.test/path", "", "not a name"),
        ("two words", "", "not a name"),
        ("", "", "not a name"),
        ("https://[::1", "", "not a"),
        ("ada@other.test", "", "not a name"),
        ("mirror.test", "mirror", "not an address"),
        ("javascript:alert(1)", "mirror", "not an address"),
    ],
)
def test_what_cannot_be_a_name_is_refused(server: Server, written: str, kind: Any, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        server.database.write_now(add_name, server.site, NewName(written, kind))


def test_the_domain_stays_and_unknown_names_are_said(server: Server) -> None:
    with pytest.raises(Invalid, match="accounts and posts"):
        server.database.write_now(remove_names, server.site, GivenNames(["roseau.test"]))
    with pytest.raises(NotFound, match=r"nowhere\.test"):
        server.database.write_now(order_names, server.site, GivenNames(["nowhere.test"]))


async def test_a_new_name_is_known_soon_without_asking_for_each_request(server: Server, at: Any) -> None:
    known, asked = KnownNames(), 0
    read = server.database.read

    class Counting:
        def read(self, *arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            return read(*arguments)

    at(0)
    for _ in range(10):
        await known.refresh(Counting(), server.site)  # type: ignore[arg-type]
    assert asked == 1
    assert known.url_of("ALIAS.test") == "https://alias.test"
    assert known.url_of("new.test") is None
    await server.database.write(add_name, server.site, NewName("new.test"))
    at(3)
    await known.refresh(Counting(), server.site)  # type: ignore[arg-type]
    assert known.url_of("new.test") == "https://new.test"
    assert [name.name for name in known.besides("alias.test")] == ["roseau.test", ONION, MIRROR, "new.test"]


# Members at each door


@pytest.mark.parametrize("url", DOORS)
async def test_members_sign_in_and_post_from_the_pages(knock: OpenDoor, nina: Any, url: str) -> None:
    browser = knock(url)
    answer = await browser.submit("/sign_in", on="/sign_in", name="nina", password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/home")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=" if url.startswith("https") else "session=")
    await browser.get("/compose")
    posted = await publish(browser, "From this door")
    assert posted.status_code == 303
    assert urlsplit(posted.headers["location"]).netloc == ""
    assert "From this door" in text_of(await browser.get("/@nina"))
    counted = await browser.get("/live/count", headers={"Sec-Fetch-Site": "same-origin"})
    assert (counted.status_code, counted.json()) == (200, {"new": 0, "unread": 0})


@pytest.mark.parametrize("origin", [*OURS, "https://unknown.test", f"https://{ONION}", "null"])
async def test_behind_a_proxy_that_rewrites_the_name_forms_come_from_our_names_only(
    knock: OpenDoor, nina: Any, origin: str
) -> None:
    browser = knock("http://127.0.0.1:8000")
    page = await browser.get("/sign_in", headers={"X-Forwarded-Proto": "https"})
    assert page.status_code == 200
    answer = await browser.client.post(
        "/sign_in",
        data={"csrf": browser.csrf, "name": "nina", "password": PASSWORD},
        headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == (303 if origin in OURS else 403)


async def test_a_form_may_not_come_from_one_door_to_another(knock: OpenDoor, nina: Any) -> None:
    browser = knock("https://alias.test")
    await browser.get("/sign_in")
    answer = await browser.client.post(
        "/sign_in",
        data={"csrf": browser.csrf, "name": "nina", "password": PASSWORD},
        headers={"Origin": "https://roseau.test", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


async def test_an_alias_behind_tls_has_safe_cookies_although_the_proxy_says_nothing(
    knock: OpenDoor, nina: Any, server: Server
) -> None:
    for host, secure in (("alias.test", True), ("unknown.test", False), (ONION, False)):
        answer = await knock(f"http://{host}").get("/sign_in")
        assert ("Secure" in answer.headers["set-cookie"]) is secure, host


# Programs at each door


@pytest.mark.parametrize("url", OURS)
async def test_clients_go_on_under_the_name_that_they_use(knock: OpenDoor, cast: Any, url: str) -> None:
    client = knock(url).client
    auth = cast.ada.auth
    for number in range(3):
        posted = await client.post("/api/v1/statuses", headers=auth, data={"status": f"Number {number}"})
        assert posted.status_code == 200
        assert posted.json()["uri"].startswith("https://roseau.test/users/ada/")
        assert posted.json()["url"].startswith("https://roseau.test/@ada/")
    page = await client.get(f"/api/v1/accounts/{cast.ada.id}/statuses?limit=2", headers=auth)
    assert re.findall(r"<(https?://[^/]+)/", page.headers["link"]) == [url, url]
    instance = (await client.get("/api/v2/instance")).json()
    assert instance["domain"] == "roseau.test"
    assert instance["configuration"]["urls"]["streaming"] == url.replace("http", "ws", 1)
    older = (await client.get("/api/v1/instance")).json()
    assert older["urls"]["streaming_api"] == url.replace("http", "ws", 1)


@pytest.mark.parametrize("url", OURS)
async def test_applications_are_let_in(knock: OpenDoor, nina: Any, url: str) -> None:
    browser = knock(url)
    metadata = (await browser.client.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["issuer"] == f"{url}/"
    assert metadata["token_endpoint"] == f"{url}/oauth/token"
    registered = await browser.client.post(
        "/api/v1/apps", data={"client_name": "Heron", "redirect_uris": "https://app.test/back"}
    )
    app = registered.json()
    browser.sign_in(nina)
    token = browser.server.database.write_now(open_session, nina.id)
    browser.client.cookies.set("session", token)
    asked = {
        "client_id": app["client_id"],
        "redirect_uri": "https://app.test/back",
        "response_type": "code",
        "scope": "read",
    }
    page = await browser.get("/oauth/authorize", params=asked)
    assert page.status_code == 200
    granted = await browser.submit("/oauth/authorize", **asked, decision="allow")
    answer = parse_qs(urlsplit(granted.headers["location"]).query)
    # RFC 9207: the issuer in the answer is the one of the metadata that the client has read.
    assert answer["iss"] == [metadata["issuer"]]
    issued = await browser.client.post(
        "/oauth/token",
        data={
            "grant_type": "authorization_code",
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "redirect_uri": "https://app.test/back",
            "code": answer["code"][0],
        },
    )
    auth = {"Authorization": f"Bearer {issued.json()['access_token']}"}
    who = await browser.client.get("/api/v1/accounts/verify_credentials", headers=auth)
    assert who.json()["url"] == "https://roseau.test/@nina"


@pytest.mark.parametrize("url", OURS)
async def test_old_links_answer_and_others_find_members_by_each_name(
    knock: OpenDoor, cast: Any, url: str
) -> None:
    client = knock(url).client
    posted = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "To be found"})
    path = f"/@ada/{posted.json()['id']}"
    assert (await client.get(path)).status_code == 200
    for resource in (f"acct:ada@{urlsplit(url).netloc}", f"{url}/@ada", f"{url}/users/ada"):
        found = (await client.get("/.well-known/webfinger", params={"resource": resource})).json()
        assert found["subject"] == "acct:ada@roseau.test"
        assert f"{url}/@ada" == "https://roseau.test/@ada" or f"{url}/@ada" not in found["aliases"]
    found = await client.get(
        "/api/v2/search", params={"q": url + path, "resolve": "true"}, headers=cast.ada.auth
    )
    assert [status["id"] for status in found.json()["statuses"]] == [posted.json()["id"]]
    mirrored = await client.get("/.well-known/webfinger", params={"resource": f"acct:ada@{MIRROR}"})
    assert mirrored.status_code == 404


# The day the domain is lost


async def test_members_re_enter_by_an_alias_with_their_password_and_second_factor(
    knock: OpenDoor, nina: Any, server: Server
) -> None:
    offer = server.database.write_now(offer_totp, server.site, nina.id)
    code = pyotp.TOTP(offer.secret).now()
    codes = server.database.write_now(enable_totp, server.site, nina.id, code)
    browser = knock("https://alias.test")
    answer = await browser.submit("/sign_in", on="/sign_in", name="nina", password=PASSWORD)
    assert answer.headers["location"].startswith("/sign_in/code")
    entered = await browser.submit("/sign_in/code", on="/sign_in/code", code=codes[0])
    assert (entered.status_code, entered.headers["location"]) == (303, "/home")
    assert (await browser.get("/settings")).status_code == 200


async def test_a_forgotten_password_is_reset_through_the_first_door(
    knock: OpenDoor, nina: Any, server: Server, worker: Any
) -> None:
    await server.database.write(order_names, server.site, GivenNames(["alias.test"]))
    browser = knock("https://alias.test")
    await browser.submit("/password/forgot", on="/password/forgot", email="nina@roseau.test")
    await worker.settle()
    text = read_mails(server)[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "https://roseau.test" not in text
    path = re.search(r"https://alias\.test(/password/reset/\S+)", text)
    assert path
    changed = await browser.submit(path[1], on=path[1], password="a new long sentence")
    assert (changed.status_code, changed.headers["location"]) == (303, "/sign_in")
    entered = await browser.submit("/sign_in", on="/sign_in", name="nina", password="a new long sentence")
    assert (entered.status_code, entered.headers["location"]) == (303, "/home")


async def test_a_page_that_failed_names_the_other_doors(
    app: Any, knock: OpenDoor, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = knock("https://alias.test")
    assert (await browser.get("/about")).status_code == 200

    def fail(*arguments: Any, **keywords: Any) -> Any:
        raise RuntimeError("broken for the test")

    monkeypatch.setattr(server.database, "read", fail)
    page = await browser.get("/about?again=1")
    assert page.status_code == 500
    shown = re.search(r'<ul class="elsewhere">.*?</ul>', page.text, re.S)
    assert shown
    links = re.findall(r'href="([^"]+)"', shown[0])
    assert links == ["https://roseau.test/about?again=1", f"http://{ONION}/about?again=1", MIRROR]
    missing = await browser.get("/nothing/here/at/all")
    assert missing.status_code == 404
    assert 'class="elsewhere"' not in missing.text
