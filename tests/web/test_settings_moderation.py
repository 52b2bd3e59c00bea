"""The settings of moderation: the outside reviewer, and the sites that keep the roots."""

from typing import Any

import pytest

from roseau.domain.site import load_choices
from tests.moderation.acting import make_moderator
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio
WHERE = "/settings/site/moderation"


async def test_they_are_saved_and_shown(browser: Browser, cast: Any, server: Any) -> None:
    browser.sign_in(cast.olga)
    fields = {
        "outside_reviewer": f"@{cast.bob.username}",
        "record_peers": "https://one.example/\nhttps://two.example",
    }
    assert (await browser.submit(WHERE, on=WHERE, **fields)).status_code == 303
    choices = server.database.read_now(load_choices)
    assert choices.outside_reviewer_id == cast.bob.id
    assert choices.record_peers == ("https://one.example", "https://two.example")
    page = (await browser.get(WHERE)).text
    assert 'value="bob"' in page and "https://two.example" in page
    assert (await browser.submit(WHERE, on=WHERE, outside_reviewer="", record_peers="")).status_code == 303
    assert server.database.read_now(load_choices).outside_reviewer_id == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"outside_reviewer": "nobody_here"}, "no member of that name"),
        ({"outside_reviewer": "mona"}, "not from outside"),
        ({"record_peers": "http://one.example"}, "Write each site as"),
        ({"record_peers": "https://one.example/path"}, "Write each site as"),
        ({"record_peers": "\n".join(f"https://n{n}.example" for n in range(11))}, "Ten sites"),
    ],
)
async def test_what_is_wrong_is_said(
    browser: Browser, cast: Any, server: Any, fields: dict[str, str], sentence: str
) -> None:
    make_moderator(cast)
    browser.sign_in(cast.olga)
    answer = await browser.submit(WHERE, on=WHERE, **fields)
    assert answer.status_code == 422 and sentence in text_of(answer)
    assert server.database.read_now(load_choices).record_peers == ()


async def test_they_are_for_those_who_run_the_site(browser: Browser, cast: Any) -> None:
    browser.sign_in(make_moderator(cast))
    assert (await browser.get(WHERE)).status_code == 403
