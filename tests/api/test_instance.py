"""The site as the API tells it, what other programs look for first, and the language of errors."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import insert, update

from roseau.domain.site import choose
from roseau.kernel import clock
from roseau.settings import Settings
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.site import rule_texts, rules
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The usual settings, with changes where a test asks for them."""
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return Settings(**values | getattr(request, "param", {}))


def changed(**changes: Any) -> Any:
    """The test's site has these settings."""
    return pytest.mark.parametrize("settings", [changes], indirect=True, ids=[""])


def write_rules(server: Any) -> None:
    """Two rules in force, one of them in two languages, and one that was withdrawn."""

    def write(tx: Any) -> None:
        for position, withdrawn in ((2, None), (1, None), (0, 1)):
            values = {"id": position + 1, "position": position, "created_at": 1, "withdrawn_at": withdrawn}
            tx.run(statement(insert(rules).values(**values)))
        for rule_id, language, text, hint in (
            (3, "fr", "Soyez doux", ""),
            (3, "en", "Be kind", "To everybody"),
            (2, "fr", "Pas de publicité", ""),
            (1, "en", "Gone", ""),
        ):
            values = {"rule_id": rule_id, "language": language, "text": text, "hint": hint}
            tx.run(statement(insert(rule_texts).values(**values)))

    server.database.write_now(write)


async def test_version_1_has_every_key_that_clients_read(client: Any, server: Any, cast: Any) -> None:
    server.database.write_now(
        choose,
        None,
        title="Reeds",
        short_description="A pond",
        contact_email="o@roseau.test",
        contact_account="olga",
    )
    assert cast.olga.id and cast.ada.id
    await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "One"})
    for path in ("/api/v1/instance", "/api/v1/instance/"):
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
    instance = answer.json()
    assert (instance["uri"], instance["title"], instance["email"]) == (
        "roseau.test",
        "Reeds",
        "o@roseau.test",
    )
    assert instance["version"].startswith("4.6.0 (compatible; Roseau ")
    assert instance["urls"] == {"streaming_api": "wss://roseau.test"}
    assert instance["stats"] == {"user_count": 2, "status_count": 1, "domain_count": 0}
    assert instance["contact_account"]["acct"] == "olga"
    assert (instance["registrations"], instance["approval_required"]) == (True, False)
    assert instance["languages"] == ["en", "fr"]
    assert instance["description"] == instance["short_description"] == "A pond"
    assert instance["configuration"]["statuses"] == {
        "max_characters": 2000,
        "max_media_attachments": 4,
        "characters_reserved_per_url": 23,
    }
    assert {"accounts", "media_attachments", "polls"} <= set(instance["configuration"])
    assert instance["rules"] == []


async def test_version_2_has_every_key_that_clients_read(client: Any, cast: Any) -> None:
    assert cast.ada.id
    await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "One"})
    instance = (await client.get("/api/v2/instance")).json()
    assert sorted(instance) == [
        "api_versions", "configuration", "contact", "contact_points", "description", "domain", "icon",
        "languages", "registrations", "rules", "source_url", "thumbnail", "title", "usage", "version",
    ]  # fmt: skip
    assert instance["domain"] == "roseau.test"
    assert instance["usage"] == {"users": {"active_month": 1}}
    assert instance["contact"] == {"email": "", "account": None}
    assert instance["thumbnail"]["url"].startswith("https://roseau.test/")
    # Level 2 promises grouped notifications (Mastodon 4.3), so that they have to be there.
    assert instance["api_versions"] == {"mastodon": 2}
    assert (await client.get("/api/v2/notifications", headers=cast.ada.auth)).status_code == 200
    configuration = instance["configuration"]
    assert sorted(configuration) == [
        "accounts", "limited_federation", "media_attachments", "polls", "statuses", "timelines_access",
        "translation", "urls", "vapid",
    ]  # fmt: skip
    assert configuration["urls"]["streaming"] == "wss://roseau.test"
    assert configuration["timelines_access"]["live_feeds"] == {"local": "public", "remote": "public"}
    assert configuration["media_attachments"]["image_size_limit"] == 16 * 1024 * 1024
    assert configuration["polls"]["min_expiration"] == 300
    assert instance["registrations"] == {
        "enabled": True,
        "approval_required": False,
        "reason_required": False,
        "message": None,
        "min_age": None,
        "url": None,
    }


@changed(registrations="approval", minimum_age=16)
async def test_what_joining_takes_is_told(client: Any, server: Any) -> None:
    server.database.write_now(choose, None, registrations_message="We read each one", public_timelines=False)
    instance = (await client.get("/api/v2/instance")).json()
    assert instance["registrations"] == {
        "enabled": True,
        "approval_required": True,
        "reason_required": True,
        "message": "We read each one",
        "min_age": 16,
        "url": None,
    }
    assert instance["configuration"]["timelines_access"]["live_feeds"]["local"] == "authenticated"
    older = (await client.get("/api/v1/instance")).json()
    assert (older["registrations"], older["approval_required"]) == (True, True)


