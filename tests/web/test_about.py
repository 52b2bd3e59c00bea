"""What the site says of itself: rules, terms, where to write, servers that are limited; and saying it."""

from typing import Any

import msgspec
import pytest

from roseau.domain.moderation.servers import permissions
from roseau.domain.moderation.servers.permissions import DomainPermissionDraft
from roseau.domain.moderation.terms import set_terms
from roseau.domain.policy import find_rule_version, list_rules
from roseau.domain.site import choose, load_choices
from roseau.kernel import clock
from tests.moderation.test_servers import write_rules
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


async def test_the_rules_tell_what_follows_and_how_they_read_before(browser: Browser, server: Any) -> None:
    write_rules(server, "Be kind.")
    write_rules(server, "Be good.")
    page = text_of(await browser.get("/rules"))
    assert "Be good." in page and "decided within 24 hours" in page and "Suspended account" in page
    assert "Rules that were withdrawn" in page and "Be kind." in page


async def test_where_to_write_is_told(browser: Browser, server: Any) -> None:
    page = await browser.get("/about/contact")
    assert "mailto:help@roseau.test" in page.text and "mailto:law@roseau.test" in page.text
    server.database.write_now(
        lambda tx: choose(tx, None, contact_users="", contact_authorities="", operator="")
    )
    assert "Nobody has said yet" in text_of(await browser.get("/about/contact"))


async def test_the_terms_are_told_in_their_versions(browser: Browser, server: Any, cast: Any) -> None:
    assert "No terms were written yet" in text_of(await browser.get("/terms"))
    server.database.write_now(set_terms, cast.olga.id, {"en": "**Bold** <script>alert(1)</script>"})
    page = await browser.get("/terms")
    assert "<strong>Bold</strong>" in page.text and "<script>alert" not in page.text
    assert (await browser.get("/terms/2001-01-01")).status_code == 404


async def test_terms_that_begin_later_are_announced_and_members_told(
    browser: Browser, server: Any, cast: Any, worker: Any
) -> None:
    server.database.write_now(set_terms, cast.olga.id, {"en": "The old ones"})
    browser.sign_in(cast.ada)
    browser.sign_in(cast.olga)
    where, day = "/settings/site/legal", clock.to_date(clock.now() + 30 * clock.DAY)
    fields = {
        "contact_users": "help@roseau.test", "contact_authorities": "law@roseau.test", "country": "FR",
        "terms_en": "The new ones", "show_limited_servers": "all",
    }  # fmt: skip
    wrong = await browser.submit(where, on=where, **fields, terms_since="soon")
    assert wrong.status_code == 422 and "This is no day." in text_of(wrong)
    saved = await browser.submit(where, on=where, **fields, terms_since=day, tell_members="1")
    assert saved.status_code == 303
    assert f'value="{day}"' in (await browser.get(where)).text
    await worker.settle()
    page = await browser.get("/terms")
    assert "The old ones" in text_of(page) and f'href="/terms/{day}"' in page.text
    assert "not in force yet" in text_of(await browser.get(f"/terms/{day}"))
    browser.sign_in(cast.ada)
    page = await browser.get("/notifications")
    assert "The terms of this site change" in text_of(page) and f'href="/terms/{day}"' in page.text


async def test_whoever_joins_accepts_the_terms(browser: Browser, server: Any, cast: Any) -> None:
    assert "accept the terms" not in text_of(await browser.get("/sign_up"))
    server.database.write_now(set_terms, cast.olga.id, {"en": "Be kind."})
    page = await browser.get("/sign_up")
    assert "By joining you also accept the terms" in text_of(page) and 'href="/terms"' in page.text


async def test_limited_servers_are_told_to_those_who_may_know(
    browser: Browser, server: Any, cast: Any
) -> None:
    write_rules(server, "Be kind.")
    draft = DomainPermissionDraft(domain="evil.example", public_comment="Spam <b>farm</b>", obfuscate=True)
    server.database.write_now(permissions.set_domain_permission, server.site, cast.olga.id, draft)
    page = await browser.get("/about/servers")
    assert "evi*.****ple" in page.text and "evil.example" not in page.text
    assert "Spam &lt;b&gt;farm" in page.text
    for shown, sentence in (("users", "for members"), ("disabled", "not public")):
        server.database.write_now(lambda tx, who=shown: choose(tx, None, show_limited_servers=who))
        page = await browser.get("/about/servers")
        assert sentence in text_of(page) and "evi*" not in page.text


async def test_the_owner_says_what_the_law_asks(browser: Browser, server: Any, cast: Any) -> None:
    browser.sign_in(cast.olga)
    where = "/settings/site/legal"
    saved = await browser.submit(
        where, on=where, contact_users="https://roseau.test/help", contact_authorities="law@roseau.test",
        contact_languages="fr, EN", operator="Ada\n1 Reed Street", country="fr", terms_en="Be kind.",
        show_limited_servers="users",
    )  # fmt: skip
    assert saved.status_code == 303
    choices = server.database.read_now(load_choices)
    assert (choices.contact_languages, choices.country) == (("fr", "en"), "FR")
    assert choices.terms == {"en": "Be kind."} and choices.terms_since > 0
    wrong = await browser.submit(
        where, on=where, contact_users="nonsense", contact_languages="klingon", country="France"
    )
    assert wrong.status_code == 422
    page = text_of(wrong)
    for sentence in ("neither a mail address", "languages is not known", "two letters"):
        assert sentence in page
    assert server.database.read_now(load_choices) == choices


async def test_joining_is_not_opened_before_there_is_somewhere_to_write(
    browser: Browser, server: Any, cast: Any
) -> None:
    server.database.write_now(lambda tx: choose(tx, None, contact_users="", contact_authorities=""))
    browser.sign_in(cast.olga)
    where = "/settings/site/rules"
    fields = {"rules[0][en]": "Be kind."}
    server.site = with_choice_of_joining(server.site)
    refused = await browser.submit(where, on=where, **fields, registrations="open", contact_email="")
    assert refused.status_code == 422 and "have to know where to write" in text_of(refused)
    saved = await browser.submit(
        where, on=where, **fields, registrations="open", contact_email="hi@roseau.test"
    )
    assert saved.status_code == 303
    choices = server.database.read_now(load_choices)
    assert choices.registrations == "open"
    assert choices.contact_users == choices.contact_authorities == "hi@roseau.test"


def with_choice_of_joining(site: Any) -> Any:
    """The site without the setting that says who may join."""
    settings = msgspec.structs.replace(site.settings, registrations=None)
    return msgspec.structs.replace(site, settings=settings)


async def test_the_owner_says_what_follows_from_a_rule(browser: Browser, server: Any, cast: Any) -> None:
    browser.sign_in(cast.olga)
    where = "/settings/site/rules"
    await browser.submit(
        where, on=where,
        **{
            "rules[0][en]": "Be kind.", "rules[0][lane]": "S1", "rules[0][ladder][]": ["suspend", "remove"],
            "rules[0][dsa_category]": "STATEMENT_CATEGORY_VIOLENCE",
        },
    )  # fmt: skip
    rule = next(one for one in server.database.read_now(list_rules) if one.said_in("en").text == "Be kind.")
    said = server.database.read_now(find_rule_version, rule.id)
    assert (said.terms.lane, said.terms.ladder) == ("S1", ("remove", "suspend"))
    assert said.terms.dsa_category == "STATEMENT_CATEGORY_VIOLENCE"