@changed(registrations="invitation")
async def test_who_needs_an_invitation_cannot_register(client: Any) -> None:
    instance = (await client.get("/api/v1/instance")).json()
    assert (instance["registrations"], instance["invites_enabled"]) == (False, True)


@changed(base_url="http://localhost:3000")
async def test_a_site_on_a_port_is_named_with_it(client: Any, cast: Any) -> None:
    assert cast.ada.id
    assert (await client.get("/api/v1/instance")).json()["uri"] == "localhost:3000"
    instance = (await client.get("/api/v2/instance")).json()
    assert instance["domain"] == "localhost:3000"
    assert instance["configuration"]["urls"]["streaming"] == "ws://localhost:3000"
    found = await client.get("/.well-known/webfinger", params={"resource": "acct:ada@localhost:3000"})
    assert found.json()["subject"] == "acct:ada@localhost:3000"


async def test_rules_come_in_order_and_in_every_language(client: Any, server: Any) -> None:
    write_rules(server)
    answer = await client.get("/api/v1/instance/rules")
    assert answer.json() == [
        {
            "id": "2",
            "text": "Pas de publicité",
            "hint": "",
            "translations": {"fr": {"text": "Pas de publicité", "hint": ""}},
        },
        {
            "id": "3",
            "text": "Be kind",
            "hint": "To everybody",
            "translations": {
                "en": {"text": "Be kind", "hint": "To everybody"},
                "fr": {"text": "Soyez doux", "hint": ""},
            },
        },
    ]
    assert (await client.get("/api/v2/instance")).json()["rules"] == answer.json()


async def test_the_long_description_is_safe_html(client: Any, server: Any) -> None:
    empty = await client.get("/api/v1/instance/extended_description")
    assert empty.json() == {"updated_at": None, "content": ""}
    server.database.write_now(choose, None, description="A **pond** <script>alert(1)</script>")
    answer = (await client.get("/api/v1/instance/extended_description")).json()
    assert answer["updated_at"].endswith("Z")
    assert "<strong>pond</strong>" in answer["content"] and "<script" not in answer["content"]


async def test_twelve_weeks_this_one_first(client: Any, cast: Any) -> None:
    assert cast.ada.id and cast.bob.id
    for text in ("One", "Two"):
        await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": text})
    weeks = (await client.get("/api/v1/instance/activity")).json()
    assert len(weeks) == 12
    assert {name: weeks[0][name] for name in ("statuses", "logins", "registrations")} == {
        "statuses": "2",
        "logins": "1",
        "registrations": "2",
    }
    assert all(week["statuses"] == "0" for week in weeks[1:])
    starts = [int(week["week"]) for week in weeks]
    assert {later - earlier for later, earlier in pairwise(starts)} == {7 * 86_400}
    assert clock.to_datetime(starts[0] * 1000).weekday() == 0
    assert 0 <= clock.now() // 1000 - starts[0] < 7 * 86_400


async def test_small_lists(client: Any, cast: Any) -> None:
    assert (await client.get("/api/v1/instance/peers")).json() == []
    assert (await client.get("/api/v1/instance/translation_languages")).json() == {}
    languages = (await client.get("/api/v1/instance/languages")).json()
    assert {"code": "fr", "name": "French"} in languages
    assert (await client.get("/api/v1/announcements", headers=cast.ada.auth)).json() == []
    assert (await client.get("/api/v1/announcements")).status_code == 401
    for kind in ("", "/tags", "/statuses", "/links"):
        answer = await client.get(f"/api/v1/trends{kind}")
        assert (answer.status_code, answer.json()) == (200, []), kind
    for version in ("v1", "v2"):
        assert (await client.get(f"/api/{version}/filters", headers=cast.ada.auth)).json() == []
        assert (await client.get(f"/api/{version}/filters")).status_code == 401


async def test_what_is_not_public_or_not_there(client: Any, server: Any, cast: Any) -> None:
    path = "/api/v1/instance/domain_blocks"
    assert (await client.get(path)).json() == []
    server.database.write_now(choose, None, show_limited_servers="users")
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=cast.ada.auth)).json() == []
    server.database.write_now(choose, None, show_limited_servers="disabled")
    assert (await client.get(path, headers=cast.ada.auth)).status_code == 404
    for name in ("privacy_policy", "terms_of_service"):
        answer = await client.get(f"/api/v1/instance/{name}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})


async def test_health_is_a_word(client: Any) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.text) == (200, "OK")
    assert answer.headers["content-type"].startswith("text/plain")
    assert (await client.head("/health")).status_code == 200


async def test_preferences_go_under_mastodons_names(client: Any, cast: Any) -> None:
    answer = await client.get("/api/v1/preferences", headers=cast.ada.auth)
    assert answer.json() == {
        "posting:default:visibility": "public",
        "posting:default:sensitive": False,
        "posting:default:language": None,
        "posting:default:quote_policy": "public",
        "reading:expand:media": "default",
        "reading:expand:spoilers": False,
        "reading:autoplay:gifs": False,
    }


# Discovery


async def test_nodeinfo(client: Any, cast: Any) -> None:
    assert cast.ada.id
    links = (await client.get("/.well-known/nodeinfo")).json()["links"]
    assert [link["rel"].rpartition("/")[2] for link in links] == ["2.0", "2.1"]
    for link in links:
        answer = await client.get(link["href"])
        version = link["rel"].rpartition("/")[2]
        assert f'profile="{link["rel"]}#"' in answer.headers["content-type"]
        document = answer.json()
        assert document["version"] == version
        assert document["software"] == {"name": "roseau", "version": "0.1.0"}
        assert document["usage"]["users"]["total"] == 1
        assert document["openRegistrations"] is True
        assert document["services"] == {"inbound": [], "outbound": []}
    assert (await client.get("/nodeinfo/3.0")).status_code == 404


@pytest.mark.parametrize(
    "resource",
    [
        "acct:ada@roseau.test",
        "acct:ADA@Roseau.Test",
        "@ada@roseau.test",
        "ada@roseau.test",
        "https://roseau.test/@ada",
        "https://roseau.test/users/ada",
    ],
)
async def test_webfinger_finds_members(client: Any, cast: Any, resource: str) -> None:
    assert cast.ada.id
    answer = await client.get("/.well-known/webfinger", params={"resource": resource})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/jrd+json")
    assert answer.headers["access-control-allow-origin"] == "*"
    document = answer.json()
    assert document["subject"] == "acct:ada@roseau.test"
    assert document["aliases"] == ["https://roseau.test/@ada", "https://roseau.test/users/ada"]
    links = {link["rel"]: link for link in document["links"]}
    assert links["self"] == {
        "rel": "self",
        "type": "application/activity+json",
        "href": "https://roseau.test/users/ada",
    }
    assert links["http://webfinger.net/rel/profile-page"]["href"] == "https://roseau.test/@ada"


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ("", 400),
        ("acct:nobody@roseau.test", 404),
        ("acct:ada@elsewhere.test", 404),
        ("acct:ada", 404),
        ("ada", 404),
        ("https://elsewhere.test/@ada", 404),
        ("https://roseau.test/about", 404),
        ("https://roseau.test/@ada/1", 404),
        ("https://roseau.test/[", 404),
    ],
)
async def test_webfinger_knows_nobody_else(client: Any, cast: Any, resource: str, status: int) -> None:
    assert cast.ada.id
    answer = await client.get("/.well-known/webfinger", params={"resource": resource})
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


async def test_webfinger_says_who_is_gone(client: Any, server: Any, cast: Any) -> None:
    gone = statement(update(accounts).where(accounts.c.id == cast.ada.id).values(deleted_at=1, version=9))
    server.database.write_now(lambda tx: tx.run(gone))
    answer = await client.get("/.well-known/webfinger", params={"resource": "acct:ada@roseau.test"})
    assert answer.status_code == 410


async def test_host_meta_leads_to_webfinger(client: Any) -> None:
    answer = await client.get("/.well-known/host-meta")
    assert answer.headers["content-type"].startswith("application/xrd+xml")
    template = "https://roseau.test/.well-known/webfinger?resource={uri}"
    assert f'<Link rel="lrdd" template="{template}"/>' in answer.text


# The language of errors


async def test_errors_speak_the_members_language_or_the_one_asked_for(
    client: Any, server: Any, cast: Any
) -> None:
    luce = cast.join("luce", locale="fr")

    async def refusal(headers: Any = None, **parameters: str) -> str:
        answer = await client.get("/api/v1/statuses/1", headers=headers, params=parameters)
        assert answer.status_code == 404
        return str(answer.json()["error"])

    english = "Record not found"
    french = await refusal(luce.auth)
    assert french != english
    assert await refusal() == english
    assert await refusal(cast.ada.auth) == english
    assert await refusal(luce.auth, lang="de") == english
    assert await refusal(luce.auth, lang="en") == english
    assert await refusal(cast.ada.auth, lang="fr-CA") == french
    assert await refusal(lang="fr") == french


async def test_the_language_may_be_asked_for_in_the_body(client: Any, cast: Any) -> None:
    long = {"status": "x" * 3_000}
    luce = cast.join("luce", locale="fr")
    own = await client.post("/api/v1/statuses", headers=luce.auth, json=long)
    asked = await client.post("/api/v1/statuses", headers=luce.auth, json=long | {"lang": "de"})
    assert own.status_code == asked.status_code == 422
    plain = await client.post("/api/v1/statuses", headers=cast.ada.auth, data=long)
    assert asked.json() == plain.json()
